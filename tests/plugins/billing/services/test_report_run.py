"""A run against the run of the month before: who is new, who is gone, whose amount changed."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

from core.db.session import tenant_work
from plugins.billing.cli import billing
from plugins.billing.services.cancel import cancel
from plugins.billing.services.change_plan import change_plan
from plugins.billing.services.report_run import issue_day_before, report_run


def run_at(gym, day):
    gym.on(day, 2)
    done = gym.run()
    gym.on(day)
    return done


def report(gym, done):
    with tenant_work(gym.id) as session:
        found = report_run(session, done.run_id)
    rows = {
        one.id: (one.kind, *(None if x is None else str(x) for x in (one.before, one.after)))
        for one in found.differences
    }
    return found.before and found.before.run_on.isoformat(), found.amount_change, rows


def pay_but(gym, member):
    """Everybody pays but one."""
    for one in gym.charges():
        if one.state == "open" and one.subscription_id != member:
            gym.pay(one.invoice_id)


@pytest.fixture
def year(gym):
    """Five of US$ 30 from 1 February. The first does not pay March: left out on 03-25, caught up on 03-28."""
    gym.on("2026-02-01")
    gym.plans = gym.plan("30.00"), gym.plan("20.00", "BASICO")
    members = [gym.subscribe(gym.plans[0]) for _ in range(5)]
    gym.pay_all()
    runs = {"2026-02-25": run_at(gym, "2026-02-25")}
    pay_but(gym, members[0])
    runs["2026-03-25"] = run_at(gym, "2026-03-25")
    gym.on("2026-03-27")
    gym.pay_all()
    runs["2026-03-28"] = run_at(gym, "2026-03-28")
    gym.pay_all()
    return members, runs


def test_a_catch_up_in_between_is_not_the_month_before(gym, year, tenant):
    """In April the second goes to the plan of 20, the third leaves, one comes on the 1st.

    03-25: four of 30 = 120. 04-25: three of 30 (one of them the first, back), one of 20, the new one 30
    = 140: 2 x 30 new, 30 gone, 10 less of another amount: + 20.
    """
    members, runs = year
    assert [(day, one.invoices, str(one.amount)) for day, one in runs.items()] == [
        ("2026-02-25", 5, "150.00"),
        ("2026-03-25", 4, "120.00"),
        ("2026-03-28", 1, "30.00"),
    ]
    assert report(gym, runs["2026-02-25"]) == (None, None, {})
    before, change, rows = report(gym, runs["2026-03-25"])
    assert (before, str(change)) == ("2026-02-25", "-30.00")
    assert rows == {members[0]: ("gone", "30.00", None)}
    assert report(gym, runs["2026-03-28"]) == (None, None, {})  # of five it would miss four

    gym.on("2026-04-01")
    new = gym.subscribe(gym.plans[0])
    gym.pay_all()
    with tenant_work(gym.id) as session:
        now = gym.on("2026-04-10")
        change_plan(session, members[1], plan_id=gym.plans[1], now=now)
        cancel(session, members[2], now=now)
    gym.on("2026-04-25", 2)
    typed = ("run", "--company", tenant.tax_id)
    answer = CliRunner().invoke(billing, [*typed, "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)["against_last_month"]
    kinds = {
        kind: (
            found[kind]["count"],
            found[kind]["amount_change"],
            {one["subscription_id"]: (one["before"], one["after"]) for one in found[kind]["first"]},
        )
        for kind in ("new", "gone", "changed")
    }
    assert kinds == {
        "new": (
            2,
            "60.00",
            {str(members[0]): (None, "30.00"), str(new): (None, "30.00")},
        ),
        "gone": (1, "-30.00", {str(members[2]): ("30.00", None)}),
        "changed": (1, "-10.00", {str(members[1]): ("30.00", "20.00")}),
    }
    assert {key: value for key, value in found.items() if key not in kinds} == {
        "run_on": "2026-03-25",
        "invoices_before": 4,
        "invoices": 5,
        "amount_before": "120.00",
        "amount": "140.00",
        "amount_change": "20.00",
    }
    lines = (
        CliRunner().invoke(billing, typed).stdout.splitlines()
    )  # nothing is due; the run is the same
    assert lines[1:] == [
        (
            "Frente a la corrida del 25/03/2026: $ +20.00; 2 que no estaban en ella, 1 que no están en esta,"
            " 1 con otro importe."
        ),
        "  + Socio 000001: $ 30.00",
        "  + Socio 000006: $ 30.00",
        "  - Socio 000003: $ 30.00",
        "  ~ Socio 000002: $ 30.00 → 20.00",
    ]


def test_where_the_25th_was_missed_the_first_run_behind_it_counts(gym):
    """February's run was made on the 27th; what follows on 10 March belongs to February still."""
    gym.on("2026-02-01")
    plan = gym.plan("30.00")
    gym.subscribe(plan)
    gym.pay_all()
    late = run_at(gym, "2026-02-27")
    gym.pay_all()
    gym.on("2026-03-01")
    gym.subscribe(plan)
    gym.pay_all()
    empty = run_at(gym, "2026-03-10")
    march = run_at(gym, "2026-03-25")
    assert (late.invoices, empty.invoices, march.invoices) == (1, 0, 2)
    before, change, rows = report(gym, march)
    assert (before, str(change)) == ("2026-02-27", "30.00")
    assert [one[0] for one in rows.values()] == ["new"]


@pytest.mark.parametrize(
    ("on", "issue_on"),
    [
        ("2026-03-25", "2026-03-25"),
        ("2026-03-31", "2026-03-25"),
        ("2026-04-01", "2026-03-25"),
        ("2026-04-24", "2026-03-25"),
        ("2027-01-03", "2026-12-25"),
    ],
)
def test_a_run_belongs_to_the_issue_day_behind_it(on, issue_on):
    assert issue_day_before(date.fromisoformat(on)) == date.fromisoformat(issue_on)
