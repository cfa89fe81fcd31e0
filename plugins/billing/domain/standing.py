"""What a subscription may use on a day: a pure function of charges, reports and the date (R8, R9, R11, R15)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from core.i18n import lazy

CURRENT = "current"  # nothing open
DUE = "due"  # an open invoice, still in time or inside paid days
REPORTED = "reported"  # would be suspended, but a payment report stands (R9)
SUSPENDED = "suspended"  # R8
EXPIRED = "expired"  # paid time is over (R11, R15)

LABELS = {
    CURRENT: lazy("Up to date"),
    DUE: lazy("To pay"),
    REPORTED: lazy("Payment reported"),
    SUSPENDED: lazy("Suspended"),
    EXPIRED: lazy("Expired"),
}
TONES = {CURRENT: "ok", DUE: "wait", REPORTED: "wait", SUSPENDED: "bad", EXPIRED: "warn"}


class ChargeState(NamedTuple):
    """A live charge as the standing needs it. ``due_on`` None: it was paid before it was issued (invoice 1)."""

    period_start: date
    period_end: date
    due_on: date | None
    is_paid: bool
    is_reported: bool
    is_period: bool = True  # False: a change of plan inside periods that have charges of their own


class Standing(NamedTuple):
    """The state on a day; ``since`` is the day at whose 00:00 it began, where the rule gives one."""

    state: str
    since: date | None = None
    paid_through: date | None = None


def paid_through(charges: Iterable[ChargeState]) -> date | None:
    """The last day up to which everything is paid without a gap; None before the first payment."""
    until: date | None = None
    periods = (one for one in charges if one.is_period)
    for one in sorted(periods, key=lambda charge: charge.period_start):
        if not one.is_paid or (until is not None and one.period_start > until + timedelta(days=1)):
            break
        until = one.period_end
    return until


def standing(
    charges: Iterable[ChargeState],
    on: date,
    *,
    report_lifts: bool = True,
    honours_paid: bool = True,
    goes_on: bool = False,
) -> Standing:
    """Where the subscription stands on the day ``on``.

    An overdue, unreported charge blocks every day that is neither paid nor told as paid (R8); with ``honours_paid`` False the
    paid ones too (A-16). ``report_lifts`` False is A-15's "confirmation first". The period of the last
    invoice being over, with money still owed and no report, is R15's expiry. ``goes_on``: the run still
    invoices the next period, that night or catching up (R5, R13): who owes nothing is not expired by it.
    """
    rows = sorted(charges, key=lambda charge: charge.period_start)
    until = paid_through(rows)
    opened = [one for one in rows if not one.is_paid]
    last_day = max((one.period_end for one in rows if one.is_period), default=None)
    if not opened:
        if last_day is None or on <= last_day or goes_on:
            return Standing(CURRENT, None, until)
        return Standing(EXPIRED, last_day + timedelta(days=1), until)
    late = [one for one in opened if one.due_on is not None and one.due_on < on]
    blocking = [one.due_on for one in late if one.due_on and not (one.is_reported and report_lifts)]
    paid = [one for one in rows if honours_paid and _pays_days(one, report_lifts)]
    if blocking and not any(one.period_start <= on <= one.period_end for one in paid):
        if last_day is not None and on > last_day:
            return Standing(EXPIRED, last_day + timedelta(days=1), until)
        ended = [one.period_end for one in paid if one.period_end < on]
        return Standing(SUSPENDED, max([min(blocking), *ended]) + timedelta(days=1), until)
    is_reported = (bool(late) and not blocking) or all(one.is_reported for one in opened)
    return Standing(REPORTED if is_reported else DUE, None, until)


def _pays_days(one: ChargeState, report_lifts: bool) -> bool:
    """Its days are paid, or told as paid (R9): nothing blocks them (R8)."""
    return one.is_period and (
        one.is_paid or one.due_on is None or (one.is_reported and report_lifts)
    )
