"""R14: upgrade now, downgrade at the next period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import SubscriptionChanged
from core.contracts.licences import NextPlan, TakenPlan
from core.contracts.sales import InvoiceLineDraft
from core.db.events import emit
from core.domain.money import percent, to_cents
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.services import tax_rates
from core.services.audit import write_audit
from plugins.billing.domain import lifecycle
from plugins.billing.domain.invoicing import Derivation, PlannedCharge, comma, count_days
from plugins.billing.domain.plan_change import (
    InvoicedPeriod,
    PlanChange,
    change_json,
    is_upgrade,
    upgrade_now,
)
from plugins.billing.domain.pricing import list_price
from plugins.billing.domain.standing import paid_through
from plugins.billing.models import Charge, Plan, Subscription
from plugins.billing.services.calendars import read_calendar
from plugins.billing.services.charging import PlanFacts, ToCharge, charge_batch, read_terms
from plugins.billing.services.plans import read_versions
from plugins.billing.services.read_subscriptions import charge_state

IVA = "2"


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """What another plan would bring: an upgrade worked out, or the day from which a cheaper one counts."""

    plan: Plan
    new_price: Decimal  # of a month and unit
    upgrade: PlanChange | None
    effective_on: date
    tax: Decimal
    total: Decimal


class _Parts(NamedTuple):
    row: Subscription
    old: Plan
    new: Plan
    price: Decimal


def plan_of(session: Session, subscription_id: UUID) -> TakenPlan:
    """The plan of a subscription, and the cheaper one that waits for the next period. Raises ``NotFound``."""
    row = session.scalar(select(Subscription).where(Subscription.id == subscription_id))
    if row is None:
        raise NotFound
    waits = None
    if row.next_plan_id is not None and row.next_price is not None and row.next_period_start:
        name = session.get_one(Plan, row.next_plan_id).name
        waits = NextPlan(row.next_plan_id, name, to_cents(row.next_price), row.next_period_start)
    plan = session.get_one(Plan, row.plan_id)
    return TakenPlan(plan.id, plan.name, to_cents(row.price), waits, row.cancelled_on)


def preview_change(
    session: Session, subscription_id: UUID, *, plan_id: UUID, now: datetime
) -> ChangePreview:
    """Show a change of plan before it is done. Raises what ``change_plan`` raises."""
    parts = _read(session, subscription_id, plan_id, now=now)
    row, today = parts.row, to_local_date(now)
    if not is_upgrade(row.price, parts.price):
        assert row.next_period_start is not None
        return ChangePreview(
            parts.new, parts.price, None, row.next_period_start, Decimal("0.00"), Decimal("0.00")
        )
    made = upgrade_now(
        row.price * row.quantity,
        parts.price * row.quantity,
        today,
        _invoiced(session, row.id, today),
    )
    tax = percent(made.net, tax_rates.rate(session, IVA, parts.new.tax_code, today))
    return ChangePreview(parts.new, parts.price, made, today, tax, made.net + tax)


def change_plan(
    session: Session, subscription_id: UUID, *, plan_id: UUID, now: datetime
) -> ChangePreview:
    """Another plan for a subscription: a dearer one at once (credit and charge on one invoice), a
    cheaper one from the next period on.

    Raises ``Conflict`` when the subscription is not active, ``DomainError`` for the same plan, an
    add-on, or an upgrade across different IVA codes.
    """
    parts = _read(session, subscription_id, plan_id, now=now, lock=True)
    shown = preview_change(session, subscription_id, plan_id=plan_id, now=now)
    row, old_plan_id = parts.row, parts.row.plan_id
    if shown.upgrade is None:
        row.state = lifecycle.after(row.state, "downgrade")
        row.next_plan_id, row.next_price = plan_id, parts.price
    else:
        row.state = lifecycle.after(row.state, "upgrade")
        _charge(session, parts, shown.upgrade, now=now)
        row.plan_id, row.price = plan_id, parts.price
        row.next_plan_id = row.next_price = None
    session.flush()
    write_audit(session, action="billing.subscription.change_plan", subject_id=row.id)
    emit(
        session,
        SubscriptionChanged(
            subscription_id=row.id,
            customer_id=row.customer_id,
            old_plan_id=old_plan_id,
            plan_id=plan_id,
            effective_on=shown.effective_on,
        ),
        now=now,
    )
    return shown


def _charge(session: Session, parts: _Parts, made: PlanChange, *, now: datetime) -> None:
    """One invoice over the difference: the new days as price, the credit as discount."""
    row, today = parts.row, to_local_date(now)
    calendar = read_calendar(session)
    due_on = calendar.credit_due_on(today)
    first, last = made.rows[0].first, made.rows[-1].last
    days = sum(one.days for one in made.rows)
    derivation = change_json(made) | {
        "kind": "change",
        "old_plan": parts.old.name,
        "plan": parts.new.name,
    }
    line = InvoiceLineDraft(
        code=parts.new.code,
        description=(
            f"Cambio de {parts.old.name} a {parts.new.name}, del {first:%d/%m/%Y} al {last:%d/%m/%Y}"
        )[:300],
        quantity=Decimal(1),
        unit_price=made.charge,
        tax_code=parts.new.tax_code,
        discount=made.credit,
        details=(
            ("Periodo", f"{first:%d/%m/%Y} al {last:%d/%m/%Y}"),
            (
                "Cálculo",
                f"{count_days(days)}: {comma(made.charge)} menos crédito {comma(made.credit)}",
            ),
            ("Regla", "R14"),
        ),
        derivation=derivation,
    )
    charge = PlannedCharge(
        "change",
        first,
        last,
        days,
        made.net,
        today,
        due_on,
        None,
        Derivation("R14", made.new_price, first, last, days),
    )
    facts = PlanFacts(parts.new.code, parts.new.name, parts.new.tax_code)
    live = session.scalars(
        select(Charge).where(Charge.subscription_id == row.id, Charge.state != "cancelled")
    )
    suspend_on = calendar.suspend_on(
        due_on, paid_through([charge_state(one, today) for one in live])
    )
    item = ToCharge(
        row.id, row.customer_id, row.quantity, facts, charge, due_on, suspend_on, line, today
    )
    charge_batch(session, [item], read_terms(session, today), now=now)


def _read(
    session: Session, subscription_id: UUID, plan_id: UUID, *, now: datetime, lock: bool = False
) -> _Parts:
    query = select(Subscription).where(Subscription.id == subscription_id)
    row = session.scalar(query.with_for_update() if lock else query)
    new = session.get(Plan, plan_id)
    if row is None or new is None:
        raise NotFound
    if row.state != lifecycle.ACTIVE:
        raise Conflict(
            _("The subscription is ending or ended: its plan cannot be changed."),
            code="billing.transition",
        )
    old = session.get(Plan, row.plan_id)
    assert old is not None
    if new.id == old.id or new.kind != old.kind or not new.is_offered:
        raise DomainError(
            _("Choose another plan of those on offer."), code="billing.same_plan", field="plan_id"
        )
    today = to_local_date(now)
    price = list_price(read_versions(session, [new.id])[new.id], today)
    if price is None:
        raise DomainError(
            _("The plan has no price on that day yet. Give it one first."),
            code="billing.no_price",
            field="plan_id",
        )
    if new.tax_code != old.tax_code and is_upgrade(row.price, price):
        raise DomainError(
            _(
                "The two plans have different IVA codes: one invoice cannot credit one and charge the"
                " other. Cancel and contract again."
            ),
            code="billing.other_tax",
            field="plan_id",
        )
    return _Parts(row, old, new, price)


def _invoiced(session: Session, subscription_id: UUID, on: date) -> list[InvoicedPeriod]:
    """The periods that are not over, each at the price it was invoiced at, or at that of the last change
    of plan that reaches it: the agreed price may be the next period's already.
    """
    rows = session.execute(
        select(Charge.kind, Charge.period_start, Charge.period_end, Charge.derivation)
        .where(
            Charge.subscription_id == subscription_id,
            Charge.state != "cancelled",
            Charge.period_end >= on,
        )
        .order_by(Charge.created_at, Charge.id)
    ).all()
    found = []
    for row in rows:
        if row.kind == "change":
            continue
        first = max(on, row.period_start)
        prices = [Decimal(row.derivation["price"])] + [
            Decimal(one.derivation["price"])
            for one in rows
            if one.kind == "change" and one.period_start <= first <= one.period_end
        ]
        found.append(InvoicedPeriod(row.period_start, row.period_end, prices[-1]))
    return found
