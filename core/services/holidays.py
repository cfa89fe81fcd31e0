"""Business days: Monday to Friday, less the holidays in ``core_holiday``."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models import Holiday

SATURDAY = 5
WITHHOLDING_DAYS = (
    5  # business days that an agente de retención has to hand over its certificate
)


def is_business_day(session: Session, day: date) -> bool:
    """Whether banks and SRI work on ``day``."""
    return day.weekday() < SATURDAY and not _holidays(session, day, day)


def next_business_day(session: Session, day: date) -> date:
    """``day`` itself when it is a business day, otherwise the first one after it."""
    return add_business_days(session, day, 0)


def add_business_days(session: Session, day: date, count: int) -> date:
    """The ``count``-th business day after ``day``; 0: ``day`` or the first business day after it."""
    holidays = _holidays(session, day, day + timedelta(days=2 * count + 30))
    this, left = day, count
    while left or this.weekday() >= SATURDAY or this in holidays:
        this += timedelta(days=1)
        if left and this.weekday() < SATURDAY and this not in holidays:
            left -= 1
    return this


def _holidays(session: Session, first: date, last: date) -> set[date]:
    return set(session.scalars(select(Holiday.on_date).where(Holiday.on_date.between(first, last))))
