"""Support beyond the included time: so much per hour or fraction (PW-33, A-25)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from core.errors import DomainError
from core.i18n import _

HOUR_PRICE = Decimal("25.00")  # before IVA, PW-33


class Ticket(NamedTuple):
    """Minutes of help given to one ticket on a day."""

    on: date
    minutes: int


class SupportSum(NamedTuple):
    """What a ticket (or a day) takes from the wallet and what is charged for."""

    minutes: int
    from_wallet: int
    chargeable: int
    hours: int
    amount: Decimal


def support_sum(minutes: int, *, wallet: int = 0, hour_price: Decimal = HOUR_PRICE) -> SupportSum:
    """Each started hour counts whole: 61 minutes are 50.00; with 30 in the wallet, 31 chargeable are 25.00.

    Raises ``DomainError`` for negative minutes.
    """
    if minutes < 0 or wallet < 0:
        raise DomainError(
            _("Minutes cannot be negative; write the time that was spent."),
            code="billing.negative_minutes",
            field="minutes",
        )
    used = min(minutes, wallet)
    rest = minutes - used
    hours = -(-rest // 60)
    return SupportSum(minutes, used, rest, hours, hour_price * hours)


def support_sums(
    tickets: Iterable[Ticket],
    *,
    wallet: int,
    rounding: str = "per_ticket",
    hour_price: Decimal = HOUR_PRICE,
) -> list[SupportSum]:
    """The sums of several tickets over one wallet, rounded per ticket or accumulated per day (A-25)."""
    groups: list[int]
    if rounding == "per_day":
        by_day: dict[date, int] = {}
        for one in tickets:
            by_day[one.on] = by_day.get(one.on, 0) + one.minutes
        groups = [by_day[day] for day in sorted(by_day)]
    else:
        groups = [one.minutes for one in tickets]
    sums: list[SupportSum] = []
    for minutes in groups:
        done = support_sum(minutes, wallet=wallet, hour_price=hour_price)
        wallet -= done.from_wallet
        sums.append(done)
    return sums
