"""What other plugins get when they ask for the internal service of billing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import runtime
from core.adapters.clock import to_local_date
from core.contracts.licences import FirstInvoice
from core.contracts.services import Subscribing
from plugins.billing.services import cancel, charging, left_out, plans, subscribe
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
        )

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


def register(registry: dict[type, Any]) -> None:
    """Put the service of billing into the registry of the plugin host."""
    registry[Subscribing] = Subscriptions()
