"""Events reach three parties by several workers: whatever order they are handled in, all agree."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select, text

from core import jobs
from core.db.scope import Scope
from core.db.session import bound, unit_of_work
from plugins.licensing.models import ClientStatus, Contract, PaymentReportRow, QueuedReport
from plugins.licensing.services import contracts, queue
from tests.factories.licensing import make_vendor

LIST = "SELECT id, task_name, args FROM procrastinate.procrastinate_jobs WHERE status = 'todo' ORDER BY id"
TAKE = "UPDATE procrastinate.procrastinate_jobs SET status = 'doing' WHERE id = :id"
DONE = "SELECT procrastinate_finish_job_v1(:id, 'succeeded', true)"
BACK = "SELECT procrastinate_retry_job_v2(:id, :at, NULL, NULL, NULL)"


def work_through(choose, now):
    """Run what is queued, each time the job that ``choose`` picks; one that fails waits for another."""
    failed = {}
    while True:
        with bound().engine.begin() as connection:
            connection.execute(text(f"SET LOCAL search_path = {jobs.SEARCH_PATH}"))
            waiting = connection.execute(text(LIST)).all()
            ready = [one for one in waiting if one.id not in failed]
            if not ready:
                assert not waiting, failed
                return
            row = choose(ready)
            connection.execute(text(TAKE), {"id": row.id})
        try:
            jobs.run_task(row.task_name, dict(row.args))
        except Exception as error:  # noqa: BLE001  (as a worker: tried again after another)
            failed[row.id] = error
            end = BACK
        else:
            failed.clear()
            end = DONE
        with bound().engine.begin() as connection:
            connection.execute(text(f"SET LOCAL search_path = {jobs.SEARCH_PATH}"))
            connection.execute(text(end), {"id": row.id, "at": now})


def latest_first(waiting):
    return waiting[-1]


def at_random(seed):
    return random.Random(seed).choice


ORDERS = [latest_first, *(at_random(seed) for seed in range(4))]


@pytest.mark.parametrize("choose", ORDERS, ids=["latest first", *map(str, range(4))])
def test_a_licence_is_sold_billed_and_paid_in_whatever_order_events_arrive(
    make_tenant, clock, drain, choose
):
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")

    def settle():
        work_through(choose, vendor.clock.now())

    vendor.drain = lambda: 0  # nobody works between contracting and enabling
    client = vendor.contract()
    vendor.enable(client)
    settle()
    assert agreed(vendor, client) == ("active", "active", "active", "enabled")
    assert vendor.invoices(client) == [("2026-03-01", "2026-03-31", "34.50", "paid")]
    assert vendor.licence(client).wallet_minutes == 120
    assert vendor.portfolio(vendor.north)[0].wallet_minutes == 120

    vendor.run("2026-03-25")
    settle()
    assert agreed(vendor, client) == ("due", "due", "due", "enabled")

    vendor.at("2026-04-07", 9)
    vendor.report(client)
    settle()
    assert agreed(vendor, client) == ("reported", "reported", "reported", "enabled")
    with unit_of_work(vendor.north.scope) as session:
        waiting = session.scalars(select(QueuedReport.report_id)).all()
        queue.confirm_reports(session, waiting, now=vendor.clock.now())
    settle()
    assert agreed(vendor, client) == ("active", "active", "active", "enabled")
    assert vendor.invoices(client)[1] == ("2026-04-01", "2026-04-30", "34.50", "paid")


@pytest.mark.checklist("PW-14", "PW-15")
@pytest.mark.parametrize("choose", [ORDERS[0], ORDERS[1]], ids=["latest first", "0"])
def test_a_report_over_two_invoices_is_confirmed_without_a_block_between_them(
    make_tenant, clock, drain, outbox, choose
):
    """S = 2026-03-26: the bridge of six days (6.90) and May (34.50), both told on 05-07 (R9)."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-26")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-04-25")
    vendor.night("2026-05-06")
    vendor.at("2026-05-07", 9)
    vendor.report(client, "41.40")
    vendor.drain()
    with unit_of_work(vendor.north.scope) as session:
        waiting = session.scalars(select(QueuedReport.report_id)).all()
        queue.confirm_reports(session, waiting, now=vendor.clock.now())
    work_through(choose, vendor.clock.now())
    with unit_of_work(Scope(tenant_id=client)) as session:
        turns = session.scalars(select(ClientStatus.state).order_by(ClientStatus.recorded_at)).all()
        assert turns[-3:] == ["suspended", "reported", "active"]
        [row] = session.scalars(select(PaymentReportRow))
        assert (row.state, len(row.applied)) == ("applied", 2)
    assert [one[2:] for one in vendor.invoices(client)] == [
        ("34.50", "paid"),
        ("6.90", "paid"),
        ("34.50", "paid"),
    ]
    told = [one.subject for one in outbox.to("hola@gimnasio.ec")]
    assert len([one for one in told if "suspendida" in one]) == 1  # that of 05-06


def test_an_answer_that_overtakes_its_report_is_heard(make_tenant, clock, drain):
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    report = vendor.report(client)

    def only_at(party):
        return lambda waiting: next(
            (one for one in waiting if one.args.get("tenant") == str(party.id)), waiting[0]
        )

    with bound().engine.begin() as connection:  # the operator's copy of the report stays behind
        mine = "UPDATE procrastinate.procrastinate_jobs SET scheduled_at = :later WHERE args ->> 'tenant' = :tenant"
        later = {"later": "2026-03-25T20:00:00Z", "tenant": str(vendor.operator.id)}
        held = connection.execute(text(mine), later).rowcount
    assert held
    drain()
    with unit_of_work(vendor.north.scope) as session:
        queue.confirm_reports(session, [report], now=vendor.clock.now())
    drain()
    assert vendor.invoices(client)[1] == ("2026-04-01", "2026-04-30", "34.50", "paid")
    work_through(only_at(vendor.operator), vendor.clock.now())  # now the report comes
    with unit_of_work(vendor.operator.scope) as session:
        assert session.scalars(select(QueuedReport.state)).all() == ["confirmed"]


def test_an_enabling_of_a_refused_order_ends_with_the_order(make_tenant, clock, drain):
    """The plan is gone when the order arrives: the distributor gets the client back, nothing loops."""
    from plugins.billing.models import Plan

    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")
    with unit_of_work(vendor.operator.scope) as session:
        session.get_one(Plan, vendor.plan_id).is_offered = False
    vendor.drain = lambda: 0
    client = vendor.contract()
    vendor.enable(client)
    work_through(latest_first, vendor.clock.now())
    [row] = vendor.portfolio(vendor.north)
    assert str(row.released_on) == "2026-03-01"
    with unit_of_work(vendor.operator.scope) as session:
        assert session.scalars(select(Contract)).all() == []


def test_an_order_placed_by_another_worker_meanwhile_is_not_taken_for_a_second_one(
    make_tenant, clock, drain, monkeypatch
):
    """The enabling looks for the order, finds none, and in that moment the other worker commits it."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")
    vendor.drain = lambda: 0
    client = vendor.contract()
    with bound().engine.connect() as connection:
        [placing] = connection.execute(text(LIST)).all()
    vendor.enable(client)
    real, met = contracts.plan_offers, []

    def meanwhile(session):
        if not met:
            met.append("once")
            jobs.run_task(placing.task_name, dict(placing.args))
        return real(session)

    monkeypatch.setattr(contracts, "plan_offers", meanwhile)
    work_through(latest_first, vendor.clock.now())
    assert met == ["once"]
    assert agreed(vendor, client) == ("active", "active", "active", "enabled")
    assert vendor.portfolio(vendor.north)[0].released_on is None


def agreed(vendor, client):
    """(client's state, the operator's word, the distributor's word, the distributor's contract)."""
    [row] = vendor.portfolio(vendor.north)
    with unit_of_work(Scope(tenant_id=vendor.operator.id)) as session:
        standing = session.scalars(select(Contract.standing)).one()
    return vendor.licence(client).state, standing, row.state, row.contract_state
