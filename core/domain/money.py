"""Money: USD as Decimal, rounded half-up to cents, here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
MICRO = Decimal("0.000001")
ZERO = Decimal("0.00")


def to_cents(amount: Decimal) -> Decimal:
    """Round half-up to cents (R7): ``10.05 * 15 / 30 = 5.025 -> 5.03``."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def to_micros(value: Decimal) -> Decimal:
    """Round half-up to six decimals: quantities, unit prices and rates."""
    return value.quantize(MICRO, rounding=ROUND_HALF_UP)


def percent(base: Decimal, rate: Decimal) -> Decimal:
    """``rate`` percent of ``base`` in cents: ``13.33`` at ``15`` is ``2.00``."""
    return to_cents(base * rate / Decimal(100))


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, always with two decimals."""
    return sum(amounts, ZERO)


def split(amount: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Share cents by weight without losing one: ``100.00`` over ``1, 1, 1`` is ``33.33, 33.34, 33.33``."""
    whole = sum(weights, Decimal(0))
    parts: list[Decimal] = []
    given, seen = ZERO, Decimal(0)
    for weight in weights:
        seen += weight
        upto = to_cents(amount * seen / whole)
        parts.append(upto - given)
        given = upto
    return parts
