"""Every contract date 2024-2036, every basis and every alternative, against the day-by-day calendar."""

from __future__ import annotations

import importlib.util
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from plugins.billing.domain.calendar import BillingCalendar
from plugins.billing.domain.invoicing import charge_for, plan_charges
from plugins.billing.domain.policy import BASES, BillingPolicy

_spec = importlib.util.spec_from_file_location(
    "day_by_day", Path(__file__).with_name("day_by_day.py")
)
day_by_day = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(day_by_day)

FIRST, LAST = date(2024, 1, 1), date(2036, 12, 31)
DATES = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
PRICE = Decimal("19.99")

POLICIES = {
    "default": ({}, {}),
    "A-01 on E+1": ({"bridge_issue": "after_first"}, {"bridge_issue": "after_first"}),
    "A-16 strict": ({"overdue": "strict"}, {"overdue": "strict"}),
    "A-17 next business day": ({"due_shift": "next_business_day"}, {"shift": True}),
}


def half_up(amount: Fraction) -> Decimal:
    cents = amount * 100
    return Decimal(int(cents + Fraction(1, 2))) / 100


@pytest.mark.parametrize("name", POLICIES)
def test_every_contract_date_agrees_with_the_day_by_day_calendar(name):
    policy, oracle = POLICIES[name]
    calendar = BillingCalendar(BillingPolicy(**policy))
    for start in DATES:
        made = [
            (one.kind, one.first, one.last, one.issue_on, one.due_on, one.suspend_on)
            for one in calendar.schedule(start, 4)
        ]
        assert made == day_by_day.live(start, 4, **oracle), start


@pytest.mark.parametrize("basis", BASES)
def test_every_bridge_costs_what_its_days_cost(basis):
    calendar = BillingCalendar()
    seen: set[int] = set()
    checked: dict[tuple[date, date], Decimal] = {}
    for start in DATES:
        second = calendar.schedule(start, 2)[1]
        if second.kind == "full":
            seen.add(0)
            continue
        seen.add(second.days)
        key = (second.first, second.last)
        if key not in checked:
            checked[key] = half_up(day_by_day.cost(*key, Fraction(PRICE), basis))
        made = charge_for(PRICE, second, basis)
        assert made.amount == checked[key], start
        assert made.amount <= PRICE
    assert seen == set(range(31))  # bridges take every length from 0 to 30


@pytest.mark.parametrize("name", POLICIES)
def test_invariants_for_every_contract_date(name):
    calendar = BillingCalendar(BillingPolicy(**POLICIES[name][0]))
    day = timedelta(days=1)
    for start in DATES:
        spans = calendar.schedule(start, 5)
        assert spans[0].first == start
        for before, span in pairwise(spans):
            assert span.first == before.last + day  # contiguous and disjoint
            assert (span.last + day).day == 1  # ends on a month end
            assert before.issue_on <= span.issue_on <= span.first
            assert span.due_on > span.issue_on
            assert span.suspend_on > span.due_on
            assert span.days == (span.last - span.first).days + 1
            assert span.kind == "full" or 1 <= span.days <= 30


def test_the_same_function_makes_preview_and_invoice():
    """``span_at``, which the run asks, gives for each period what the schedule promised."""
    calendar = BillingCalendar()
    for start in DATES[::11]:
        preview = plan_charges(PRICE, start, 6, calendar)
        for one in preview:
            again = charge_for(PRICE, calendar.span_at(start, one.period_start), "actual_30")
            assert again == one
