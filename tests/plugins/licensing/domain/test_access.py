"""Access over time: the vectors of the licence calendar, then properties against a plain oracle."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.periods import Period
from plugins.licensing.domain.access import (
    Change,
    Facts,
    LicenceInvoice,
    Policy,
    Report,
    changes_after,
    invoiced_through,
    is_distrusted,
    paid_through,
    state_on,
    suspends_on,
)
from plugins.licensing.domain.lifecycle import STATES

FIRST, BRIDGE, MAY = UUID(int=1), UUID(int=2), UUID(int=3)
TOTAL = Decimal("34.50")


def invoice(number, first, last, due, *, covered=True, **more):
    return LicenceInvoice(
        UUID(int=number),
        Period(date.fromisoformat(first), date.fromisoformat(last)),
        due and date.fromisoformat(due),
        TOTAL,
        TOTAL if covered else Decimal("0.00"),
        **more,
    )


def day(text):
    return date.fromisoformat(text)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def reference(*, bridge_paid=True, may_paid=True, reports=(), policy=None, with_may=True):
    """S = 2026-03-12: invoice 1 to 04-10, bridge 04-11..04-30 due 04-05, May due 05-05."""
    rows = [
        invoice(1, "2026-03-12", "2026-04-10", None),
        invoice(2, "2026-04-11", "2026-04-30", "2026-04-05", covered=bridge_paid),
    ]
    if with_may:
        rows.append(invoice(3, "2026-05-01", "2026-05-31", "2026-05-05", covered=may_paid))
    return Facts(
        ordered_on=day("2026-03-10"),
        started_on=day("2026-03-12"),
        invoices=rows,
        reports=reports,
        policy=policy or Policy(),
    )


@pytest.mark.checklist("PW-15", "PW-17")
@pytest.mark.parametrize(
    ("strict", "expected"), [(False, "2026-04-11"), (True, "2026-04-06")], ids=["default", "strict"]
)
def test_an_unpaid_bridge_suspends_on_the_day_of_the_vector(strict, expected):
    facts = reference(bridge_paid=False, with_may=False, policy=Policy(strict_day_six=strict))
    assert suspends_on(facts, day("2026-04-01")) == day(expected)
    assert state_on(facts, day(expected) - timedelta(days=1)) == "due"
    assert state_on(facts, day(expected)) == "suspended"


@pytest.mark.checklist("PW-13", "PW-15")
@pytest.mark.parametrize("strict", [False, True])
def test_an_unpaid_may_suspends_on_the_sixth_under_both_settings(strict):
    facts = reference(may_paid=False, policy=Policy(strict_day_six=strict))
    assert state_on(facts, day("2026-05-05")) == "due"
    assert state_on(facts, day("2026-05-06")) == "suspended"
    assert suspends_on(facts, day("2026-05-20")) == day("2026-05-06")


REPORTED = Report(UUID(int=90), at("2026-05-07T15:00"), "reported", {MAY: TOTAL})
REJECTED = replace(REPORTED, state="rejected", decided_at=at("2026-05-08T15:00"))
CONFIRMED = replace(REPORTED, state="confirmed", decided_at=at("2026-05-08T15:00"))


@pytest.mark.checklist("PW-14", "PW-15")
@pytest.mark.parametrize(
    ("report", "state"),
    [(None, "suspended"), (REPORTED, "reported"), (REJECTED, "suspended"), (CONFIRMED, "active")],
    ids=["silent", "reported", "rejected", "confirmed"],
)
def test_a_report_lifts_the_block_and_the_answer_decides(report, state):
    facts = reference(may_paid=False, reports=[report] if report else [])
    assert state_on(facts, day("2026-05-08")) == state


def test_a_report_lifts_nothing_where_the_vendor_wants_the_confirmation_first():
    facts = reference(may_paid=False, reports=[REPORTED], policy=Policy(report_lifts=False))
    assert state_on(facts, day("2026-05-08")) == "suspended"


def test_a_partial_report_lifts_nothing_but_cents_do_not_matter():
    for amount, state in (("34.00", "reported"), ("33.99", "suspended")):
        report = replace(REPORTED, allocations={MAY: Decimal(amount)})
        assert state_on(reference(may_paid=False, reports=[report]), day("2026-05-08")) == state


def _history(*states):
    return [
        Report(
            UUID(int=100 + place),
            at("2026-05-07T12:00") + timedelta(hours=2 * place),
            state,
            {MAY: TOTAL},
            None if state == "reported" else at("2026-05-07T13:00") + timedelta(hours=2 * place),
        )
        for place, state in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["rejected", "reported"], "reported"),
        (["rejected", "rejected", "reported"], "suspended"),
        (["rejected", "rejected", "confirmed"], "active"),
        (["rejected", "rejected", "applied", "rejected", "reported"], "reported"),
        (["rejected", "rejected", "rejected", "reported"], "suspended"),
    ],
)
def test_two_rejections_in_a_row_want_the_confirmation_first(states, expected):
    facts = reference(may_paid=False, reports=_history(*states))
    assert state_on(facts, day("2026-05-08")) == expected


def test_distrust_begins_with_the_second_rejection_not_before():
    facts = reference(may_paid=False, reports=_history("rejected", "rejected"))
    assert not is_distrusted(facts, before=at("2026-05-07T14:59"))
    assert is_distrusted(facts, before=at("2026-05-07T15:00"))


def test_a_withholding_agent_is_not_blocked_while_the_certificate_may_still_come():
    rows = [
        invoice(1, "2026-03-12", "2026-04-10", None),
        invoice(
            2,
            "2026-04-11",
            "2026-04-30",
            "2026-04-05",
            covered=False,
            expected_withheld=Decimal("4.05"),
            withholding_until=day("2026-04-13"),
        ),
    ]
    rows[1] = replace(rows[1], covered=Decimal("30.45"))
    facts = Facts(day("2026-03-10"), day("2026-03-12"), invoices=rows)
    assert state_on(facts, day("2026-04-13")) == "active"
    assert state_on(facts, day("2026-04-14")) == "suspended"
    rows[1] = replace(rows[1], covered=TOTAL)
    assert state_on(replace(facts, invoices=rows), day("2026-04-14")) == "active"


@pytest.mark.parametrize(
    ("today", "state"),
    [("2026-03-10", "order"), ("2026-03-25", "order"), ("2026-03-26", "lapsed")],
)
def test_an_order_holds_fifteen_days(today, state):
    assert state_on(Facts(day("2026-03-10")), day(today)) == state


@pytest.mark.checklist("PW-16", "PW-17")
def test_a_cancelled_licence_runs_to_the_last_paid_day_and_expires():
    facts = replace(reference(with_may=False), cancelled_on=day("2026-04-20"))
    assert invoiced_through(facts) == day("2026-04-30")
    assert state_on(facts, day("2026-04-30")) == "cancelled"
    assert state_on(facts, day("2026-05-01")) == "expired"
    assert changes_after(facts, day("2026-04-20")) == [Change(day("2026-05-01"), "expired")]


def test_a_blocked_licence_without_a_new_invoice_expires_at_the_end_of_the_unpaid_period():
    facts = reference(may_paid=False)
    assert state_on(facts, day("2026-05-31")) == "suspended"
    assert state_on(facts, day("2026-06-01")) == "expired"
    assert changes_after(facts, day("2026-05-05")) == [
        Change(day("2026-05-06"), "suspended"),
        Change(day("2026-06-01"), "expired"),
    ]


@pytest.mark.checklist("PW-18")
def test_a_month_back_reads_as_such():
    facts = Facts(
        day("2026-09-10"),
        day("2026-09-10"),
        is_reentry=True,
        invoices=[invoice(1, "2026-09-10", "2026-10-09", None)],
    )
    assert state_on(facts, day("2026-10-09")) == "reentered"
    assert state_on(facts, day("2026-10-10")) == "expired"
    assert (
        state_on(replace(facts, renews=True), day("2026-10-09")) == "active"
    )  # it was chosen


def test_a_first_invoice_on_credit_blocks_the_day_after_it_was_due():
    row = invoice(1, "2026-04-12", "2026-05-11", "2026-05-05", covered=False)
    facts = Facts(day("2026-04-12"), day("2026-04-12"), invoices=[row])
    assert [state_on(facts, day(d)) for d in ("2026-05-05", "2026-05-06")] == ["due", "suspended"]
    assert paid_through(facts, day("2026-05-06")) is None


@pytest.mark.checklist("PW-14", "PW-15")
def test_days_told_as_paid_are_honoured_like_paid_ones():
    """S = 2026-04-24 on credit, told on 04-26 and not answered: the bridge of 05-24..31 is due 05-05, and
    its block waits for the end of the first 30 days (R8, R9). A rejected report holds nothing.
    """
    told = Report(UUID(int=90), at("2026-04-26T15:00"), "reported", {FIRST: TOTAL})
    rows = [
        invoice(1, "2026-04-24", "2026-05-23", "2026-05-05", covered=False),
        invoice(2, "2026-05-24", "2026-05-31", "2026-05-05", covered=False),
    ]
    facts = Facts(day("2026-04-24"), day("2026-04-24"), invoices=rows, reports=[told])
    assert suspends_on(facts, day("2026-04-27")) == day("2026-05-24")
    assert state_on(facts, day("2026-05-23")) == "reported"
    assert state_on(facts, day("2026-05-24")) == "suspended"
    rejected = replace(told, state="rejected", decided_at=at("2026-04-28T15:00"))
    assert suspends_on(replace(facts, reports=[rejected]), day("2026-04-28")) == day("2026-05-06")
    twice = [
        replace(rejected, id=UUID(int=91)),
        rejected,
        replace(told, reported_at=at("2026-04-29T09:00")),
    ]
    assert suspends_on(replace(facts, reports=twice), day("2026-04-29")) == day("2026-05-06")


@pytest.mark.parametrize("told", ["paid", "reported"])
def test_a_paid_change_of_plan_opens_no_day_of_an_unpaid_period(told):
    """R8, R14: an upgrade of 04-01 for 04-01..04-30 is paid or told as paid; the bridge is not."""
    change = invoice(
        4, "2026-04-01", "2026-04-30", "2026-05-05", covered=told == "paid", is_period=False
    )
    reports = [replace(REPORTED, allocations={change.id: TOTAL})] if told == "reported" else []
    facts = reference(bridge_paid=False, with_may=False, reports=reports)
    facts = replace(facts, invoices=[*facts.invoices, change])
    assert state_on(facts, day("2026-04-10")) == ("reported" if reports else "due")
    assert suspends_on(facts, day("2026-04-02")) == day("2026-04-11")
    assert state_on(facts, day("2026-04-12")) == "suspended"
    assert paid_through(facts, day("2026-04-12")) == day("2026-04-10")
    undone = replace(facts, invoices=[facts.invoices[0], change])  # the bridge was credited
    assert invoiced_through(undone) == day("2026-04-10")
    # R11: an open invoice that may still be paid keeps the licence from expiring
    assert state_on(undone, day("2026-04-11")) == ("reported" if reports else "expired")


@pytest.mark.checklist("PW-17", "PW-18")
@pytest.mark.parametrize("state", ["reported", "confirmed", "rejected"])
def test_an_old_debt_that_is_told_after_the_end_opens_nothing(state):
    """The last invoiced day is 05-31; told on 07-01, July is not contracted (R11, R15, A-22)."""
    told = Report(UUID(int=90), at("2026-07-01T15:00"), state, {MAY: TOTAL})
    facts = reference(may_paid=False, reports=[told])
    assert state_on(facts, day("2026-07-01")) == "expired"
    assert state_on(facts, day("2026-06-01")) == "expired"
    if state == "reported":  # inside the invoiced days it opens at once (PW-14)
        assert state_on(facts, day("2026-05-31")) == "reported"


def test_a_cancelled_invoice_is_no_debt():
    row = invoice(3, "2026-05-01", "2026-05-31", "2026-05-05", covered=False, is_cancelled=True)
    facts = replace(reference(with_may=False), invoices=[*reference(with_may=False).invoices, row])
    assert state_on(facts, day("2026-05-01")) == "expired"


months = st.lists(
    st.tuples(
        st.booleans(), st.sampled_from(["", "reported", "rejected", "confirmed"]), st.booleans()
    ),
    min_size=1,
    max_size=8,
)


def build(rows, strict):
    start = date(2027, 9, 1)
    invoices, reports = [], []
    for place, (is_paid, told, is_cancelled) in enumerate(rows):
        first = date(
            start.year + (start.month - 1 + place) // 12, (start.month - 1 + place) % 12 + 1, 1
        )
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        number = place + 1
        due = first.replace(day=5) if place else None
        invoices.append(
            LicenceInvoice(
                UUID(int=number),
                Period(first, last),
                due,
                TOTAL,
                TOTAL if is_paid else Decimal("0.00"),
                is_cancelled and not is_paid,
            )
        )
        if told:
            reports.append(
                Report(
                    UUID(int=500 + number), at("2027-09-01T00:00"), told, {UUID(int=number): TOTAL}
                )
            )
    return Facts(
        start,
        start,
        invoices=invoices,
        reports=reports,
        policy=Policy(strict_day_six=strict),
    )


def oracle(facts, today):
    """Day by day, in other words: is today blocked, and by what. Days told as paid count as paid (R9)."""
    good = {one.id for one in facts.invoices if one.covered == one.total and not one.is_cancelled}
    good |= {key for one in facts.reports if one.state == "confirmed" for key in one.allocations}
    told = {key for one in facts.reports if one.state == "reported" for key in one.allocations}
    live = [one for one in facts.invoices if not one.is_cancelled]
    debts = [one for one in live if one.id not in good | told]
    late = [one for one in debts if today > (one.due_on or one.period.first)]
    honoured = any(
        one.period.first <= today <= one.period.last for one in live if one.id in good | told
    )
    return bool(late) and (facts.policy.strict_day_six or not honoured)


@settings(max_examples=100, deadline=None)
@given(months, st.booleans(), st.integers(0, 300))
def test_blocked_exactly_where_the_plain_oracle_says(rows, strict, ahead):
    facts = build(rows, strict)
    if not facts.live:
        return
    today = date(2027, 9, 1) + timedelta(days=ahead)
    state = state_on(facts, today)
    assert state in STATES
    if oracle(facts, today):
        assert state in ("suspended", "expired")
    else:
        assert state != "suspended"
    is_over = today > max(one.period.last for one in facts.live)
    if state == "expired":
        assert is_over
    if is_over:  # R11: no later day is contracted, whatever is told or paid of the days before
        assert state in ("expired", "due")


@settings(max_examples=100, deadline=None)
@given(months, st.booleans(), st.integers(0, 200))
def test_the_preview_is_what_then_happens_day_by_day(rows, strict, ahead):
    facts = build(rows, strict)
    today = date(2027, 9, 1) + timedelta(days=ahead)
    expected, state = [], state_on(facts, today)
    for step in range(1, 400):
        following = state_on(facts, today + timedelta(days=step))
        if following != state:
            expected.append(Change(today + timedelta(days=step), following))
            state = following
    assert changes_after(facts, today) == expected


@settings(max_examples=60, deadline=None)
@given(months, st.integers(0, 300))
def test_no_paid_day_is_ever_blocked(rows, ahead):
    facts = build(rows, strict=False)
    today = date(2027, 9, 1) + timedelta(days=ahead)
    if any(today in one.period and one.covered == one.total for one in facts.live):
        assert state_on(facts, today) not in ("suspended", "expired")
