"""US$ 25 per hour or fraction: the support vectors of ``../shared/design/billing_calendar.md``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.domain.money import percent
from core.errors import DomainError
from plugins.billing.domain.support import Ticket, support_sum, support_sums


@pytest.mark.checklist("PW-32", "PW-33")
@pytest.mark.parametrize(
    ("minutes", "wallet", "net", "with_iva"),
    [
        (0, 0, "0.00", "0.00"),
        (1, 0, "25.00", "28.75"),
        (60, 0, "25.00", "28.75"),
        (61, 0, "50.00", "57.50"),
        (61, 30, "25.00", "28.75"),  # 31 chargeable minutes
        (30, 30, "0.00", "0.00"),
    ],
)
def test_support_vectors(minutes, wallet, net, with_iva):
    made = support_sum(minutes, wallet=wallet)
    assert str(made.amount) == net
    assert str(made.amount + percent(made.amount, Decimal(15))) == with_iva
    assert made.from_wallet + made.chargeable == minutes


@pytest.mark.checklist("PW-33")
def test_per_ticket_or_per_day():
    tickets = [
        Ticket(date(2026, 4, 1), 20),
        Ticket(date(2026, 4, 1), 20),
        Ticket(date(2026, 4, 2), 70),
    ]
    each = support_sums(tickets, wallet=10)
    assert [str(one.amount) for one in each] == ["25.00", "25.00", "50.00"]
    daily = support_sums(tickets, wallet=10, rounding="per_day")
    assert [str(one.amount) for one in daily] == ["25.00", "50.00"]


def test_negative_minutes_are_refused():
    with pytest.raises(DomainError):
        support_sum(-1)
