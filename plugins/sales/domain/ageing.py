"""How old debts are: not due, 1-30, 31-60, 61-90 and more than 90 days late."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from core.domain.money import ZERO

BUCKETS: Final = ("current", "to_30", "to_60", "to_90", "older")


def bucket(due_on: date | None, today: date) -> str:
    """The bucket of a debt due on ``due_on``; without a due date it is current."""
    late = 0 if due_on is None else (today - due_on).days
    if late <= 0:
        return "current"
    return "to_30" if late <= 30 else "to_60" if late <= 60 else "to_90" if late <= 90 else "older"


def age(debts: Iterable[tuple[date | None, Decimal]], today: date) -> dict[str, Decimal]:
    """The sum per bucket of ``(due_on, balance)`` pairs."""
    sums = dict.fromkeys(BUCKETS, ZERO)
    for due_on, balance in debts:
        sums[bucket(due_on, today)] += balance
    return sums
