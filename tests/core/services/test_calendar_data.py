"""Dated data of the law: rates, holidays, business days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from core.db.scope import NOBODY
from core.db.session import unit_of_work
from core.errors import DomainError
from core.services import holidays, tax_rates
from core.services.reference_data import HOLIDAYS, TAX_RATES

D = date.fromisoformat


@pytest.mark.parametrize(
    ("code", "on", "rate"),
    [
        ("2", "2024-03-31", "12"),
        ("4", "2024-04-01", "15"),
        ("4", "2026-04-25", "15"),
        ("3", "2016-06-01", "14"),
        ("2", "2017-06-01", "12"),
        ("0", "2026-04-25", "0"),
        ("5", "2026-04-25", "5"),
        ("8", "2026-02-16", "8"),
        ("6", "2026-04-25", "0"),
        ("7", "2026-04-25", "0"),
        ("2", "2024-04-01", None),
        ("4", "2024-03-31", None),
        ("3", "2017-06-01", None),
        ("99", "2026-04-25", None),
    ],
)
def test_iva_by_date(database, code, on, rate):
    with unit_of_work(NOBODY) as session:
        if rate is None:
            with pytest.raises(DomainError):
                tax_rates.rate(session, "2", code, D(on))
        else:
            assert tax_rates.rate(session, "2", code, D(on)) == Decimal(rate)


def test_what_is_on_offer_today(database):
    with unit_of_work(NOBODY) as session:
        codes = [one.code for one in tax_rates.current(session, "2", D("2026-04-25"))]
        assert codes == ["4", "8", "5", "0", "6", "7"]
        found = tax_rates.rates(session, "2", ["4", "2"], D("2026-04-25"))
        assert found == {"4": Decimal(15)}


def test_no_code_has_two_rates_on_one_day():
    spans: dict[tuple[str, str], list[tuple[date, date]]] = {}
    for tax, code, _, _, first, last in TAX_RATES:
        spans.setdefault((tax, code), []).append((first, last or date.max))
    for found in spans.values():
        ordered = sorted(found)
        assert all(a[1] < b[0] for a, b in pairwise(ordered))


def test_holidays_are_whole_years_of_weekdays():
    days = [D(day) for day, _ in HOLIDAYS]
    assert len(set(days)) == len(days)
    for year in range(2024, 2029):
        assert sum(day.year == year for day in days) == 11
    # moved by law away from weekends; only New Year and Christmas stay where they fall
    assert {d.strftime("%m-%d") for d in days if d.weekday() >= 5} <= {"01-01", "12-25"}


@pytest.mark.parametrize(
    ("day", "then"),
    [
        ("2026-04-02", "2026-04-02"),  # Thursday
        ("2026-04-03", "2026-04-06"),  # Good Friday, then the weekend
        ("2026-02-14", "2026-02-18"),  # Saturday before Carnival
        ("2026-11-01", "2026-11-04"),  # Sunday, then Difuntos and Cuenca
        ("2026-12-25", "2026-12-28"),
    ],
)
def test_the_next_business_day(database, day, then):
    with unit_of_work(NOBODY) as session:
        assert holidays.next_business_day(session, D(day)) == D(then)
        assert holidays.is_business_day(session, D(then))


@pytest.mark.parametrize(
    ("day", "count", "then"),
    [
        ("2026-04-02", 1, "2026-04-06"),
        ("2026-04-01", 3, "2026-04-07"),
        ("2026-02-13", 3, "2026-02-20"),
    ],
)
def test_business_days_are_counted(database, day, count, then):
    with unit_of_work(NOBODY) as session:
        assert holidays.add_business_days(session, D(day), count) == D(then)
