"""Month arithmetic by the dates of the billing calendar."""

from __future__ import annotations

from datetime import date

import pytest

from core.domain.periods import (
    Period,
    add_months,
    end_of_month,
    first_day_of_month_from,
    next_day_of_month,
)

D = date.fromisoformat


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-01-15", -1, "2025-12-15"),
        ("2026-03-31", -13, "2025-02-28"),
    ],
)
def test_add_months(day, months, then):
    assert add_months(D(day), months) == D(then)


@pytest.mark.parametrize(
    ("after", "then"),
    [
        ("2026-03-25", "2026-04-05"),
        ("2026-04-05", "2026-05-05"),
        ("2026-12-25", "2027-01-05"),
        ("2026-03-04", "2026-03-05"),
    ],
)
def test_due_day_is_strictly_after(after, then):
    assert next_day_of_month(D(after), 5) == D(then)


@pytest.mark.parametrize(
    ("start", "then"),
    [
        ("2026-03-25", "2026-03-25"),
        ("2026-03-26", "2026-04-25"),
        ("2026-03-12", "2026-03-25"),
        ("2026-12-31", "2027-01-25"),
    ],
)
def test_run_day_is_on_or_after(start, then):
    assert first_day_of_month_from(D(start), 25) == D(then)


def test_a_period_counts_both_ends():
    bridge = Period(D("2026-04-11"), D("2026-04-30"))
    assert bridge.days == len(list(bridge)) == 20
    assert D("2026-04-11") in bridge
    assert D("2026-04-30") in bridge
    assert D("2026-05-01") not in bridge


def test_a_period_cannot_run_backwards():
    with pytest.raises(ValueError, match="before it begins"):
        Period(D("2026-04-11"), D("2026-04-10"))


def test_leap_years():
    assert end_of_month(D("2028-02-10")) == D("2028-02-29")
    assert end_of_month(D("2026-02-10")) == D("2026-02-28")
