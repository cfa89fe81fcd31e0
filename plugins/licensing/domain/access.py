"""Access over time: a pure function of dates, payments, reports and now (R8, R9, R11, R15).

All dates are days in America/Guayaquil, both ends included; a state begins at 00:00 of its day, so
the block turns at the right minute with the scheduler stopped. Nothing here is stored: whoever asks
loads the facts of one client and calls :func:`state_on`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from core.domain import trust
from core.domain.money import ZERO, total
from core.domain.periods import Period

ORDER_LAPSES_AFTER = timedelta(days=15)  # R2
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of the vendor that access depends on.

    ``strict_day_six`` blocks overdue clients inside paid days too (A-16, off by default);
    ``report_lifts`` False waits for the confirmation (A-15); ``tolerance`` is what may be missing
    of an invoice (USD, A-19).
    """

    strict_day_six: bool = False
    report_lifts: bool = True
    tolerance: Decimal = Decimal("0.50")


@dataclass(frozen=True, slots=True)
class LicenceInvoice:
    """A licence invoice as the client's own scope knows it.

    ``covered`` is money plus valid withholding certificates (USD). ``expected_withheld`` counts as
    covered up to ``withholding_until`` when the client is an agente de retención (A-19).
    ``due_on`` None: it was paid before it was issued. ``is_period`` False: a change of plan (R14) inside
    periods that have invoices of their own; it pays for no day.
    """

    id: UUID
    period: Period
    due_on: date | None
    total: Decimal
    covered: Decimal = ZERO
    is_cancelled: bool = False
    expected_withheld: Decimal = ZERO
    withholding_until: date | None = None
    is_period: bool = True

    def missing(self, on: date) -> Decimal:
        """What is still to be covered on a day, the expected withholding left out while it may come."""
        waiting = self.withholding_until is not None and on <= self.withholding_until
        return self.total - self.covered - (self.expected_withheld if waiting else ZERO)

    def is_late(self, on: date) -> bool:
        """Whether its due date, or the first day of what was to be paid before, has passed."""
        return (self.due_on or self.period.first) < on


@dataclass(frozen=True, slots=True)
class Report:
    """A payment report: how much of it goes to which invoice (money plus withheld, USD).

    ``state``: "reported" waits, "confirmed" is believed, "applied" is part of ``covered``,
    "rejected" counts for nothing.
    """

    id: UUID
    reported_at: datetime
    state: str
    allocations: Mapping[UUID, Decimal]
    decided_at: datetime | None = None
    amount: Decimal = ZERO  # of an order there is no invoice yet to allocate to
    told_on: date | None = None  # the day of ``reported_at`` in America/Guayaquil
    named: frozenset[UUID] = frozenset()  # all its invoices, also those it is applied to
    is_of_period: bool = True  # False: of support hours only


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a licence's state depends on, beside the day."""

    ordered_on: date
    started_on: date | None = None  # S: the day access was enabled
    cancelled_on: date | None = None
    is_reentry: bool = False
    renews: bool = False  # of a re-entry: it goes on by R3-R5 (R12); a first contract always does
    is_withdrawn: bool = False
    is_invoiced_next: bool = False  # the vendor's run still invoices the days to come
    order_total: Decimal = ZERO  # of an order: its first invoice with IVA (USD)
    invoices: Sequence[LicenceInvoice] = ()
    reports: Sequence[Report] = ()
    earlier: Sequence[Report] = ()  # of the client's contracts before: their answers count
    policy: Policy = field(default_factory=Policy)

    @property
    def lapses_on(self) -> date:
        """The last day on which the order of payment holds: 15 days after it was made."""
        return self.ordered_on + ORDER_LAPSES_AFTER

    @property
    def goes_on(self) -> bool:
        """It renews, and the next period is the run's to invoice."""
        return self.is_invoiced_next and self.cancelled_on is None and not self.is_one_month

    @property
    def is_one_month(self) -> bool:
        """Back for one month, without renewal (R12)."""
        return self.is_reentry and not self.renews

    @property
    def live(self) -> list[LicenceInvoice]:
        """Invoices that were not cancelled, by period."""
        return sorted(
            (one for one in self.invoices if not one.is_cancelled), key=lambda one: one.period
        )


@dataclass(frozen=True, slots=True)
class Change:
    """From 00:00 of ``on`` the licence is in ``state``, if nothing else happens."""

    on: date
    state: str


def state_on(facts: Facts, today: date) -> str:
    """The state of the licence on a day (a name of ``lifecycle.STATES``).

    A day inside a period that is paid, or told as paid and trusted, is never blocked; an overdue,
    uncovered and unreported invoice blocks any other day (R8: from ``max(due, paid-through) + 1``).
    Behind the last invoiced day nothing new was invoiced to a blocked client (R15): expired. Telling or
    paying the old debt settles it there (A-22) and opens nothing: no later day is contracted (R11). Where
    the next period is still to be invoiced, by the run of that night or of a day that was missed (R5, R13),
    who owes nothing, or had told all of it by that last day, goes on.
    """
    if facts.started_on is None or today < facts.started_on:
        if is_return_told(facts):
            return "reported"
        return "lapsed" if facts.is_withdrawn or today > facts.lapses_on else "order"
    if not facts.live:  # enabled; invoice 1 is on its way to this scope, or was undone
        return "expired" if facts.invoices and not facts.goes_on else "active"
    return _owing_state(facts, today) or _running_state(facts, today)


def is_return_told(facts: Facts) -> bool:
    """A month ordered after expiry is told as paid in full: a client who is known gets access back on
    his report (R9, R12); only a first contract waits for the confirmation (R2, A-26).
    """
    if not facts.is_reentry or facts.is_withdrawn or not facts.order_total:
        return False
    return facts.policy.report_lifts and any(
        one.state in ("reported", "confirmed")
        and facts.order_total - one.amount <= facts.policy.tolerance
        and not needs_confirmation_first(one, facts)
        for one in facts.reports
    )


def _owing_state(facts: Facts, today: date) -> str | None:
    """The state of a licence with an uncovered invoice; None when everything is covered."""
    unpaid = [one for one in facts.live if not is_covered(one, facts, today)]
    waiting = [one for one in unpaid if is_reported(one, facts, today)]
    owed = [one for one in unpaid if one not in waiting]
    blocking = [one for one in owed if one.is_late(today)]
    is_over = _is_over(facts, today)
    is_paid_day = any(
        one.is_period and today in one.period for one in facts.live if one not in owed
    )
    if blocking and (facts.policy.strict_day_six or not is_paid_day):
        return "expired" if is_over else "suspended"
    if waiting:
        is_late = is_over and all(one.is_late(today) for one in unpaid)
        return "expired" if is_late and not _is_told_in_time(waiting, facts, today) else "reported"
    return "due" if unpaid else None


def _running_state(facts: Facts, today: date) -> str:
    if _is_over(facts, today) and not facts.goes_on:
        return "expired"
    if facts.cancelled_on is not None:
        return "cancelled"
    return "reentered" if facts.is_one_month else "active"


def _is_over(facts: Facts, today: date) -> bool:
    """Behind the last invoiced day (R11, R15)."""
    last = invoiced_through(facts)
    return last is not None and today > last


def _is_told_in_time(waiting: Sequence[LicenceInvoice], facts: Facts, today: date) -> bool:
    """What waits was told by the last invoiced day, so that the run goes on with the licence."""
    last = invoiced_through(facts)
    told = [one for one in facts.reports if one.told_on and last and one.told_on <= last]
    known = replace(facts, reports=told)
    return facts.goes_on and all(is_reported(one, known, today) for one in waiting)


def is_covered(invoice: LicenceInvoice, facts: Facts, on: date) -> bool:
    """Money, withholdings and confirmed reports reach the total within the tolerance (A-19)."""
    believed = _told(invoice, facts.reports, ("confirmed",))
    return invoice.missing(on) - believed <= facts.policy.tolerance


def is_reported(invoice: LicenceInvoice, facts: Facts, on: date) -> bool:
    """Reports that wait for their confirmation cover what is missing, and may lift a block (A-15)."""
    if not facts.policy.report_lifts:
        return False
    trusted = [one for one in facts.reports if not needs_confirmation_first(one, facts)]
    told = _told(invoice, trusted, ("reported",)) + _told(invoice, facts.reports, ("confirmed",))
    return told > 0 and invoice.missing(on) - told <= facts.policy.tolerance


def still_missing(invoice: LicenceInvoice, facts: Facts, on: date) -> Decimal:
    """What nobody has paid or told of an invoice (USD); 0.00 within the tolerance. A report counts here
    whether or not it lifts a block.
    """
    rest = invoice.missing(on) - _told(invoice, facts.reports, ("reported", "confirmed"))
    return rest if rest > facts.policy.tolerance else ZERO


def needs_confirmation_first(report: Report, facts: Facts) -> bool:
    """Whether the last answers before this report were rejections (A-15)."""
    return is_distrusted(facts, before=report.reported_at)


def is_distrusted(facts: Facts, *, before: datetime) -> bool:
    """Whether a report made at ``before`` must be confirmed before it lifts a block (A-15): as billing
    counts it, by the client's reports of orders and of invoices of periods; of an order by its own.
    """
    counted = facts.reports
    if facts.started_on is not None:
        counted = [one for one in (*facts.earlier, *facts.reports) if one.is_of_period]
    answers = (
        trust.Answer(one.decided_at, one.state == "rejected")
        for one in counted
        if one.decided_at is not None
    )
    return trust.is_distrusted(answers, before=before)


def paid_through(facts: Facts, on: date) -> date | None:
    """The last day of the covered periods; None before the first payment."""
    covered = (one for one in facts.live if one.is_period and is_covered(one, facts, on))
    return max((one.period.last for one in covered), default=None)


def invoiced_through(facts: Facts) -> date | None:
    """The last day that any live invoice covers: where a cancellation ends the licence (R10)."""
    return max((one.period.last for one in facts.live if one.is_period), default=None)


def suspends_on(facts: Facts, today: date) -> date | None:
    """The day from whose 00:00 the licence will be (or is) suspended if nothing is paid or reported."""
    if state_on(facts, today) == "suspended":
        return _first_day(facts, today, "suspended")
    return next((one.on for one in changes_after(facts, today) if one.state == "suspended"), None)


def changes_after(facts: Facts, today: date) -> list[Change]:
    """What becomes of the licence after ``today`` if no payment, report or invoice arrives."""
    state = state_on(facts, today)
    found: list[Change] = []
    for day in _turning_days(facts):
        if day <= today:
            continue
        following = state_on(facts, day)
        if following != state:
            found.append(Change(day, following))
            state = following
    return found


def _first_day(facts: Facts, today: date, state: str) -> date:
    first = today
    for day in sorted((one for one in _turning_days(facts) if one <= today), reverse=True):
        if state_on(facts, day) != state:
            break
        first = day
    return first


def _turning_days(facts: Facts) -> list[date]:
    """The only days on which the passing of time changes a state."""
    days = {facts.lapses_on + DAY}
    if facts.started_on is not None:
        days.add(facts.started_on)
    for one in facts.live:
        days |= {one.period.first, one.period.last + DAY, (one.due_on or one.period.first) + DAY}
        if one.withholding_until is not None:
            days.add(one.withholding_until + DAY)
    return sorted(days)


def _told(invoice: LicenceInvoice, reports: Iterable[Report], states: tuple[str, ...]) -> Decimal:
    return total(one.allocations.get(invoice.id, ZERO) for one in reports if one.state in states)
