"""Bases and rounding: the tables of ``../shared/design/billing_calendar.md`` sections 2 and 3."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.money import percent
from core.errors import DomainError
from plugins.billing.domain.calendar import BillingCalendar
from plugins.billing.domain.invoicing import plan_charges
from plugins.billing.domain.policy import BASES
from plugins.billing.domain.proration import days_30e_360, prorate

# S: bridge days, ACTUAL/30, strict 30/360, actual/month days (P = 30.00)
BRIDGES = [
    ("2026-03-12", 20, "20.00", "20.00", "20.00"),
    ("2026-04-12", 20, "20.00", "19.00", "19.35"),
    ("2026-01-12", 18, "18.00", "20.00", "19.29"),
    ("2028-01-12", 19, "19.00", "20.00", "19.66"),
    ("2026-02-02", 28, "28.00", "27.00", "27.10"),
    ("2026-04-02", 30, "30.00", "29.00", "29.03"),
]


@pytest.mark.checklist("PW-10")
@pytest.mark.parametrize(("start", "days", "actual", "strict", "month"), BRIDGES)
def test_bridge_under_each_basis(start, days, actual, strict, month):
    want = dict(
        zip(BASES, (actual, strict, month, month), strict=True)
    )  # a bridge's period is its month
    for basis, amount in want.items():
        bridge = plan_charges(
            Decimal("30.00"), date.fromisoformat(start), 2, BillingCalendar(), basis
        )[1]
        assert (bridge.kind, bridge.days, str(bridge.amount)) == ("bridge", days, amount), basis


# price, days, net, IVA 15 %
ROUNDING = [
    ("19.99", 20, "13.33", "2.00"),
    ("24.90", 18, "14.94", "2.24"),
    ("12.50", 1, "0.42", "0.06"),
    ("9.99", 7, "2.33", "0.35"),
    ("35.00", 29, "33.83", "5.07"),
    ("33.33", 10, "11.11", "1.67"),
    ("10.05", 15, "5.03", "0.75"),
    ("0.01", 14, "0.00", "0.00"),
    ("0.01", 15, "0.01", "0.00"),
]


@pytest.mark.parametrize(("price", "days", "net", "iva"), ROUNDING)
def test_rounding_vectors(price, days, net, iva):
    until = date(2026, 5, 1)
    first = until - timedelta(days=days)
    share = prorate(
        Decimal(price),
        first,
        until,
        period_start=date(2026, 4, 1),
        period_end=until,
        basis="actual_30",
    )
    assert str(share.amount) == net
    assert str(percent(share.amount, Decimal(15))) == iva


DAYS = st.dates(date(2024, 1, 1), date(2036, 12, 31))
PRICES = st.decimals("0.00", "9999.99", places=2)


def exact(
    price: Decimal, first: date, until: date, period: tuple[date, date], basis: str
) -> Decimal:
    """A second opinion: day by day, in fractions, rounded half-up once."""
    days = [first + timedelta(days=n) for n in range((until - first).days)]
    if basis == "actual_30":
        parts = [Fraction(1, 30)] * len(days)
    elif (
        basis == "strict_30_360"
    ):  # a 31st weighs nothing; the last of February makes up for the rest
        parts = []
        for day in days:
            last_of_february = day.month == 2 and (day + timedelta(days=1)).month == 3
            weight = 0 if day.day == 30 and (day + timedelta(days=1)).day == 31 else 1
            parts.append(Fraction(31 - day.day if last_of_february else weight, 30))
    elif basis == "actual_month_days":
        lengths = [
            ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
            for day in days
        ]
        parts = [Fraction(1, length) for length in lengths]
    else:
        parts = [Fraction(1, (period[1] - period[0]).days)] * len(days)
    raw = Fraction(price) * sum(parts, Fraction(0))
    if basis in ("actual_30", "strict_30_360"):
        raw = min(raw, Fraction(price))
    cents = raw * 100
    whole = int(cents)
    return (Decimal(whole + (1 if cents - whole >= Fraction(1, 2) else 0)) / 100).quantize(
        Decimal("0.01"), rounding=ROUND_HALF_UP
    )


@settings(max_examples=100, deadline=None)
@given(
    price=PRICES,
    first=DAYS,
    length=st.integers(0, 70),
    before=st.integers(0, 20),
    behind=st.integers(0, 20),
    basis=st.sampled_from(BASES),
)
def test_proration_agrees_with_a_day_by_day_sum(*, price, first, length, before, behind, basis):
    until = first + timedelta(days=length)
    period = (first - timedelta(days=before), until + timedelta(days=behind + 1))
    share = prorate(price, first, until, period_start=period[0], period_end=period[1], basis=basis)
    assert share.amount == exact(price, first, until, period, basis)


@settings(max_examples=100, deadline=None)
@given(DAYS, st.integers(0, 400), st.integers(0, 400))
def test_30_360_adds_up(first, one, two):
    middle, end = first + timedelta(days=one), first + timedelta(days=one + two)
    assert days_30e_360(first, middle) + days_30e_360(middle, end) == days_30e_360(first, end)


@pytest.mark.parametrize("basis", BASES)
def test_the_whole_month_costs_the_price(basis):
    for month, end in ((date(2026, 4, 1), date(2026, 5, 1)), (date(2028, 2, 1), date(2028, 3, 1))):
        share = prorate(
            Decimal("19.99"), month, end, period_start=month, period_end=end, basis=basis
        )
        if basis == "actual_30" and month.month == 2:
            assert share.amount == Decimal("19.32")  # 29 counted days of 30
        else:
            assert share.amount == Decimal("19.99")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"price": Decimal("-1.00")}, "billing.negative_price"),
        ({"price": Decimal("NaN")}, "billing.negative_price"),
        ({"price": Decimal("1.005")}, "billing.price_decimals"),
        ({"until": date(2026, 4, 1)}, "billing.dates_backwards"),
        ({"period_end": date(2026, 3, 1)}, "billing.dates_backwards"),
        ({"period_end": date(2026, 4, 15)}, "billing.outside_period"),
        ({"basis": "lunar"}, "billing.unknown_basis"),
    ],
)
def test_wrong_input_is_refused_with_a_sentence(change, code):
    given_ = {
        "price": Decimal("30.00"),
        "first": date(2026, 4, 11),
        "until": date(2026, 5, 1),
        "period_start": date(2026, 4, 1),
        "period_end": date(2026, 5, 1),
        "basis": "actual_30",
    } | change
    with pytest.raises(DomainError) as refused:
        prorate(given_.pop("price"), given_.pop("first"), given_.pop("until"), **given_)
    assert refused.value.code == code
    assert refused.value.sentence.endswith(".")
