"""The run of a day: what it issues, what it leaves out, and that a second one does nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import text, update

from core import plugins
from core.contracts.services import Subscribing
from core.db.session import tenant_work
from core.errors import DomainError
from core.services import settings
from plugins.billing.models import Charge
from plugins.billing.services import run_billing as run_billing_service
from plugins.billing.services.due import BATCH, batch_size
from plugins.billing.services.run_billing import failures_of, rehearse


def rows(gym, subscription_id):
    return [
        (
            one.kind,
            one.issued_on.isoformat(),
            one.due_on and one.due_on.isoformat(),
            one.period_start.isoformat(),
            one.period_end.isoformat(),
            str(one.amount),
            one.state,
        )
        for one in gym.charges(subscription_id)
    ]


@pytest.mark.checklist("PW-08", "PW-09", "PW-10", "PW-11")
def test_contract_then_bridge_then_month(gym):
    member = gym.subscribe(gym.plan("19.99"))
    gym.pay_all()
    gym.on("2026-03-25", 2)
    first = gym.run()
    assert (first.invoices, first.charges, str(first.amount)) == (1, 1, "13.33")
    again = gym.run()
    assert (again.invoices, again.seen) == (0, 0)
    gym.pay_all()
    gym.on("2026-04-25", 2)
    assert gym.run().invoices == 1
    assert rows(gym, member) == [
        ("first", "2026-03-12", None, "2026-03-12", "2026-04-10", "19.99", "paid"),
        ("bridge", "2026-03-25", "2026-04-05", "2026-04-11", "2026-04-30", "13.33", "paid"),
        ("full", "2026-04-25", "2026-05-05", "2026-05-01", "2026-05-31", "19.99", "open"),
    ]
    bridge = gym.charges(member)[1]
    invoice = gym.invoice(bridge.invoice_id)
    assert (invoice.issued_on, invoice.due_on) == (date(2026, 3, 25), date(2026, 4, 5))
    assert (invoice.subtotal, invoice.tax, invoice.total) == (
        Decimal("13.33"),
        Decimal("2.00"),
        Decimal("15.33"),
    )
    (line,) = invoice.lines
    assert (line.quantity, line.unit_price) == (
        Decimal(1),
        Decimal("13.33"),
    )  # never 20 times 0.666333
    assert line.description == "Plan MES, del 11/04/2026 al 30/04/2026"
    assert dict(line.details) == {
        "Periodo": "11/04/2026 al 30/04/2026",
        "Cálculo": "20 días × 0,666333",
        "Regla": "R3",
    }
    assert line.derivation["kind"] == "bridge"
    assert line.derivation["daily_rate"] == "0.666333"


def test_a_missed_run_is_caught_up_with_the_real_date(gym):
    gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-26")
    gym.run("2026-03-25")
    bridge = gym.charges()[1]
    assert (bridge.planned_on, bridge.issued_on, bridge.due_on) == (
        date(2026, 3, 25),
        date(2026, 3, 26),
        date(2026, 4, 5),
    )
    gym.pay_all()
    gym.on("2026-05-02")  # after the month's end: due = issue + 5 days
    gym.run("2026-04-25")
    may = gym.charges()[2]
    assert (may.issued_on, may.due_on, may.suspend_on) == (
        date(2026, 5, 2),
        date(2026, 5, 7),
        date(2026, 5, 8),
    )


@pytest.mark.checklist("PW-15")
def test_suspended_and_unreported_gets_no_new_invoice_until_it_pays(gym):
    member = gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    gym.on("2026-04-25")
    skipped = gym.run()
    assert (skipped.invoices, skipped.skipped) == (0, 1)
    gym.on("2026-04-28")
    gym.pay_all()
    gym.on("2026-04-29")
    caught_up = gym.run()
    assert caught_up.invoices == 1
    may = gym.charges(member)[2]
    assert (may.issued_on, may.due_on) == (date(2026, 4, 29), date(2026, 5, 5))


@pytest.mark.checklist("PW-15")
def test_what_was_reported_is_invoiced(gym):
    member = gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    with tenant_work(gym.id) as session:
        session.execute(
            update(Charge)
            .where(Charge.subscription_id == member, Charge.state == "open")
            .values(reported_at=gym.on("2026-04-10"))
        )
    gym.on("2026-04-25")
    done = gym.run()
    assert (done.invoices, done.skipped) == (1, 0)


def test_the_literal_reading_keeps_issuing(gym):
    gym.subscribe(gym.plan())
    gym.pay_all()
    with tenant_work(gym.id) as session:
        settings.write(session, "billing.suspended_at_run", "keep_issuing")
    gym.on("2026-03-25")
    gym.run()
    gym.on("2026-04-25")
    assert gym.run().invoices == 1


def test_one_invoice_for_each_payer_and_usage_month(gym):
    gym.on("2026-03-28")
    payer = gym.customer()
    base, extra = gym.plan("30.00"), gym.plan("5.00", "CASILLERO", kind="addon")
    member = gym.subscribe(base, payer)
    addon = gym.subscribe(extra, payer, parent_id=member, quantity=3)
    gym.pay_all()
    gym.on("2026-04-25")
    done = gym.run()
    assert (done.invoices, done.charges) == (2, 4)  # bridge and full stay separate
    issued = {one.invoice_id for one in gym.charges()[2:]}
    with tenant_work(gym.id) as session:
        told = plugins.service(Subscribing).subscriptions_of(session, [*issued, uuid4()])
    assert {key: set(some) for key, some in told.items()} == {
        one: {member, addon} for one in issued
    }
    by_invoice = {}
    for one in gym.charges()[2:]:
        by_invoice.setdefault(one.invoice_id, []).append((one.kind, str(one.amount)))
    assert sorted(map(sorted, by_invoice.values())) == [
        [("bridge", "2.00"), ("bridge", "4.00")],
        [("full", "15.00"), ("full", "30.00")],
    ]


def test_one_that_fails_does_not_stop_the_others(gym):
    plan = gym.plan()
    members = [gym.subscribe(plan) for _ in range(7)]
    gym.pay_all()
    broken = gym.subscription(members[3])
    with tenant_work(gym.id) as session:  # its customer is gone: nothing can be invoiced to him
        session.execute(
            text("UPDATE billing_subscription SET customer_id = gen_random_uuid() WHERE id = :id"),
            {"id": broken.id},
        )
    gym.on("2026-03-25")
    done = gym.run()
    assert done.invoices == 6
    assert [one for one, _ in done.failures] == [broken.id]
    with tenant_work(gym.id) as session:
        assert failures_of(session, done.run_id) == done.failures
        session.execute(
            text("UPDATE billing_subscription SET customer_id = :was WHERE id = :id"),
            {"id": broken.id, "was": broken.customer_id},
        )
    again = gym.run()
    assert (again.invoices, again.failures) == (1, [])


def test_a_share_of_no_cent_is_kept_without_an_invoice(gym):
    gym.on("2026-03-18")  # bridge of 14 days
    member = gym.subscribe(gym.plan("0.01"))
    gym.on("2026-03-25")
    done = gym.run()
    assert (done.invoices, done.free) == (0, 1)
    assert rows(gym, member)[1][-2:] == ("0.00", "free")
    assert gym.subscription(member).next_period_start == date(2026, 5, 1)


def test_the_rehearsal_promises_what_the_run_then_does(gym):
    plan = gym.plan("24.90")
    for day in ("2026-03-12", "2026-03-17", "2026-03-20"):
        gym.on(day)
        gym.subscribe(plan)
    gym.pay_all()
    gym.on("2026-03-24")
    with tenant_work(gym.id) as session:
        promised, shown = rehearse(session, on=date(2026, 3, 25), now=gym.clock.now())
    assert len(gym.charges()) == 3
    gym.on("2026-03-25")
    done = gym.run()
    assert (promised.invoices, promised.amount) == (done.invoices, done.amount) == (3, done.amount)
    assert sorted(one.charge.amount for one in shown) == sorted(
        one.amount for one in gym.charges()[3:]
    )


def test_who_practises_bills_nobody_and_catches_up(gym):
    from plugins.billing import jobs

    with tenant_work(gym.id) as session:
        try:
            settings.write(session, "einvoice_sri.environment", 3)
        except KeyError:
            pytest.skip("einvoice_sri is not loaded")
    with pytest.raises(DomainError) as refused:
        gym.run("2026-03-25")
    assert refused.value.code == "billing.run_practice"
    jobs.run_tenant(
        {"tenant": str(gym.id), "on": "2026-03-25"}, datetime(2026, 3, 25, 13, tzinfo=UTC)
    )
    with tenant_work(gym.id) as session:
        assert session.scalar(text("SELECT count(*) FROM billing_run")) == 0


def test_produccion_refuses_a_day_to_come(gym):
    with tenant_work(gym.id) as session:
        try:
            settings.write(session, "einvoice_sri.environment", 2)
        except KeyError:
            pytest.skip("einvoice_sri is not loaded")
    with pytest.raises(DomainError) as refused:
        gym.run("2026-03-25")
    assert refused.value.code == "billing.run_in_future"


def test_batches_of_two_threads_leave_nobody_out(gym, monkeypatch):
    """Batches of 3 cut payers of 1 to 3 subscriptions at every place; one subscription is broken."""
    monkeypatch.setattr(run_billing_service, "batch_size", lambda *_: 3)
    plan = gym.plan("30.00")
    members = []
    for n in range(9):
        payer = gym.customer()
        members += [gym.subscribe(plan, payer) for _ in range(1 + n % 3)]
    gym.pay_all()
    with tenant_work(gym.id) as session:
        session.execute(
            text("UPDATE billing_subscription SET customer_id = gen_random_uuid() WHERE id = :id"),
            {"id": members[0]},
        )
    gym.on("2026-03-25")
    done = gym.run()
    assert [one for one, _ in done.failures] == [members[0]]
    assert (done.seen, done.charges, done.invoices) == (18, 17, 8)
    charged = [one.subscription_id for one in gym.charges() if one.kind == "bridge"]
    assert sorted(charged) == sorted(members[1:])
    assert (gym.run().charges, gym.run().seen) == (0, 1)


def test_missed_runs_make_smaller_batches():
    day = date(2026, 3, 25)
    assert batch_size(day, None) == batch_size(day, day) == BATCH
    assert batch_size(day, date(2025, 3, 25)) == BATCH // 14


def test_a_period_that_was_charged_before_is_said_in_words(gym):
    member = gym.subscribe(gym.plan())
    gym.on("2026-03-25", 2)
    gym.run()
    with tenant_work(gym.id) as session:
        session.execute(
            text(
                "UPDATE billing_subscription SET next_period_start = '2026-04-11',"
                " next_issue_on = '2026-03-25'"
            )
        )
    before = rows(gym, member)
    result = gym.run()
    assert result.invoices == 0
    assert [(one, sentence) for one, sentence in result.failures] == [
        (member, "Uno de estos períodos ya tiene factura. Recargue la página para verla.")
    ]
    assert rows(gym, member) == before
