"""A subscription begins: preview, contract, first invoice (R1, R2, R12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import jobs, plugins
from core.adapters.clock import to_local_date
from core.contracts.events import SubscriptionStarted
from core.contracts.services import CustomerDirectory
from core.db.events import emit
from core.db.tenancy import scope_of
from core.domain.money import percent
from core.domain.tax_ids import FINAL_CONSUMER
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.services import tax_rates
from plugins.billing.domain.calendar import BillingCalendar
from plugins.billing.domain.invoicing import PlannedCharge, charge_for, plan_charges
from plugins.billing.domain.lifecycle import ACTIVE, ENDED, ENDING
from plugins.billing.domain.pricing import list_price
from plugins.billing.models import Charge, Plan, Subscription
from plugins.billing.services.calendars import read_calendar
from plugins.billing.services.charging import PlanFacts, ToCharge, charge_batch, read_terms
from plugins.billing.services.plans import read_versions

IVA = "2"
EARLIEST = timedelta(days=62)  # further back a typing mistake is likelier than a contract
RUN_TENANT = "billing.run_tenant"
ONE_DAY = timedelta(days=1)
Rates = dict[tuple[str, date], Decimal | None]  # by IVA code and day; None: not in force


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One invoice to come, with its IVA as known today."""

    charge: PlannedCharge
    tax_rate: Decimal
    tax: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Preview:
    """What a contract would bring. ``rate_changes_on``: the IVA changes before one of the periods starts."""

    rows: list[PreviewRow]
    price: Decimal
    rate_changes_on: date | None


def preview_subscription(
    session: Session,
    *,
    plan_id: UUID,
    start_on: date,
    count: int = 6,
    quantity: int = 1,
    price: Decimal | None = None,
    basis: str = "",
    on_credit: bool = False,
    renews: bool = True,
    today: date | None = None,
) -> Preview:
    """The first ``count`` invoices of a contract, from the same function as the invoices themselves.

    ``on_credit``: the first is due by A-10; without ``renews`` there is no other. What ``today`` is late
    for is shown with the dates that it is issued with now (R13).
    """
    plan = _plan(session, plan_id)
    calendar = read_calendar(session)
    unit = _price_of(session, plan, start_on, today) if price is None else price
    charges = plan_charges(
        unit * _checked(quantity),
        start_on,
        count if renews else 1,
        calendar,
        basis or plan.basis or None,
    )
    if on_credit:
        due_on = calendar.credit_due_on(today or start_on)
        suspend_on = suspends_first(calendar, start_on, due_on)
        charges[0] = charges[0]._replace(due_on=due_on, suspend_on=suspend_on)
    if today is not None:
        charges = [as_issued(one, calendar, start_on, today) for one in charges]
    return with_tax(session, plan.tax_code, charges, unit, on=start_on)


def as_issued(
    charge: PlannedCharge, calendar: BillingCalendar, start_on: date, today: date
) -> PlannedCharge:
    """A charge with the dates of an invoice of ``today`` where its own issue date is past (R13)."""
    if charge.issue_on >= today:
        return charge
    if charge.kind == "first":  # its due date is that of the signature already
        return charge._replace(issue_on=today)
    span = calendar.span_at(start_on, charge.period_start)
    due_on, suspend_on = calendar.dates_when_issued(span, today)
    return charge._replace(issue_on=today, due_on=due_on, suspend_on=suspend_on)


def with_tax(
    session: Session,
    tax_code: str,
    charges: Sequence[PlannedCharge],
    price: Decimal,
    *,
    on: date,
    known: Rates | None = None,
) -> Preview:
    """Add the IVA of each emission date (A-28) and say when it changes before a period starts.

    A code that the law ends before an emission is shown at the rate before, that of the day ``on``
    for the first. Raises ``DomainError`` when it is not in force then either. ``known``: what was read
    before, for many in a row.
    """
    rows: list[PreviewRow] = []
    changes_on: date | None = None
    known = {} if known is None else known
    for one in charges:
        rate = _rate(session, tax_code, one.issue_on, known)
        if rate is None:  # the law ends this code before: shown as known today, with the warning
            changes_on = changes_on or one.issue_on
            rate = rows[-1].tax_rate if rows else tax_rates.rate(session, IVA, tax_code, on)
        tax = percent(one.amount, rate)
        rows.append(PreviewRow(one, rate, tax, one.amount + tax))
        begun = _rate(session, tax_code, one.period_start, known)
        if changes_on is None and begun != rate:
            changes_on = one.period_start
    return Preview(rows, price, changes_on)


def _rate(session: Session, tax_code: str, on: date, known: Rates) -> Decimal | None:
    if (tax_code, on) not in known:
        found = tax_rates.rates(session, IVA, [tax_code], on)
        known[tax_code, on] = found.get(tax_code)
    return known[tax_code, on]


def subscribe(
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
    reentry_of_id: UUID | None = None,
    due_on: date | None = None,
    tells_turns: bool = True,
) -> UUID:
    """Start a subscription; its first invoice is issued in this transaction.

    ``start_on`` is S: today, or a day not long past. Raises ``DomainError`` for a future day, a plan
    not on offer, an add-on without its base or the final consumer. ``due_on``: the first invoice is not
    paid before and due on that day (A-26); ``on_credit`` gives it A-10's day. ``tells_turns`` False: whoever
    sells it mails suspension, end and cancellation itself; an add-on does as its base.
    """
    today = to_local_date(now)
    plan = _plan(session, plan_id)
    _check(
        session, plan, customer_id=customer_id, start_on=start_on, today=today, parent_id=parent_id
    )
    calendar = read_calendar(session)
    price = _price_of(session, plan, start_on, today)
    base = session.get(Subscription, parent_id) if parent_id is not None else None
    opening = calendar.schedule(start_on, 2)
    span, following = opening
    row = Subscription(
        id=new_id(),
        customer_id=customer_id,
        plan_id=plan_id,
        parent_id=parent_id,
        reentry_of_id=reentry_of_id,
        quantity=_checked(quantity),
        price=price,
        basis=plan.basis or calendar.policy.basis,
        start_on=start_on,
        renews=renews,
        on_credit=on_credit,
        tells_turns=tells_turns if base is None else base.tells_turns,
        state=ACTIVE if renews else ENDING,
        invoiced_through=span.last,
        next_period_start=following.first if renews else None,
        next_issue_on=following.issue_on if renews else None,
        ends_on=None if renews else span.last,
    )
    session.add(row)
    session.flush()
    charge = charge_for(price * quantity, span, row.basis)
    due_on = calendar.credit_due_on(today) if on_credit else due_on
    suspend_on = suspends_first(calendar, start_on, due_on)
    facts = PlanFacts(plan.code, plan.name, plan.tax_code)
    to_charge = ToCharge(row.id, customer_id, quantity, facts, charge, due_on, suspend_on)
    done = charge_batch(session, [to_charge], read_terms(session, today), now=now)
    emit(
        session,
        SubscriptionStarted(
            subscription_id=row.id,
            customer_id=customer_id,
            plan_id=plan_id,
            plan_name=plan.name,
            price=price,
            start_on=start_on,
            renews=renews,
            first_invoice_id=done.invoices[0].id if done.invoices else None,
        ),
        now=now,
    )
    if (
        renews and following.issue_on <= today
    ):  # signed up on a 25th, or late: today's run includes it
        _run_today(session, today)
    return row.id


def reenter(
    session: Session, subscription_id: UUID, *, start_on: date, now: datetime, renews: bool = False
) -> UUID:
    """R12: a new contract of at least one month after an ended one, without renewal unless chosen.

    Raises ``Conflict`` while an old invoice is open (A-22) or the old contract still runs.
    """
    old = session.get(Subscription, subscription_id)
    if old is None:
        raise NotFound
    if old.state != ENDED:
        raise Conflict(
            _("The subscription has not ended yet: there is nothing to come back to."),
            code="billing.not_ended",
        )
    owing = session.scalar(
        select(Charge.id).where(Charge.subscription_id == old.id, Charge.state == "open").limit(1)
    )
    if owing is not None:
        raise Conflict(
            _("An old invoice is still open. Record its payment or credit it first."),
            code="billing.old_invoice_open",
        )
    return subscribe(
        session,
        plan_id=old.plan_id,
        customer_id=old.customer_id,
        start_on=start_on,
        now=now,
        renews=renews,
        quantity=old.quantity,
        reentry_of_id=old.id,
        tells_turns=old.tells_turns,
    )


def suspends_first(calendar: BillingCalendar, start_on: date, due_on: date | None) -> date | None:
    """When invoice 1 suspends, unpaid: nothing is paid before it, so the day after it is due (R8)."""
    return calendar.suspend_on(due_on, start_on - ONE_DAY) if due_on else None


def next_after(calendar: BillingCalendar, start_on: date, last: date) -> tuple[date, date]:
    """First day and issue date of the period after the one that ends on ``last``."""
    span = calendar.span_at(start_on, last + ONE_DAY)
    return span.first, span.issue_on


def _plan(session: Session, plan_id: UUID) -> Plan:
    plan = session.get(Plan, plan_id)
    if plan is None:
        raise NotFound(_("That plan does not exist. Choose another one."))
    return plan


def _price_of(session: Session, plan: Plan, on: date, today: date | None = None) -> Decimal:
    """What a contract of the day ``on`` costs a month. The first price of a plan counts for those that
    begun before it as well, once it is in force ``today``: a plan may be younger than its customers.
    """
    versions = read_versions(session, [plan.id])[plan.id]
    price = list_price(versions, on)
    if price is None and today is not None and versions and versions[0].valid_from <= today:
        price = versions[0].price
    if price is None:
        raise DomainError(
            _("The plan has no price on that day yet. Give it one first."),
            code="billing.no_price",
            field="plan_id",
        )
    return price


def _checked(quantity: int) -> int:
    if not 1 <= quantity <= 100_000:
        raise DomainError(
            _("The quantity is a whole number from 1 to 100000."),
            code="billing.quantity",
            field="quantity",
        )
    return quantity


def _check(
    session: Session,
    plan: Plan,
    *,
    customer_id: UUID,
    start_on: date,
    today: date,
    parent_id: UUID | None,
) -> None:
    if not plan.is_offered:
        raise DomainError(
            _("That plan is no longer on offer. Choose another one."),
            code="billing.plan_withdrawn",
            field="plan_id",
        )
    if start_on > today:
        raise DomainError(
            _("The start date is in the future: sign on the day the service begins."),
            code="billing.starts_in_future",
            field="start_on",
        )
    if start_on < today - EARLIEST:
        raise DomainError(
            _("The start date is more than two months ago; correct it."),
            code="billing.starts_long_ago",
            field="start_on",
        )
    customer = plugins.service(CustomerDirectory).read(session, [customer_id]).get(customer_id)
    if customer is None:
        raise NotFound(_("That customer does not exist. Choose another one."))
    if customer.tax_id_type == FINAL_CONSUMER:
        raise DomainError(
            _(
                "A subscription needs a customer with RUC, cédula or passport, not the final consumer."
            ),
            code="billing.final_consumer",
            field="customer_id",
        )
    if (plan.kind == "addon") != (parent_id is not None):
        raise DomainError(
            _("An add-on is contracted with a plan, and a plan by itself. Choose again."),
            code="billing.addon_needs_base",
            field="plan_id",
        )
    if parent_id is not None:
        parent = session.get(Subscription, parent_id)
        if parent is None or parent.customer_id != customer_id:
            raise NotFound(_("The subscription to add to does not exist."))
        if parent.state != ACTIVE:
            raise Conflict(
                _("The subscription to add to is ending or ended."), code="billing.base_ended"
            )


def _run_today(session: Session, today: date) -> None:
    tenant = scope_of(session).tenant_id
    jobs.defer(
        session,
        RUN_TENANT,
        {"tenant": str(tenant), "on": today.isoformat()},
        queueing_lock=f"{RUN_TENANT}:{tenant}",
    )
