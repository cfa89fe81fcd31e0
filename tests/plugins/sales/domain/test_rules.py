from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.errors import DomainError
from core.ids import new_id
from plugins.sales.domain import lifecycle, reports
from plugins.sales.domain.ageing import age
from plugins.sales.domain.allocation import Owed, is_covered, spread
from plugins.sales.domain.customers import guess_type, search_key
from plugins.sales.domain.pins import check_new_pin, lock_after
from plugins.sales.domain.statements import (
    guess_mapping,
    parse_amount,
    parse_day,
    read_credits,
    same_reference,
    unread_days,
)

NOW = datetime(2026, 4, 25, 13, tzinfo=UTC)


@pytest.mark.parametrize("table", [lifecycle.INVOICE, lifecycle.PAYMENT, lifecycle.REPORT,
                                   lifecycle.CREDIT_NOTE, lifecycle.WITHHOLDING,
                                   lifecycle.STATEMENT_ROW])  # fmt: skip
def test_a_lifecycle_allows_what_its_table_says_and_nothing_else(table):
    states = {state for state, _ in table} | set(table.values())
    actions = {action for _, action in table}
    for state in states:
        for action in actions:
            if (state, action) in table:
                assert lifecycle.step(table, state, action) == table[(state, action)]
            else:
                with pytest.raises(lifecycle.WrongStateError):
                    lifecycle.step(table, state, action)


def test_nothing_leaves_a_cancelled_invoice():
    assert not [key for key in lifecycle.INVOICE if key[0] == "cancelled"]


def test_money_is_spread_oldest_first_and_the_rest_is_left():
    one, two = new_id(), new_id()
    owed = [Owed(one, Decimal("34.50")), Owed(two, Decimal("20.00"))]
    parts, left = spread(Decimal("50.00"), owed)
    assert [(p.invoice_id, p.amount) for p in parts] == [
        (one, Decimal("34.50")), (two, Decimal("15.50")),
    ]  # fmt: skip
    assert left == Decimal("0.00")
    assert spread(Decimal("60.00"), owed)[1] == Decimal("5.50")


@pytest.mark.parametrize(
    ("balance", "withholding", "covered"),
    [("0.00", False, True), ("0.01", False, False), ("0.50", True, True), ("0.51", True, False)],
)
def test_cover_tolerance(balance, withholding, covered):
    assert is_covered(Decimal(balance), with_withholding=withholding) is covered


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, None), (4, None), (5, 1), (6, 5), (7, 30), (20, 30)]
)
def test_a_lock_grows(failures, minutes):
    until = lock_after(failures, NOW)
    assert until == (None if minutes is None else NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("pin", ["01", "123", "1234", "4321", "0000", "12a4", "123456789", "١٢٣٩"])
def test_weak_pins_are_refused(pin):
    with pytest.raises(DomainError):
        check_new_pin(pin)


def test_good_pins_pass():
    for pin in ("4712", "9305", "13579246"):
        check_new_pin(pin)


def next_day(day: date) -> date:
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


@pytest.mark.parametrize(
    ("value_on", "late"),
    [("2026-04-04", False), ("2026-04-05", False), ("2026-04-06", False), ("2026-04-07", True)],
)
def test_a_saturdays_transfer_for_sunday_the_fifth_credits_on_monday_in_time(value_on, late):
    due = date(2026, 4, 5)  # a Sunday
    assert reports.is_late(date.fromisoformat(value_on), due, next_day) is late


def test_ages_of_a_debt():
    today = date(2026, 4, 25)
    debts = [(today, Decimal(1)), (None, Decimal(2)), (today - timedelta(30), Decimal(4)),
             (today - timedelta(31), Decimal(8)), (today - timedelta(61), Decimal(16)),
             (today - timedelta(91), Decimal(32))]  # fmt: skip
    assert list(age(debts, today).values()) == [3, 4, 8, 16, 32]


@pytest.mark.parametrize(
    ("cell", "amount"),
    [("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("$ 12.5", "12.50"), ("12,5", "12.50"),
     ("1,234", "1234.00"), (34.5, "34.50"), (3, "3.00"), ("-5.00", "-5.00"), ("", None),
     ("abc", None), (None, None), ("USD 7.00", "7.00"), ("1.234.567", "1234567.00"),
     ("1.234", "1234.00"), ("-1.234", "-1234.00"), ("0.500", "0.50")],
)  # fmt: skip
def test_amounts_of_banks(cell, amount):
    assert parse_amount(cell) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    "cell",
    ["25/04/2026", "2026-04-25", "25-04-2026", "25.04.2026", "25/04/26", "2026-04-25 10:00",
     datetime(2026, 4, 25, 9), date(2026, 4, 25)],
)  # fmt: skip
def test_days_of_banks(cell):
    assert parse_day(cell) == date(2026, 4, 25)


def test_two_equal_payments_of_one_file_are_two_and_a_second_import_is_the_same():
    rows = [["Fecha", "Valor", "Documento"], ["25/04/2026", "5", "9"], ["25/04/2026", "5", "9"]]
    mapping = guess_mapping(rows[0])
    assert mapping == {"value_on": 0, "amount": 1, "reference": 2}
    once, again = (read_credits(rows, mapping, account="a") for _ in range(2))
    assert len({one.fingerprint for one in once}) == 2
    assert once == again
    with pytest.raises(DomainError):
        read_credits([["a", "b"], ["x", "y"]], {"value_on": 0, "amount": 1}, account="a")
    with pytest.raises(DomainError):
        read_credits(rows, {"value_on": 7, "amount": 1}, account="a")


def test_references_and_searches():
    assert same_reference("00123-9", " 1239 ")
    assert not same_reference("", "")
    assert search_key("  Ñandú  ÁRBOL ") == "nandu arbol"
    assert [guess_type(one) for one in ("1792205859001", "1710034065", "171", "AB12")] == [
        "04", "05", "05", "06",
    ]  # fmt: skip


def test_a_row_with_money_and_a_day_that_does_not_exist_is_told():
    rows = [
        ["Fecha", "Valor", "Tipo"],
        ["31/02/2026", "5,00", "C"],
        ["31/04/2026", "6,00", "D"],
        ["30/04/2026", "7,00", "C"],
        ["Total", "18,00", ""],
        ["29-02-2026", "", "C"],
    ]
    mapping = {"value_on": 0, "amount": 1, "kind": 2}
    assert unread_days(rows, mapping) == ["31/02/2026"]
    assert [str(one.amount) for one in read_credits(rows, mapping, account="")] == ["7.00"]
