"""Contract date and policy to periods, issue, due and suspension dates: rules R1 to R8 and R13."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from core.domain.periods import (
    add_months,
    end_of_month,
    first_day_of_month_from,
    next_day_of_month,
)
from plugins.billing.domain.policy import (
    CREDIT_LEAST_DAYS,
    DEFAULT_POLICY,
    DUE_DAY,
    FIRST_PERIOD_DAYS,
    ISSUE_DAY,
    LATE_TERM_DAYS,
    BillingPolicy,
)

ONE_DAY = timedelta(days=1)


class Span(NamedTuple):
    """One period of the calendar with its dates, both ends inclusive.

    ``kind`` is ``first``, ``bridge`` or ``full``; ``rule`` the rule that made it. Invoice 1 has no due
    date of its own: it is paid before it is issued, or on credit (``credit_due_on``).
    """

    kind: str
    first: date
    last: date
    days: int
    issue_on: date
    due_on: date | None
    suspend_on: date | None
    rule: str


def is_weekday(day: date) -> bool:
    """Monday to Friday: what a business day is when no holidays are known."""
    return day.weekday() < 5


class BillingCalendar:
    """The calendar under one policy. Spans are values, made once for each month and shared."""

    def __init__(
        self,
        policy: BillingPolicy = DEFAULT_POLICY,
        is_business_day: Callable[[date], bool] = is_weekday,
    ) -> None:
        self.policy = policy
        self._is_business_day = is_business_day
        self._full: dict[date, Span] = {}
        self._begin: dict[date, tuple[Span, ...]] = {}

    def spans(self, start: date) -> Iterator[Span]:
        """The periods of a contract of ``start``, for ever: the first, a bridge where one is needed, full months."""
        opening = self.opening(start)
        yield from opening
        month = opening[-1].last + ONE_DAY
        while True:
            span = self.full_month(month)
            yield span
            month = span.last + ONE_DAY

    def schedule(self, start: date, count: int) -> list[Span]:
        """The first ``count`` periods of a contract of ``start``."""
        spans = list(self.opening(start)[:count])
        at = spans[-1].last + ONE_DAY if spans else start
        full, cache = self.full_month, self._full
        while len(spans) < count:
            span = cache.get(at) or full(at)
            spans.append(span)
            at = span.last + ONE_DAY
        return spans

    def span_at(self, start: date, at: date) -> Span:
        """The period of a contract of ``start`` that begins on ``at``. Raises ``ValueError`` when none does."""
        opening = self.opening(start)
        for span in opening:
            if span.first == at:
                return span
        if at.day != 1 or at <= opening[-1].last:
            raise ValueError(f"no period of a contract of {start} begins on {at}")
        return self.full_month(at)

    def opening(self, start: date) -> tuple[Span, ...]:
        """Everything before the regular rhythm: invoice 1, and the bridge with the month after it
        when they depend on the contract date.
        """
        found = self._begin.get(start)
        if found is None:
            found = self._begin[start] = self._opening(start)
        return found

    def full_month(self, month: date) -> Span:
        """R4, R5: the calendar month that begins on ``month`` (a 1st), whatever its 28-31 days."""
        span = self._full.get(month)
        if span is None:
            issue_on = add_months(month, -1).replace(day=ISSUE_DAY)
            span = self._full[month] = self._span(
                "full", month, end_of_month(month), issue_on, "R4"
            )
        return span

    def due_on(self, issue_on: date) -> date:
        """R6: the first day 5 strictly after the issue date; shifted to a business day under A-17."""
        return self._shifted(next_day_of_month(issue_on, DUE_DAY))

    def due_when_issued(self, span: Span, issued_on: date) -> date | None:
        """R13: the due date when the run is late. Same month: unchanged. After the month's end: issue + 5 days."""
        if span.due_on is None or issued_on <= end_of_month(span.issue_on):
            return span.due_on
        return self._shifted(issued_on + timedelta(days=LATE_TERM_DAYS))

    def dates_when_issued(self, span: Span, issued_on: date) -> tuple[date | None, date | None]:
        """The due and suspension dates of a period that is issued on ``issued_on`` (R13, R8)."""
        due_on = self.due_when_issued(span, issued_on)
        if due_on is None or due_on == span.due_on:
            return due_on, span.suspend_on
        return due_on, self.suspend_on(due_on, span.first - ONE_DAY)

    def credit_due_on(self, start: date) -> date:
        """A-10: invoice 1 on credit is due on the next day 5 at least 5 days away."""
        return self._shifted(
            first_day_of_month_from(start + timedelta(days=CREDIT_LEAST_DAYS), DUE_DAY)
        )

    def suspend_on(self, due_on: date, paid_through: date | None) -> date:
        """R8: the day at whose 00:00 an unpaid, unreported invoice suspends.

        Days already paid are honoured, unless the policy is strict (A-16): 2026-03-12's second
        invoice is due on 04-05 and paid through 04-10, so 04-11; strict: 04-06.
        """
        after_due = due_on + ONE_DAY
        if paid_through is None or not self.policy.honours_paid_days:
            return after_due
        return max(after_due, paid_through + ONE_DAY)

    def _opening(self, start: date) -> tuple[Span, ...]:
        if start.day == 1:
            last, rule = end_of_month(start), "R1"
        else:
            last, rule = start + timedelta(days=FIRST_PERIOD_DAYS - 1), "R2"
        first = Span("first", start, last, (last - start).days + 1, start, None, None, rule)
        if last == end_of_month(last):
            return (first,)
        return (first, *self._bridge(start, last + ONE_DAY))

    def _bridge(self, start: date, begin: date) -> tuple[Span, ...]:
        if self.policy.bridge_issue == "after_first":
            bridge = self._span("bridge", begin, end_of_month(begin), begin, "R3")
            following = self.full_month(bridge.last + ONE_DAY)
            if following.issue_on < begin:  # issue dates never decrease
                late = self._span("full", following.first, following.last, begin, "R4")
                return (bridge, late)
            return (bridge,)
        planned = add_months(begin.replace(day=1), -1).replace(day=ISSUE_DAY)
        issue_on = first_day_of_month_from(max(start, planned), ISSUE_DAY)
        return (self._span("bridge", begin, end_of_month(begin), issue_on, "R3"),)

    def _span(self, kind: str, first: date, last: date, issue_on: date, rule: str) -> Span:
        due_on = self.due_on(issue_on)
        suspend_on = self.suspend_on(due_on, first - ONE_DAY)
        return Span(kind, first, last, (last - first).days + 1, issue_on, due_on, suspend_on, rule)

    def _shifted(self, day: date) -> date:
        if self.policy.due_shift == "next_business_day":
            while not self._is_business_day(day):
                day += ONE_DAY
        return day
