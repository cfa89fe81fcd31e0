"""Price versions with notice (A-23, A-29) and the lifecycle table."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.errors import Conflict
from plugins.billing.domain.lifecycle import ACTIONS, STATES, TRANSITIONS, after
from plugins.billing.domain.pricing import (
    PriceNotice,
    PriceVersion,
    first_issue_reached,
    list_price,
    price_for,
)

OLD, NEW = (
    PriceVersion(date(2026, 1, 1), Decimal("30.00")),
    PriceVersion(date(2026, 6, 1), Decimal("33.00")),
)


@pytest.mark.parametrize(
    ("notified", "period", "issue", "price"),
    [
        ("2026-04-25", "2026-06-01", "2026-05-25", "33.00"),  # exactly thirty days before the issue
        ("2026-04-26", "2026-06-01", "2026-05-25", "30.00"),  # one day short: the old price
        ("2026-04-26", "2026-07-01", "2026-06-25", "33.00"),
        ("2026-04-01", "2026-05-01", "2026-05-02", "30.00"),  # not yet valid
        (None, "2026-08-01", "2026-07-25", "30.00"),  # never told
    ],
)
def test_a_price_reaches_only_who_was_told_in_time(notified, period, issue, price):
    notices = [PriceNotice(NEW.valid_from, date.fromisoformat(notified))] if notified else []
    found = price_for(
        OLD.price,
        [OLD, NEW],
        notices,
        period_start=date.fromisoformat(period),
        issue_on=date.fromisoformat(issue),
    )
    assert str(found) == price


def test_the_first_invoice_at_the_new_price_is_named_in_the_notice():
    dates = [
        (date(2026, 5, 25), date(2026, 6, 1)),
        (date(2026, 6, 25), date(2026, 7, 1)),
    ]
    told = PriceNotice(date(2026, 6, 1), date(2026, 4, 30))
    assert first_issue_reached(dates, told) == date(2026, 6, 25)
    assert first_issue_reached(dates[:1], told) is None


def test_list_price():
    assert list_price([OLD, NEW], date(2026, 5, 31)) == Decimal("30.00")
    assert list_price([NEW, OLD], date(2026, 6, 1)) == Decimal("33.00")
    assert list_price([OLD], date(2025, 12, 31)) is None


LIFECYCLE = {
    ("active", "cancel"): "ending",
    ("active", "upgrade"): "active",
    ("active", "downgrade"): "active",
    ("active", "charge"): "active",
    ("active", "expire"): "ended",
    ("ending", "expire"): "ended",
    ("ending", "keep"): "active",
}


@pytest.mark.checklist("PW-16")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_lifecycle(state, action):
    if (state, action) in LIFECYCLE:
        assert after(state, action) == LIFECYCLE[state, action]
    else:
        with pytest.raises(Conflict):
            after(state, action)
    assert TRANSITIONS == LIFECYCLE
