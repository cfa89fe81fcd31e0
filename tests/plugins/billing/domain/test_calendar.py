"""Every worked example of ``../shared/design/billing_calendar.md`` section 3, whole rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from plugins.billing.domain.calendar import BillingCalendar
from plugins.billing.domain.invoicing import plan_charges
from plugins.billing.domain.policy import BillingPolicy

# start: rows of (kind, issue, due, first, last, days, amount) at 30.00 a month
EXAMPLES = {
    "2026-03-01": [
        ("first", "2026-03-01", None, "2026-03-01", "2026-03-31", 31, "30.00"),
        ("full", "2026-03-25", "2026-04-05", "2026-04-01", "2026-04-30", 30, "30.00"),
        ("full", "2026-04-25", "2026-05-05", "2026-05-01", "2026-05-31", 31, "30.00"),
    ],
    "2028-02-01": [
        ("first", "2028-02-01", None, "2028-02-01", "2028-02-29", 29, "30.00"),
        ("full", "2028-02-25", "2028-03-05", "2028-03-01", "2028-03-31", 31, "30.00"),
        ("full", "2028-03-25", "2028-04-05", "2028-04-01", "2028-04-30", 30, "30.00"),
    ],
    "2026-03-02": [
        ("first", "2026-03-02", None, "2026-03-02", "2026-03-31", 30, "30.00"),
        ("full", "2026-03-25", "2026-04-05", "2026-04-01", "2026-04-30", 30, "30.00"),
        ("full", "2026-04-25", "2026-05-05", "2026-05-01", "2026-05-31", 31, "30.00"),
    ],
    "2026-04-02": [
        ("first", "2026-04-02", None, "2026-04-02", "2026-05-01", 30, "30.00"),
        ("bridge", "2026-04-25", "2026-05-05", "2026-05-02", "2026-05-31", 30, "30.00"),
        ("full", "2026-05-25", "2026-06-05", "2026-06-01", "2026-06-30", 30, "30.00"),
    ],
    "2026-03-12": [
        ("first", "2026-03-12", None, "2026-03-12", "2026-04-10", 30, "30.00"),
        ("bridge", "2026-03-25", "2026-04-05", "2026-04-11", "2026-04-30", 20, "20.00"),
        ("full", "2026-04-25", "2026-05-05", "2026-05-01", "2026-05-31", 31, "30.00"),
    ],
    "2026-01-12": [
        ("first", "2026-01-12", None, "2026-01-12", "2026-02-10", 30, "30.00"),
        ("bridge", "2026-01-25", "2026-02-05", "2026-02-11", "2026-02-28", 18, "18.00"),
        ("full", "2026-02-25", "2026-03-05", "2026-03-01", "2026-03-31", 31, "30.00"),
    ],
    "2026-02-15": [
        ("first", "2026-02-15", None, "2026-02-15", "2026-03-16", 30, "30.00"),
        ("bridge", "2026-02-25", "2026-03-05", "2026-03-17", "2026-03-31", 15, "15.00"),
        ("full", "2026-03-25", "2026-04-05", "2026-04-01", "2026-04-30", 30, "30.00"),
    ],
    "2026-03-25": [
        ("first", "2026-03-25", None, "2026-03-25", "2026-04-23", 30, "30.00"),
        ("bridge", "2026-03-25", "2026-04-05", "2026-04-24", "2026-04-30", 7, "7.00"),
        ("full", "2026-04-25", "2026-05-05", "2026-05-01", "2026-05-31", 31, "30.00"),
    ],
    "2026-03-26": [
        ("first", "2026-03-26", None, "2026-03-26", "2026-04-24", 30, "30.00"),
        ("bridge", "2026-04-25", "2026-05-05", "2026-04-25", "2026-04-30", 6, "6.00"),
        ("full", "2026-04-25", "2026-05-05", "2026-05-01", "2026-05-31", 31, "30.00"),
    ],
    "2026-03-31": [
        ("first", "2026-03-31", None, "2026-03-31", "2026-04-29", 30, "30.00"),
        ("bridge", "2026-04-25", "2026-05-05", "2026-04-30", "2026-04-30", 1, "1.00"),
        ("full", "2026-04-25", "2026-05-05", "2026-05-01", "2026-05-31", 31, "30.00"),
    ],
    "2026-01-30": [
        ("first", "2026-01-30", None, "2026-01-30", "2026-02-28", 30, "30.00"),
        ("full", "2026-02-25", "2026-03-05", "2026-03-01", "2026-03-31", 31, "30.00"),
        ("full", "2026-03-25", "2026-04-05", "2026-04-01", "2026-04-30", 30, "30.00"),
    ],
    "2026-01-31": [
        ("first", "2026-01-31", None, "2026-01-31", "2026-03-01", 30, "30.00"),
        ("bridge", "2026-02-25", "2026-03-05", "2026-03-02", "2026-03-31", 30, "30.00"),
        ("full", "2026-03-25", "2026-04-05", "2026-04-01", "2026-04-30", 30, "30.00"),
    ],
    "2028-01-31": [
        ("first", "2028-01-31", None, "2028-01-31", "2028-02-29", 30, "30.00"),
        ("full", "2028-02-25", "2028-03-05", "2028-03-01", "2028-03-31", 31, "30.00"),
        ("full", "2028-03-25", "2028-04-05", "2028-04-01", "2028-04-30", 30, "30.00"),
    ],
    "2026-12-15": [
        ("first", "2026-12-15", None, "2026-12-15", "2027-01-13", 30, "30.00"),
        ("bridge", "2026-12-25", "2027-01-05", "2027-01-14", "2027-01-31", 18, "18.00"),
        ("full", "2027-01-25", "2027-02-05", "2027-02-01", "2027-02-28", 28, "30.00"),
    ],
}


@pytest.mark.checklist("PW-07", "PW-08", "PW-09", "PW-10", "PW-11", "PW-13")
@pytest.mark.parametrize("start", EXAMPLES)
def test_worked_examples(start):
    made = plan_charges(Decimal("30.00"), date.fromisoformat(start), 3, BillingCalendar())
    rows = [
        (
            one.kind,
            one.issue_on.isoformat(),
            one.due_on and one.due_on.isoformat(),
            one.period_start.isoformat(),
            one.period_end.isoformat(),
            one.days,
            str(one.amount),
        )
        for one in made
    ]
    assert rows == EXAMPLES[start]


@pytest.mark.checklist("PW-15", "PW-17")
@pytest.mark.parametrize(
    ("overdue", "bridge", "may"),
    [("honour_paid_days", "2026-04-11", "2026-05-06"), ("strict", "2026-04-06", "2026-05-06")],
)
def test_suspension_vectors(overdue, bridge, may):
    calendar = BillingCalendar(BillingPolicy(overdue=overdue))
    rows = plan_charges(Decimal("30.00"), date(2026, 3, 12), 3, calendar)
    assert rows[0].suspend_on is None
    assert (rows[1].suspend_on, rows[2].suspend_on) == (
        date.fromisoformat(bridge),
        date.fromisoformat(may),
    )


def test_issued_on_a_day_five_is_due_the_next_month():
    assert BillingCalendar().due_on(date(2026, 4, 5)) == date(2026, 5, 5)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-03-12", "2026-04-05"),
        ("2026-03-31", "2026-04-05"),  # exactly five days away
        ("2026-04-01", "2026-05-05"),  # the 5th is four days away
        ("2026-04-05", "2026-05-05"),
    ],
)
def test_invoice_one_on_credit_is_due_on_a_day_five_at_least_five_days_away(start, due):
    assert BillingCalendar().credit_due_on(date.fromisoformat(start)) == date.fromisoformat(due)


@pytest.mark.parametrize(
    ("issued", "due"),
    [
        ("2026-04-25", "2026-05-05"),
        ("2026-04-26", "2026-05-05"),  # caught up the next day: same due date
        ("2026-04-30", "2026-05-05"),
        ("2026-05-01", "2026-05-06"),  # after the month's end: issue + 5 days
        ("2026-05-20", "2026-05-25"),
    ],
)
def test_a_run_caught_up(issued, due):
    calendar = BillingCalendar()
    span = calendar.full_month(date(2026, 5, 1))
    assert calendar.due_when_issued(span, date.fromisoformat(issued)) == date.fromisoformat(due)


def test_the_bridge_may_be_issued_when_the_first_period_ends():
    calendar = BillingCalendar(BillingPolicy(bridge_issue="after_first"))
    rows = plan_charges(Decimal("30.00"), date(2026, 3, 12), 3, calendar)
    assert [(one.kind, one.issue_on, one.due_on, one.suspend_on) for one in rows] == [
        ("first", date(2026, 3, 12), None, None),
        ("bridge", date(2026, 4, 11), date(2026, 5, 5), date(2026, 5, 6)),
        ("full", date(2026, 4, 25), date(2026, 5, 5), date(2026, 5, 6)),
    ]
    late = plan_charges(Decimal("30.00"), date(2026, 3, 31), 4, calendar)
    assert [one.issue_on for one in late] == [
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 4, 30),  # not before the bridge
        date(2026, 5, 25),
    ]


def test_the_due_date_may_wait_for_a_business_day():
    holidays = {date(2026, 4, 6)}
    calendar = BillingCalendar(
        BillingPolicy(due_shift="next_business_day"),
        lambda day: day.weekday() < 5 and day not in holidays,
    )
    span = calendar.full_month(date(2026, 4, 1))
    assert span.issue_on == date(2026, 3, 25)
    assert (span.due_on, span.suspend_on) == (
        date(2026, 4, 7),
        date(2026, 4, 8),
    )  # Sunday 5, holiday 6
    assert BillingCalendar().full_month(date(2026, 4, 1)).due_on == date(2026, 4, 5)


def test_a_period_is_found_by_its_first_day():
    calendar = BillingCalendar()
    start = date(2026, 3, 12)
    for span in calendar.schedule(start, 8):
        assert calendar.span_at(start, span.first) == span
    for nowhere in (date(2026, 4, 1), date(2026, 3, 13), date(2026, 5, 2)):
        with pytest.raises(ValueError, match="no period"):
            calendar.span_at(start, nowhere)
