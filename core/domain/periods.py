"""Periods of whole days, both ends inclusive, and month arithmetic."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

YEARS = range(1900, 2101)
"""The years of a day that somebody typed; another one is a slip of the finger."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days ``first`` to ``last``, both included. Raises ``ValueError`` when ``last`` is earlier."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"period ends {self.last} before it begins {self.first}")

    @property
    def days(self) -> int:
        """How many days: ``2026-04-11..2026-04-30`` has 20."""
        return (self.last - self.first).days + 1

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(self.days))


def parse_day(text: str) -> date:
    """``2026-04-25`` as a day of the ``YEARS``. Raises ``ValueError``."""
    day = date.fromisoformat(text)
    if day.year not in YEARS:
        raise ValueError(f"{day.year} is none of the years {YEARS[0]} to {YEARS[-1]}")
    return day


def end_of_month(day: date) -> date:
    """The last day of the month of ``day``: ``2028-02-10 -> 2028-02-29``."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def add_months(day: date, months: int) -> date:
    """The same day of another month, cut to its last: ``2026-01-31 + 1 -> 2026-02-28``."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def next_day_of_month(after: date, day: int) -> date:
    """The first ``day`` (1 to 28) of a month strictly after ``after``: day 5 after 2026-03-25 is 2026-04-05."""
    this = after.replace(day=day)
    return this if this > after else add_months(this, 1)


def first_day_of_month_from(start: date, day: int) -> date:
    """The first ``day`` (1 to 28) of a month on or after ``start``."""
    return start if start.day == day else next_day_of_month(start, day)
