"""What may be used on a day: R8, R9, R11, R15 and their settings."""

from __future__ import annotations

from datetime import date

import pytest

from plugins.billing.domain.standing import ChargeState, paid_through, standing

D = date.fromisoformat


def charge(first, last, due=None, *, paid=False, reported=False):
    return ChargeState(
        D(first),
        D(last),
        due and D(due),
        is_paid=paid,
        is_reported=reported,
    )


FIRST = charge("2026-03-12", "2026-04-10", paid=True)
BRIDGE = ("2026-04-11", "2026-04-30", "2026-04-05")
MAY = ("2026-05-01", "2026-05-31", "2026-05-05")


@pytest.mark.checklist("PW-13", "PW-14", "PW-15", "PW-17")
@pytest.mark.parametrize(
    ("charges", "on", "state", "since"),
    [
        ([FIRST], "2026-03-20", "current", None),
        ([FIRST, charge(*BRIDGE)], "2026-04-05", "due", None),
        ([FIRST, charge(*BRIDGE)], "2026-04-06", "due", None),  # paid days are honoured
        ([FIRST, charge(*BRIDGE)], "2026-04-10", "due", None),
        ([FIRST, charge(*BRIDGE)], "2026-04-11", "suspended", "2026-04-11"),
        ([FIRST, charge(*BRIDGE, reported=True)], "2026-04-11", "reported", None),  # R9
        ([FIRST, charge(*BRIDGE)], "2026-04-30", "suspended", "2026-04-11"),
        ([FIRST, charge(*BRIDGE)], "2026-05-01", "expired", "2026-05-01"),  # R15: no May invoice
        ([FIRST, charge(*BRIDGE, paid=True), charge(*MAY)], "2026-05-05", "due", None),
        (
            [FIRST, charge(*BRIDGE, paid=True), charge(*MAY)],
            "2026-05-06",
            "suspended",
            "2026-05-06",
        ),
        (
            [FIRST, charge(*BRIDGE, paid=True), charge(*MAY, paid=True)],
            "2026-05-31",
            "current",
            None,
        ),
        (
            [FIRST, charge(*BRIDGE, paid=True), charge(*MAY, paid=True)],
            "2026-06-01",
            "expired",
            "2026-06-01",
        ),
        ([], "2026-06-01", "current", None),
        # a gap: the bridge is owed, May is paid
        (
            [FIRST, charge(*BRIDGE), charge(*MAY, paid=True)],
            "2026-04-30",
            "suspended",
            "2026-04-11",
        ),
        ([FIRST, charge(*BRIDGE), charge(*MAY, paid=True)], "2026-05-10", "due", None),
    ],
)
def test_where_a_subscription_stands(charges, on, state, since):
    found = standing(charges, D(on))
    assert (found.state, found.since) == (state, since and D(since))


@pytest.mark.checklist("PW-15")
def test_confirmation_first_keeps_the_block_while_reported():
    rows = [FIRST, charge(*BRIDGE, reported=True)]
    assert standing(rows, D("2026-04-11")).state == "reported"
    assert standing(rows, D("2026-04-11"), report_lifts=False).state == "suspended"


@pytest.mark.parametrize(
    ("charges", "until"),
    [
        ([], None),
        ([FIRST], "2026-04-10"),
        ([FIRST, charge(*BRIDGE)], "2026-04-10"),
        ([FIRST, charge(*BRIDGE), charge(*MAY, paid=True)], "2026-04-10"),  # a gap stops it
        ([FIRST, charge(*BRIDGE, paid=True), charge(*MAY, paid=True)], "2026-05-31"),
    ],
)
def test_paid_through(charges, until):
    assert paid_through(charges) == (until and D(until))
