"""Every choice a company may make, with a case in which its values differ, as worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from plugins.billing.domain.calendar import BillingCalendar, is_weekday
from plugins.billing.domain.invoicing import plan_charges
from plugins.billing.domain.policy import CHOICES, policy_from
from plugins.billing.domain.proration import prorate
from plugins.billing.domain.standing import ChargeState, standing
from plugins.licensing.domain.support import charge_ticket, charged_so_far

MARCH = date(2026, 3, 12)  # the reference example: its due date 2026-04-05 is a Sunday
LATE = ChargeState(
    period_start=date(2026, 4, 11), period_end=date(2026, 4, 30), due_on=date(2026, 4, 5),
    is_paid=False, is_reported=False,
)  # fmt: skip


def bridge(name: str, value: str):
    calendar = BillingCalendar(policy_from({name: value}), is_weekday)
    return plan_charges(Decimal("30.00"), MARCH, 2, calendar)[1]


def basis(value: str) -> str:
    """20 January to 9 February of the period 15 January to 14 February, 30.00 a month."""
    share = prorate(
        Decimal("30.00"), date(2026, 1, 20), date(2026, 2, 10),
        period_start=date(2026, 1, 15), period_end=date(2026, 2, 15), basis=value,
    )  # fmt: skip
    return str(share.amount)


def lift_block(value: str) -> str:
    """On 15 April, the overdue bridge reported and not confirmed."""
    lifts = policy_from({"lift_block": value}).report_lifts
    charge = LATE._replace(is_reported=True)
    return standing([charge], date(2026, 4, 15), report_lifts=lifts).state


def support_rounding(value: str) -> str:
    """Two tickets of 20 minutes on one day, nothing in the wallet."""
    rounding, rate = policy_from({"support_rounding": value}).support_rounding, Decimal(15)
    first = charge_ticket(20, 0, tax_rate=rate, so_far=charged_so_far(rounding, []))
    before = charged_so_far(rounding, [(first.chargeable, first.hours)])
    second = charge_ticket(20, 0, tax_rate=rate, so_far=before)
    return str(first.net + second.net)


TABLE: dict[str, tuple[str, Callable[[str], object], dict[str, object]]] = {
    "basis": (
        "chapter 2",
        basis,
        {  # 21 days; 20 by 30E/360; 12/31 + 9/28; 21/31
            "actual_30": "21.00",
            "strict_30_360": "20.00",
            "actual_month_days": "21.26",
            "actual_period_days": "20.32",
        },
    ),
    "bridge_issue": (
        "A-01",
        lambda value: bridge("bridge_issue", value).issue_on.isoformat(),
        {"day_25": "2026-03-25", "after_first": "2026-04-11"},
    ),
    "lift_block": ("A-15", lift_block, {"on_report": "reported", "on_confirmation": "suspended"}),
    "overdue": (
        "A-16",
        lambda value: bridge("overdue", value).suspend_on.isoformat(),
        {"honour_paid_days": "2026-04-11", "strict": "2026-04-06"},
    ),
    "due_shift": (
        "A-17",
        lambda value: bridge("due_shift", value).due_on.isoformat(),
        {"none": "2026-04-05", "next_business_day": "2026-04-06"},
    ),
    "support_rounding": ("A-25", support_rounding, {"per_ticket": "50.00", "per_day": "25.00"}),
    "suspended_at_run": (  # what a run makes of it: services/test_run_billing.py
        "R15",
        lambda value: policy_from({"suspended_at_run": value}).keeps_issuing,
        {"skip": False, "keep_issuing": True},
    ),
}


def test_the_table_holds_every_choice_and_value():
    assert TABLE.keys() == CHOICES.keys()
    for name, (_rule, _observe, expected) in TABLE.items():
        assert tuple(expected) == CHOICES[name]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, row in TABLE.items() for value in row[2]]
)
def test_each_alternative_does_what_it_says(name, value):
    _rule, observe, expected = TABLE[name]
    assert observe(value) == expected[value]
