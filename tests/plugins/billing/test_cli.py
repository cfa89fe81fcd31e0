"""The calendar on the command line, without a database."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from core import runtime
from core.adapters.clock import SharedClock, at_local
from core.cli import main
from core.db.session import tenant_work
from core.errors import DomainError
from core.models import Tenant
from plugins.billing import jobs
from plugins.billing.cli import billing
from plugins.billing.cli.play import check_demo
from plugins.billing.services.play_days import play


def run(*arguments: str):
    return CliRunner().invoke(billing, arguments)


@pytest.mark.checklist("PW-09", "PW-10", "PW-11")
def test_schedule_as_json():
    done = run("schedule", "--price", "19.99", "--start", "2026-03-12", "--invoices", "3", "--json")
    assert done.exit_code == 0
    found = json.loads(done.output)
    assert list(found) == ["invoices"]
    first, bridge, full = found["invoices"]
    assert first == {
        "kind": "first",
        "period_start": "2026-03-12",
        "period_end": "2026-04-10",
        "days": 30,
        "amount": "19.99",
        "issue_on": "2026-03-12",
        "due_on": None,
        "suspend_on": None,
        "derivation": {
            "rule": "R2",
            "price": "19.99",
            "from": "2026-03-12",
            "to": "2026-04-10",
            "days": 30,
            "flat": True,
            "dates": ["R2"],
        },
    }
    assert bridge == {
        "kind": "bridge",
        "period_start": "2026-04-11",
        "period_end": "2026-04-30",
        "days": 20,
        "amount": "13.33",
        "issue_on": "2026-03-25",
        "due_on": "2026-04-05",
        "suspend_on": "2026-04-11",
        "derivation": {
            "rule": "R3",
            "price": "19.99",
            "from": "2026-04-11",
            "to": "2026-04-30",
            "days": 20,
            "flat": False,
            "basis": "actual_30",
            "counted_days": 20,
            "divisor": 30,
            "daily_rate": "0.666333",
            "capped": False,
            "parts": [],
            "dates": ["R5", "R6", "R8"],
        },
    }
    assert (full["kind"], full["amount"], full["issue_on"]) == ("full", "19.99", "2026-04-25")


@pytest.mark.parametrize(
    ("policy", "amount", "issue", "suspend"),
    [
        ([], "20.00", "2026-04-25", "2026-05-12"),
        (["basis=strict_30_360"], "19.00", "2026-04-25", "2026-05-12"),
        (["strict_30_360", "overdue=strict"], "19.00", "2026-04-25", "2026-05-06"),
        (["basis=actual_month_days,bridge_issue=after_first"], "19.35", "2026-05-12", "2026-06-06"),
        (['{"basis": "actual_period_days"}'], "19.35", "2026-04-25", "2026-05-12"),
    ],
)
def test_policies_on_the_command_line(policy, amount, issue, suspend):
    typed = [part for one in policy for part in ("--policy", one)]
    done = run(
        "schedule", "--price", "30", "--start", "2026-04-12", "--invoices", "2", "--json", *typed
    )
    bridge = json.loads(done.output)["invoices"][1]
    assert (bridge["amount"], bridge["issue_on"], bridge["suspend_on"]) == (amount, issue, suspend)


def test_schedule_for_people():
    done = run("schedule", "--price", "30,00", "--start", "2026-03-12", "--invoices", "2")
    assert done.exit_code == 0
    assert "2026-04-11 .. 2026-04-30" in done.output


@pytest.mark.parametrize(
    ("basis", "amount"),
    [
        ("actual_30", "7.00"),
        ("strict_30_360", "7.00"),
        ("actual_month_days", "7.24"),
        ("actual_period_days", "7.24"),
    ],
)
def test_prorate(basis, amount):
    done = run(
        *("prorate", "--price", "30.00", "--from", "2028-02-08", "--to", "2028-02-15"),
        *("--period-start", "2028-02-01", "--period-end", "2028-03-01", "--basis", basis, "--json"),
    )
    assert json.loads(done.output)["amount"] == amount


PRORATE = {
    "--price": "30.00",
    "--from": "2026-04-11",
    "--to": "2026-05-01",
    "--period-start": "2026-04-01",
    "--period-end": "2026-05-01",
    "--basis": "actual_30",
}


@pytest.mark.parametrize(
    ("command", "change"),
    [
        ("prorate", {"--from": "2026-05-01", "--to": "2026-04-11"}),
        ("prorate", {"--price": "-30.00"}),
        ("prorate", {"--price": "treinta"}),
        ("prorate", {"--price": None}),
        ("prorate", {"--from": "2026-02-31"}),
        ("prorate", {"--from": "12/04/2026"}),
        ("prorate", {"--basis": "lunar"}),
        ("prorate", {"--period-end": "2026-03-01"}),
        ("schedule", {"--start": "2026-02-31"}),
        ("schedule", {"--price": "-1"}),
        ("schedule", {"--price": "1e400"}),
        ("schedule", {"--price": "9" * 26}),
        ("schedule", {"--price": "10.000.000,00"}),
        ("schedule", {"--price": "30.005"}),
        ("schedule", {"--invoices": "0"}),
        ("schedule", {"--invoices": "many"}),
        ("schedule", {"--policy": "basis=lunar"}),
        ("schedule", {"--policy": "colour=blue"}),
        ("schedule", {"--policy": "blue"}),
        ("schedule", {"--policy": "{"}),
        ("schedule", {"--zone": "America/Macondo"}),
        ("schedule", {"--zone": "../etc/passwd"}),
        ("schedule", {"--price": None}),
        ("schedule", {"--start": None}),
        ("prorate", {"--to": None}),
        ("prorate", {"--to": "2026-06-31"}),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_2(command, change):
    base = PRORATE if command == "prorate" else {"--price": "30.00", "--start": "2026-03-12"}
    typed = [
        part
        for name, value in (base | change).items()
        if value is not None
        for part in (name, value)
    ]
    done = run(command, *typed, "--json")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.strip().endswith(".")
    assert any(name in done.stderr for name in change)  # the option that is wrong


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("billing schedule --price", "--price necesita un valor."),
        ("billing schedule --prize 3", "¿quiso decir --price?"),
        ("billing schedul", "¿quiso decir schedule?"),
        ("billing schedule 30", "Sobra o falta una palabra."),
        (
            "billing run --on 2026-02-31",
            "--on: el día 2026-02-31 no existe entre los años 1900 y 2100; corríjalo.",
        ),
        (
            "billing schedule --price 30 --invoices 2 --start 9999-12-31",
            "--start: el día 9999-12-31 no existe entre los años 1900 y 2100; corríjalo.",
        ),
        ("billing run --on hoy", "--on: escriba la fecha como 2026-03-12, no “hoy”."),
        ("billing sweep --on 31/02/2026", "--on: escriba la fecha como 2026-03-12"),
    ],
)
def test_a_newcomers_mistake_is_one_spanish_sentence(typed, says):
    done = CliRunner().invoke(main, typed.split())
    assert done.exit_code == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_prorate_says_how_in_json():
    done = run(
        *("prorate", "--price", "30.00", "--from", "2028-02-08", "--to", "2028-02-15"),
        *("--period-start", "2028-02-01", "--period-end", "2028-03-01"),
        *("--basis", "actual_month_days", "--json"),
    )
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found == {
        "amount": "7.24",
        "basis": "actual_month_days",
        "days": 7,
        "counted_days": 7,
        "divisor": 29,
        "daily_rate": "1.034483",
        "capped": False,
        "parts": [{"month": "2028-02", "days": 7, "of": 29}],
    }


def test_run_and_sweep_as_json(gym, tenant):
    """The rehearsal promises, the run does it, a second run nothing; the sweep records."""
    gym.subscribe(gym.plan("19.99"))
    gym.pay_all()
    gym.on("2026-03-25")
    typed = ("--on", "2026-03-25", "--company", tenant.tax_id, "--json")
    promised, done, again = (
        json.loads(run("run", *typed, *more).stdout) for more in (("--dry-run",), (), ())
    )
    wanted = {
        "on": "2026-03-25",
        "issued_on": "2026-03-25",
        "dry_run": True,
        "due": 1,
        "invoices": 1,
        "charges": 1,
        "free": 0,
        "skipped": 0,
        "amount": "13.33",
        "failures": [],
    }
    assert promised == wanted
    assert done == wanted | {"dry_run": False, "against_last_month": None}
    assert again == wanted | {
        "dry_run": False,
        "against_last_month": None,
        "due": 0,
        "invoices": 0,
        "charges": 0,
        "amount": "0.00",
    }
    gym.on("2026-04-11")
    typed = ("--on", "2026-04-11", "--company", tenant.tax_id, "--json")
    swept = {"on": "2026-04-11", "reminders": 0, "suspended": 1, "ended": 0}
    assert json.loads(run("sweep", *typed, "--dry-run").stdout) == swept | {"dry_run": True}
    assert json.loads(run("sweep", *typed).stdout) == swept | {"dry_run": False}
    nobody = run("run", "--company", "1790000000001", "--json")
    assert nobody.exit_code == 2
    assert "1790000000001" in nobody.stderr


def test_a_month_played_by_the_demo_clock(gym):
    """From 20 March: the bridge on the 25th; unpaid it is suspended inside April, and ends with it."""
    gym.on("2026-03-02")
    gym.subscribe(gym.plan())  # paid to 31 March; no bridge
    gym.pay_all()
    gym.on("2026-03-20")
    told = list(play(gym.clock.today(), gym.clock.set))
    assert [
        (one.kind, one.on.isoformat(), one.invoices, one.suspended, one.ended) for one in told
    ] == [
        ("run", "2026-03-25", 1, 0, 0),
        ("due", "2026-04-05", 0, 0, 0),
        ("suspension", "2026-04-06", 0, 1, 0),
        ("end", "2026-05-01", 0, 0, 1),
    ]
    assert gym.clock.today().isoformat() == "2026-05-01"
    assert told[-1].notices == 4  # on the day, the day after, suspended, ended


def test_what_the_schedules_do_first_is_counted_too(gym):
    """A running demo: its scheduler sees the clock move and sweeps and bills before the player does."""
    gym.on("2026-03-02")
    gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-20")

    def moved(instant):
        gym.clock.set(instant)
        day = {"tenant": str(gym.id), "on": gym.clock.today().isoformat()}
        jobs.sweep_tenant(day, instant)
        if at_local(gym.clock.today(), 2) <= instant:
            jobs.run_tenant(day, instant)

    told = list(play(gym.clock.today(), moved))
    assert [(one.invoices, one.suspended, one.ended) for one in told] == [
        (1, 0, 0),
        (0, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
    ]


def test_the_page_of_the_demos_clock_shows_what_each_stop_brings(
    gym, app, client, post, monkeypatch, tmp_path
):
    """The same month, pressed stop by stop without signing in; where companies are real, no page."""
    gym.on("2026-03-02")
    gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-20")
    assert client.get("/demo/clock").status_code == 404
    assert post(client, "/demo/clock/next").status_code == 404
    clock = SharedClock(tmp_path / "clock")
    clock.set(gym.clock.now())
    before = runtime.current()
    given = before.settings.model_copy(update={"demo": True})
    runtime.use(replace(before, settings=given, clock=clock))
    try:
        page = client.get("/demo/clock").text
        for day in ("25/03/2026", "05/04/2026", "06/04/2026", "01/05/2026"):
            assert day in page, day
        rows = []
        with tenant_work(gym.id) as session:
            name = session.get_one(Tenant, gym.id).name
        for day in ("2026-03-25", "2026-04-05", "2026-04-06", "2026-05-01"):
            assert post(client, "/demo/clock/next").location == "/demo/clock"
            assert clock.today().isoformat() == day
            page = client.get("/demo/clock").text
            told = re.sub(r"<[^>]+>", "", page).split("Ir al")[0].split("Otro mes")[0]
            lines = [one.strip() for one in told.splitlines()]
            rows.append([one for one in lines if one.startswith(name)][-1])
        assert [one.partition(": ")[2] for one in rows] == [  # no workers here: mails add up
            "facturas 1",
            "correos 1",
            "suspendidas 1, correos 3",
            "terminadas 1, correos 4",
        ]
        assert "Otro mes" in page
        post(client, "/demo/clock/next")
        assert clock.today().isoformat() == "2026-05-25"
    finally:
        runtime.use(before)


def test_nobody_plays_with_the_clock_of_real_companies(database, tenant):
    with pytest.raises(DomainError):
        check_demo()
