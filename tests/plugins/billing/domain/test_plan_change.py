"""R14: upgrade now, downgrade later."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.errors import DomainError
from plugins.billing.domain.plan_change import InvoicedPeriod, change_json, upgrade_now

APRIL = InvoicedPeriod(date(2026, 4, 11), date(2026, 4, 30), Decimal("30.00"))  # a bridge, 20 days
MAY = InvoicedPeriod(date(2026, 5, 1), date(2026, 5, 31), Decimal("30.00"))


@pytest.mark.parametrize(
    ("old", "new", "on", "invoiced", "credit", "charge", "net"),
    [
        ("30.00", "45.00", "2026-05-12", [MAY], "20.00", "30.00", "10.00"),  # 20 days
        (
            "30.00",
            "45.00",
            "2026-05-01",
            [MAY],
            "30.00",
            "45.00",
            "15.00",
        ),  # 31 days, capped at a month
        (
            "30.00",
            "45.00",
            "2026-05-31",
            [MAY],
            "1.00",
            "1.50",
            "0.50",
        ),  # the change day is the new plan's
        (
            "30.00",
            "45.00",
            "2026-04-28",
            [APRIL, MAY],
            "33.00",
            "49.50",
            "16.50",
        ),  # 3 days + all of May
        ("19.99", "24.90", "2026-04-14", [APRIL], "11.33", "14.11", "2.78"),  # 17 days
    ],
)
def test_upgrade_now(*, old, new, on, invoiced, credit, charge, net):
    periods = [one._replace(price=Decimal(old)) for one in invoiced]
    made = upgrade_now(Decimal(old), Decimal(new), date.fromisoformat(on), periods)
    assert (str(made.credit), str(made.charge), str(made.net)) == (credit, charge, net)
    assert made.net == sum(row.charge.amount - row.credit.amount for row in made.rows)


def test_the_derivation_lists_each_period():
    made = upgrade_now(Decimal("30.00"), Decimal("45.00"), date(2026, 4, 28), [MAY, APRIL])
    assert change_json(made)["rows"] == [
        {
            "from": "2026-04-28",
            "to": "2026-04-30",
            "days": 3,
            "old_price": "30.00",
            "credit": "3.00",
            "charge": "4.50",
        },
        {
            "from": "2026-05-01",
            "to": "2026-05-31",
            "days": 31,
            "old_price": "30.00",
            "credit": "30.00",
            "charge": "45.00",
        },
    ]


def test_days_that_cost_as_much_keep_their_plan():
    """March at 30.00, April at 10.00, from 2026-03-26 at 20.00: March stays, April is 20.00 - 10.00."""
    march = InvoicedPeriod(date(2026, 3, 1), date(2026, 3, 31), Decimal("30.00"))
    april = InvoicedPeriod(date(2026, 4, 1), date(2026, 4, 30), Decimal("10.00"))
    made = upgrade_now(Decimal("10.00"), Decimal("20.00"), date(2026, 3, 26), [march, april])
    assert [(row.first, row.days) for row in made.rows] == [(date(2026, 4, 1), 30)]
    assert (made.credit, made.charge, made.net) == (10, 20, 10)


@pytest.mark.parametrize(
    ("old", "new", "on", "code"),
    [
        ("30.00", "30.00", "2026-05-12", "billing.not_an_upgrade"),
        ("30.00", "20.00", "2026-05-12", "billing.not_an_upgrade"),
        ("30.00", "45.00", "2026-06-01", "billing.nothing_to_change"),
        ("30.00", "-1.00", "2026-05-12", "billing.negative_price"),
    ],
)
def test_what_is_refused(old, new, on, code):
    with pytest.raises(DomainError) as refused:
        upgrade_now(Decimal(old), Decimal(new), date.fromisoformat(on), [MAY])
    assert refused.value.code == code
