"""Support hours: a wallet of minutes, then US$ 25.00 per hour or fraction plus IVA (PW-32, PW-33)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.domain.money import percent

HOUR_PRICE = Decimal("25.00")
MINUTES = 60
PER_DAY = "per_day"  # value of billing.support_rounding


@dataclass(frozen=True, slots=True)
class SupportCharge:
    """What a ticket costs: minutes from the wallet, minutes and started hours to pay, USD."""

    from_wallet: int
    chargeable: int
    hours: int
    net: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        """Net plus IVA."""
        return self.net + self.tax


def charged_so_far(rounding: str, same_day: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Minutes and hours of the day that a ticket shares: those of ``same_day`` with ``per_day``; none where
    each ticket counts alone (A-25).
    """
    if rounding != PER_DAY:
        return 0, 0
    charged = list(same_day)
    return sum(minutes for minutes, _hours in charged), sum(hours for _minutes, hours in charged)


def charge_ticket(
    minutes: int,
    wallet: int,
    *,
    tax_rate: Decimal,
    price: Decimal = HOUR_PRICE,
    so_far: tuple[int, int] = (0, 0),
) -> SupportCharge:
    """The cost of one ticket; each started hour is charged, per ticket (A-25).

    Where hours accumulate per day, ``so_far`` are the minutes and hours charged on that day already:
    20 minutes after 20 others (one hour) cost nothing more.

    61 minutes with 30 in the wallet: 31 to pay, one started hour, 25.00 (28.75 with IVA 15 %).
    Raises ``ValueError`` for negative minutes.
    """
    if minutes < 0 or wallet < 0:
        raise ValueError("minutes and wallet cannot be negative")
    used = min(minutes, wallet)
    left = minutes - used
    minutes_before, hours_before = so_far
    hours = -(-(minutes_before + left) // MINUTES) - hours_before
    net = price * hours
    return SupportCharge(used, left, hours, net, percent(net, tax_rate))
