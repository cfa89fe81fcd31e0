"""What other plugins get when they ask for the internal service of billing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import runtime
from core.adapters.clock import to_local_date
from core.contracts.licences import FirstInvoice, PlanQuote, TakenPlan, UpcomingInvoice
from core.contracts.services import Subscribing
from core.domain.money import to_cents
from plugins.billing.domain.invoicing import explain
from plugins.billing.services import (
    cancel,
    change_plan,
    charging,
    left_out,
    plans,
    read_ahead,
    subscribe,
)
from plugins.billing.services.calendars import read_calendar


class Subscriptions:
    """``Subscribing``."""

    def plans(
        self, session: Session, *, now: datetime | None = None
    ) -> list[tuple[UUID, str, Decimal]]:
        """(id, name, monthly price before IVA today) of the plans on offer, add-ons left out."""
        found = plans.offered_plans(session, to_local_date(now or runtime.clock().now()))
        return [(plan.id, plan.name, price) for plan, price in found if plan.kind == "plan"]

    def subscribe(
        self,
        session: Session,
        *,
        plan_id: UUID,
        customer_id: UUID,
        start_on: date,
        now: datetime,
        on_credit: bool = False,
        renews: bool = True,
        quantity: int = 1,
        parent_id: UUID | None = None,
        due_on: date | None = None,
        tells_turns: bool = True,
    ) -> UUID:
        """Start a subscription with its first invoice."""
        return subscribe.subscribe(
            session,
            plan_id=plan_id,
            customer_id=customer_id,
            start_on=start_on,
            now=now,
            on_credit=on_credit,
            renews=renews,
            quantity=quantity,
            parent_id=parent_id,
            due_on=due_on,
            tells_turns=tells_turns,
        )

    def plan_of(self, session: Session, subscription_id: UUID) -> TakenPlan:
        """The plan of a subscription, and the one it goes to."""
        return change_plan.plan_of(session, subscription_id)

    def quote_plan(
        self, session: Session, subscription_id: UUID, *, plan_id: UUID, now: datetime
    ) -> PlanQuote:
        """What another plan would bring."""
        return _quote(
            change_plan.preview_change(session, subscription_id, plan_id=plan_id, now=now)
        )

    def change_plan(
        self, session: Session, subscription_id: UUID, *, plan_id: UUID, now: datetime
    ) -> PlanQuote:
        """Another plan, as it was quoted."""
        return _quote(change_plan.change_plan(session, subscription_id, plan_id=plan_id, now=now))

    def first_total(self, session: Session, *, plan_id: UUID, start_on: date) -> Decimal:
        """What the first invoice of a contract comes to, IVA included (USD)."""
        preview = subscribe.preview_subscription(
            session, plan_id=plan_id, start_on=start_on, count=1
        )
        return preview.rows[0].total

    def first_invoice(self, session: Session, *, plan_id: UUID, start_on: date) -> FirstInvoice:
        """That first invoice with its days, before it exists."""
        [row] = subscribe.preview_subscription(
            session, plan_id=plan_id, start_on=start_on, count=1
        ).rows
        charge = row.charge
        return FirstInvoice(
            charge.period_start, charge.period_end, charge.amount, row.tax, row.total
        )

    def preview(
        self, session: Session, *, plan_id: UUID, start_on: date, on_credit: bool = False
    ) -> tuple[UpcomingInvoice, ...]:
        """The first invoices of a contract of that day, before anybody signs it."""
        return read_ahead.preview(session, plan_id=plan_id, start_on=start_on, on_credit=on_credit)

    def upcoming(
        self, session: Session, subscription_ids: Iterable[UUID], *, today: date
    ) -> dict[UUID, tuple[UpcomingInvoice, ...]]:
        """What the runs of the next three months will invoice to these and their add-ons."""
        return read_ahead.upcoming(session, subscription_ids, today=today)

    def explain(self, why: Mapping[str, Any]) -> str:
        """The derivation of a charge in words."""
        return explain(why)

    def due_on(self, session: Session, issued_on: date) -> date:
        """The next day 5, shifted where the company shifts it (A-17)."""
        return read_calendar(session).due_on(issued_on)

    def left_out(self, session: Session, *, on: date) -> list[UUID]:
        """The subscriptions that the run of ``on`` issues nothing to (R15)."""
        return left_out.left_out(session, on=on)

    def subscriptions_of(
        self, session: Session, invoice_ids: Iterable[UUID]
    ) -> dict[UUID, list[UUID]]:
        """What these invoices charge, as the charges say."""
        return charging.subscriptions_of(session, invoice_ids)

    def cancel(self, session: Session, subscription_id: UUID, *, now: datetime) -> date:
        """No further invoice; the day the service ends."""
        return cancel.cancel(session, subscription_id, now=now).ends_on


def _quote(shown: change_plan.ChangePreview) -> PlanQuote:
    plan, price, made = shown.plan, to_cents(shown.new_price), shown.upgrade
    if made is None:
        return PlanQuote(plan.id, plan.name, price, shown.effective_on)
    return PlanQuote(
        plan.id,
        plan.name,
        price,
        shown.effective_on,
        until=made.rows[-1].last,
        credit=made.credit,
        charge=made.charge,
        tax=shown.tax,
        total=shown.total,
    )


def register(registry: dict[type, Any]) -> None:
    """Put the service of billing into the registry of the plugin host."""
    registry[Subscribing] = Subscriptions()
