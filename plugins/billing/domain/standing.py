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
    """A live charge as the standing needs it. ``suspend_on`` None: never suspends (invoice 1 paid before issue)."""

    period_start: date
    period_end: date
    due_on: date | None
    suspend_on: date | None
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


def standing(charges: Iterable[ChargeState], on: date, *, report_lifts: bool = True) -> Standing:
    """Where the subscription stands on the day ``on``.

    ``report_lifts`` False is A-15's "confirmation first". Suspension wins over due; the period of
    the last invoice being over, with money still owed and no report, is R15's expiry.
    """
    rows = sorted(charges, key=lambda charge: charge.period_start)
    until = paid_through(rows)
    opened = [one for one in rows if not one.is_paid]
    last_day = max((one.period_end for one in rows if one.is_period), default=None)
    if not opened:
        if last_day is None or on <= last_day:
            return Standing(CURRENT, None, until)
        return Standing(EXPIRED, last_day + timedelta(days=1), until)
    late = [one for one in opened if one.suspend_on is not None and one.suspend_on <= on]
    blocking = [one for one in late if not (one.is_reported and report_lifts)]
    if blocking:
        if last_day is not None and on > last_day:
            return Standing(EXPIRED, last_day + timedelta(days=1), until)
        return Standing(SUSPENDED, min(one.suspend_on for one in blocking if one.suspend_on), until)
    if late:
        return Standing(REPORTED, None, until)
    return Standing(REPORTED if all(one.is_reported for one in opened) else DUE, None, until)
