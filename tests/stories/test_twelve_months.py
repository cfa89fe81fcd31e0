"""Twelve months of a gym's member, told by the services; the pages walk along in tests/browser."""

from __future__ import annotations

from datetime import date

import pytest

from plugins.billing.services import run_billing
from tests.stories.a_year import Story, begin, walk


@pytest.fixture
def story(tenant, clock, outbox) -> Story:
    return begin(tenant.id, clock, outbox)


def test_twelve_months(story):
    steps = []
    walk(story, lambda: steps.append(story.access()))
    assert steps == [
        *("due", "current", "due", "current", "due", "due", "due", "suspended", "suspended"),
        *("current", "due", "current", "expired", "current", "expired"),
    ]


def test_the_second_run_of_a_day_makes_nothing_new(story):
    story.pay()
    story.on("2027-11-25")
    before = story.invoices()
    for _ in range(2):
        again = run_billing.run_billing(story.tenant, on=date(2027, 11, 25), now=story.clock.now())
        assert (again.invoices, again.charges) == (0, 0)
    assert story.invoices() == before
