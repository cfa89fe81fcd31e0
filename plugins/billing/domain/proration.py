"""What a part of a month costs, under each day-count basis. Days are half-open: ``first`` is in, ``until`` is out.

The product of price and days is formed first and rounded once, half-up, at the end (R7).
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from core.domain.money import ZERO, to_cents, to_micros
from core.errors import DomainError
from core.i18n import _
from plugins.billing.domain.policy import BASES, COMMERCIAL_MONTH

MOST_PRICE = Decimal(10_000_000)


class MonthPart(NamedTuple):
    """The days that lie in one calendar month, and the length of that month."""

    month: date  # its first day
    days: int
    length: int


class Share(NamedTuple):
    """The result of a proration with everything that explains it.

    ``counted_days`` is what the basis counts (30/360 counts 20 in 2026-02-11..28); ``divisor`` is 0
    when the months touched have lengths of their own: then ``parts`` tells.
    """

    amount: Decimal
    basis: str
    days: int
    counted_days: int
    divisor: int
    daily_rate: Decimal | None  # price / divisor, six decimals; shown, never multiplied
    is_capped: bool
    parts: tuple[MonthPart, ...] = ()


class Count(NamedTuple):
    """How a basis counts the days of a part; independent of the price."""

    days: int
    counted: int
    divisor: int
    parts: tuple[MonthPart, ...]


def prorate(
    price: Decimal,
    first: date,
    until: date,
    *,
    period_start: date,
    period_end: date,
    basis: str,
) -> Share:
    """The price of the days ``first <= day < until`` of the period ``[period_start, period_end)``.

    ``19.99`` for 20 days of ``actual_30`` is ``13.33``; ``10.05`` for 15 days is ``5.03`` (half-up).
    Raises ``DomainError`` for a negative price, dates backwards, days outside the period, an unknown basis.
    """
    check_price(price)
    if basis not in BASES:
        raise DomainError(
            _(
                "“%(basis)s” is not a day-count basis. Use one of: %(known)s.",
                basis=basis,
                known=", ".join(BASES),
            ),
            code="billing.unknown_basis",
            field="basis",
        )
    if until < first:
        raise DomainError(
            _("The end date is before the start date; exchange them."),
            code="billing.dates_backwards",
            field="to",
        )
    if period_end <= period_start:
        raise DomainError(
            _("The period ends before it begins; exchange its dates."),
            code="billing.dates_backwards",
            field="period_end",
        )
    if first < period_start or until > period_end:
        raise DomainError(
            _("The days to charge lie outside the period; correct the dates."),
            code="billing.outside_period",
            field="from",
        )
    return _share(price, _count(first, until, period_start, period_end, basis), basis)


def check_price(price: Decimal) -> None:
    """Raise ``DomainError`` unless ``price`` is a finite amount of whole cents from zero to ten million."""
    if not price.is_finite() or price < 0:
        raise DomainError(
            _("The price cannot be negative; write an amount such as 30.00."),
            code="billing.negative_price",
            field="price",
        )
    if price >= MOST_PRICE:
        raise DomainError(
            _("The price is ten million or more; write what a month costs, such as 30.00."),
            code="billing.price_too_large",
            field="price",
        )
    if to_cents(price) != price:
        raise DomainError(
            _("The price has more than two decimals; write it in whole cents."),
            code="billing.price_decimals",
            field="price",
        )


def days_30e_360(first: date, until: date) -> int:
    """Days between by 30E/360, where the 31st counts as the 30th: 2026-02-11 to 2026-03-01 is 20."""
    months = (until.year - first.year) * 12 + until.month - first.month
    return months * 30 + min(until.day, 30) - min(first.day, 30)


def month_parts(first: date, until: date) -> tuple[MonthPart, ...]:
    """The days ``first <= day < until`` by calendar month."""
    parts: list[MonthPart] = []
    at = first
    while at < until:
        length = calendar.monthrange(at.year, at.month)[1]
        month = at.replace(day=1)
        stop = min(until, month + timedelta(days=length))
        parts.append(MonthPart(month, (stop - at).days, length))
        at = stop
    return tuple(parts)


@lru_cache(maxsize=8192)
def _count(first: date, until: date, period_start: date, period_end: date, basis: str) -> Count:
    days = (until - first).days
    if basis == "actual_30":
        return Count(days, days, COMMERCIAL_MONTH, ())
    if basis == "strict_30_360":
        return Count(days, days_30e_360(first, until), COMMERCIAL_MONTH, ())
    if basis == "actual_period_days":
        return Count(days, days, (period_end - period_start).days, ())
    parts = month_parts(first, until)
    return Count(days, days, parts[0].length if len(parts) == 1 else 0, parts)


def _share(price: Decimal, count: Count, basis: str) -> Share:
    if count.divisor:
        exact = price * count.counted / count.divisor
        rate = to_micros(price / count.divisor)
    else:
        exact = _sum_by_month(price, count.parts)
        rate = None
    amount = to_cents(exact)
    capped = count.divisor == COMMERCIAL_MONTH and basis in BASES[:2] and amount > price
    return Share(
        price if capped else amount,
        basis,
        count.days,
        count.counted,
        count.divisor,
        rate,
        capped,
        count.parts,
    )


def _sum_by_month(price: Decimal, parts: tuple[MonthPart, ...]) -> Decimal:
    """Over one common denominator, so that no thirds are cut on the way to the cent."""
    if not parts:
        return ZERO
    denominator = 1
    for part in parts:
        denominator *= part.length
    days = sum(part.days * (denominator // part.length) for part in parts)
    return price * days / denominator
