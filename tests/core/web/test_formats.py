"""Numbers, prices, dates and months as people of Ecuador read and write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.errors import DomainError
from core.web import formats
from core.web.typed import read_day, read_money


@pytest.mark.parametrize(
    ("value", "money", "price"),
    [
        (Decimal("1234.5"), "$ 1.234,50", "$ 1.234,50"),
        (Decimal(-5), "-$ 5,00", "-$ 5,00"),
        (Decimal("19.000000"), "$ 19,00", "$ 19,00"),
        (Decimal("0.123456"), "$ 0,12", "$ 0,123456"),
        (Decimal("1E+3"), "$ 1.000,00", "$ 1.000,00"),
        (None, "", ""),
    ],
)
def test_amounts_are_written_as_people_write_them(value, money, price):
    assert (formats.money(value), formats.price(value)) == (money, price)


@pytest.mark.parametrize("typed", ["1234,5", "1234.5", "1.234,50", " 1234,50 "])
def test_amounts_are_read_as_people_write_them(typed):
    assert read_money(typed, "amount") == Decimal("1234.50")


@pytest.mark.parametrize("typed", ["", "mil", "1,2,3", "NaN", "1e400", "-1", "1,005"])
def test_what_is_no_amount_is_refused_with_its_field(typed):
    with pytest.raises(DomainError) as refused:
        read_money(typed, "amount")
    assert refused.value.field == "amount"


@pytest.mark.parametrize("typed", ["2026-04-25", " 25/04/2026 ", "25/4/2026"])
def test_days_are_read_as_people_write_them(typed):
    assert read_day(typed, "day") == date(2026, 4, 25)


@pytest.mark.parametrize("typed", ["", "mañana", "2026-02-31", "31/02/2026", "9999-12-31", "1/2"])
def test_what_is_no_day_is_refused_with_its_field(typed):
    with pytest.raises(DomainError) as refused:
        read_day(typed, "day")
    assert refused.value.field == "day"


def test_days_are_those_of_guayaquil():
    late = datetime(2026, 4, 26, 3, 0, tzinfo=UTC)  # still the 25th there
    assert formats.day(late) == "25/04/2026"
    assert formats.instant(late) == "25/04/2026 22:00"
    assert formats.month(date(2026, 4, 1)) == "abril de 2026"
