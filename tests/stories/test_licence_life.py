"""A licence from contract to re-entry: dates written out, the clock moved, pages and mails beside it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.adapters.clock import at_local
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.models import TaxRegime
from plugins.licensing.models import ClientInvoiceRow, QueuedReport
from plugins.licensing.services import come_back, keep_licence, keep_portfolio, queue
from tests.factories.licensing import make_vendor


@pytest.fixture
def vendor(make_tenant, clock, drain):
    return make_vendor(make_tenant, clock, drain)


def confirm(vendor, report_id, distributor=None):
    with unit_of_work((distributor or vendor.north).scope) as session:
        queue.confirm_reports(session, [report_id], now=vendor.clock.now())
    vendor.drain()


def reject(vendor, report_id, reason="No consta en la cuenta"):
    with unit_of_work(vendor.north.scope) as session:
        queue.reject_report(session, report_id, reason=reason, now=vendor.clock.now())
    vendor.drain()


@pytest.mark.checklist(
    "PW-07",
    "PW-08",
    "PW-09",
    "PW-10",
    "PW-11",
    "PW-13",
    "PW-14",
    "PW-15",
    "PW-16",
    "PW-17",
    "PW-18",
)
def test_from_contract_to_re_entry(vendor, outbox):
    client = vendor.contract()  # 2026-03-10
    assert vendor.state(client) == "order"
    assert not vendor.may_issue(client)
    assert [row.contract_state for row in vendor.portfolio(vendor.north)] == ["order"]
    code = vendor.licence(client).payment_code
    [order] = outbox.to("hola@gimnasio.ec")
    assert code in order.subject
    assert "2200112233" in order.text

    vendor.at("2026-03-12", 10)
    vendor.enable(client)
    assert vendor.state(client) == "active"
    assert vendor.may_issue(client)
    assert vendor.invoices(client) == [("2026-03-12", "2026-04-10", "34.50", "paid")]
    assert "Bienvenid" in outbox.to("hola@gimnasio.ec")[-1].subject

    vendor.run("2026-03-25")  # the bridge, due 04-05
    assert vendor.invoices(client)[1:] == [("2026-04-11", "2026-04-30", "23.00", "open")]
    assert vendor.state(client) == "due"
    [row] = vendor.portfolio(vendor.north)
    assert (row.next_due_on, row.suspends_on) == (date(2026, 4, 5), date(2026, 4, 11))

    # nobody pays: paid days are honoured to 04-10, the block turns at 00:00, scheduler stopped
    before, turn = at_local(date(2026, 4, 10), 23, 59), at_local(date(2026, 4, 11))
    assert vendor.may_issue(client, before)
    assert vendor.may_issue(client, turn - timedelta(microseconds=1))
    assert not vendor.may_issue(client, turn)

    vendor.night("2026-04-11")  # the sweep only records, mails and tells
    assert vendor.licence(client).state == "suspended"
    vendor.at("2026-04-11", 7)  # mails leave from 07:00
    assert "suspendida" in outbox.to("hola@gimnasio.ec")[-1].subject
    assert vendor.portfolio(vendor.north)[0].state == "suspended"

    # "Ya pagué" gives access back in the same transaction
    vendor.at("2026-04-11", 9)
    report = vendor.report(client, "23.00")
    assert vendor.may_issue(client)
    assert vendor.state(client) == "reported"
    vendor.drain()
    with unit_of_work(vendor.north.scope) as session:
        [waiting] = session.scalars(select(QueuedReport))
        assert (waiting.state, waiting.amount, waiting.is_late) == (
            "waiting",
            Decimal("23.00"),
            True,
        )

    reject(vendor, report)
    assert vendor.state(client) == "suspended"
    assert not vendor.may_issue(client)
    second = vendor.report(client, "23.00")
    vendor.drain()
    confirm(vendor, second)
    assert vendor.state(client) == "active"
    assert vendor.invoices(client)[1] == ("2026-04-11", "2026-04-30", "23.00", "paid")

    vendor.run("2026-04-25")  # May, a whole month
    assert vendor.invoices(client)[2:] == [("2026-05-01", "2026-05-31", "34.50", "open")]
    third = vendor.report(client, "34.50")
    vendor.drain()
    confirm(vendor, third)

    vendor.at("2026-05-10", 9)
    with unit_of_work(Scope(tenant_id=client)) as session:
        farewell = keep_licence.cancel_licence(session, now=vendor.clock.now())
    vendor.drain()
    assert (farewell.ends_on, farewell.open_numbers) == (date(2026, 5, 31), ())
    assert vendor.state(client) == "cancelled"
    assert "31/05/2026" in outbox.to("hola@gimnasio.ec")[-1].text

    vendor.run("2026-05-25")
    assert len(vendor.invoices(client)) == 3
    vendor.night("2026-06-01")
    assert vendor.state(client) == "expired"
    assert not vendor.may_issue(client)

    vendor.at("2026-09-10", 9)  # back for one month
    with unit_of_work(Scope(tenant_id=client)) as session:
        come_back.order_month(session, now=vendor.clock.now())
    vendor.drain()
    assert vendor.state(client) == "order"
    vendor.enable(client)
    assert vendor.state(client) == "reentered"
    assert vendor.invoices(client)[3:] == [("2026-09-10", "2026-10-09", "34.50", "paid")]
    vendor.run("2026-09-25")
    assert len(vendor.invoices(client)) == 4
    assert vendor.state(client, at_local(date(2026, 10, 9), 23, 59)) == "reentered"
    assert vendor.state(client, at_local(date(2026, 10, 10))) == "expired"


def test_without_the_certificate_the_withheld_part_blocks_once_its_term_is_over(vendor):
    vendor.at("2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    with unit_of_work(Scope(tenant_id=client)) as session:
        session.scalars(select(TaxRegime)).one().withholding_agent_resolution = "NAC-1"
    vendor.run("2026-03-25")
    vendor.at("2026-04-06", 9)  # Monday: five business days end on Monday 04-13
    report = vendor.report(client, "30.45", withheld=Decimal("4.05"))
    vendor.drain()
    confirm(vendor, report)
    assert vendor.state(client, at_local(date(2026, 4, 13), 23, 59)) == "active"
    assert not vendor.may_issue(client, at_local(date(2026, 4, 14)))


@pytest.mark.checklist("PW-15")
def test_two_rejections_in_a_row_want_the_confirmation_first(vendor):
    vendor.at("2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    vendor.at("2026-04-07", 9)
    for minute in (0, 10):
        vendor.at("2026-04-07", 9, minute)
        report = vendor.report(client)
        assert vendor.may_issue(client)
        vendor.drain()
        vendor.at("2026-04-07", 9, minute + 5)
        reject(vendor, report)
        assert not vendor.may_issue(client)
    vendor.at("2026-04-07", 10)
    third = vendor.report(client)
    assert not vendor.may_issue(client)
    vendor.drain()
    confirm(vendor, third)
    assert vendor.may_issue(client)


def test_an_unanswered_report_keeps_access_and_reaches_the_operator(vendor):
    vendor.at("2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    vendor.at("2026-04-07", 9)  # Tuesday
    vendor.report(client)
    vendor.drain()

    def late(day):
        with unit_of_work(vendor.operator.scope) as session:
            return len(queue.overdue_reports(session, now=at_local(date.fromisoformat(day), 9)))

    assert (late("2026-04-10"), late("2026-04-11")) == (0, 1)  # Friday is the third business day
    vendor.night("2026-04-24")
    assert vendor.may_issue(client, at_local(date(2026, 4, 24), 12))
    with unit_of_work(vendor.operator.scope) as session:  # the operator settles it himself
        [row] = queue.overdue_reports(session, now=vendor.clock.now())
        queue.confirm_reports(session, [row.report_id], now=vendor.clock.now())
    vendor.drain()
    assert vendor.state(client) == "active"
    with unit_of_work(vendor.north.scope) as session:
        assert session.scalars(select(QueuedReport.state)).one() == "confirmed"


def test_on_credit_within_the_limit_and_no_further(vendor):
    client = vendor.contract()
    vendor.at("2026-03-12")
    vendor.enable(client, on_credit=True)
    assert vendor.state(client) == "due"  # due 04-05, invoice 1 unpaid
    assert vendor.may_issue(client)
    assert vendor.invoices(client) == [("2026-03-12", "2026-04-10", "34.50", "open")]
    assert vendor.may_issue(client, at_local(date(2026, 4, 5), 23, 59))
    assert not vendor.may_issue(client, at_local(date(2026, 4, 6)))
    from core.errors import DomainError

    other = vendor.contract(
        tax_id="1790016919001", name="Escuela Sol", identification="1714616123", email="e@sol.ec"
    )
    with pytest.raises(DomainError) as refused:
        vendor.enable(other, on_credit=True)  # 60 - 34.50 leaves less than 30
    assert refused.value.code == "credit_limit"
    assert vendor.state(other) == "order"


@pytest.mark.checklist("PW-34")
def test_a_distributor_sees_only_his_portfolio_also_in_the_database(vendor, database):
    import psycopg

    mine = vendor.contract()
    theirs = vendor.contract(
        distributor=vendor.south,
        tax_id="1790016919001",
        name="Escuela Sol",
        identification="1714616123",
        email="e@sol.ec",
    )
    assert [row.client_tenant_id for row in vendor.portfolio(vendor.north)] == [mine]
    assert [row.client_tenant_id for row in vendor.portfolio(vendor.south)] == [theirs]
    url = database.runtime_url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:  # without any guard of the application
        assert connection.execute("SELECT count(*) FROM lic_portfolio").fetchone() == (0,)
        connection.execute("SELECT set_config('app.tenant_id', %s, true)", [str(vendor.north.id)])
        rows = connection.execute("SELECT client_tenant_id FROM lic_portfolio").fetchall()
        assert rows == [(mine,)]
        changed = connection.execute(
            "UPDATE lic_portfolio SET price = 0 WHERE client_tenant_id = %s", [theirs]
        )
        assert changed.rowcount == 0


def test_a_transfer_moves_the_client_at_the_run_and_leaves_open_reports_behind(vendor):
    vendor.at("2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    vendor.report(client)
    with unit_of_work(Scope(tenant_id=client)) as session:
        name = keep_licence.ask_for_transfer(session, vendor.south.tax_id, now=vendor.clock.now())
    vendor.drain()
    assert name == vendor.south.name
    assert vendor.portfolio(vendor.north)[0].released_on is None
    for told in (
        vendor.licence(client),
        vendor.portfolio(vendor.north)[0],
    ):  # both sides see it coming
        assert told.transfer_to_name == vendor.south.name
    for wanted in (vendor.north, vendor.south):  # taken back, and asked once more
        with unit_of_work(Scope(tenant_id=client)) as session:
            keep_licence.ask_for_transfer(session, wanted.tax_id, now=vendor.clock.now())
        vendor.drain()
        coming = "" if wanted is vendor.north else vendor.south.name
        assert vendor.licence(client).transfer_to_name == coming
    vendor.run("2026-04-25")
    assert vendor.portfolio(vendor.north)[0].released_on == date(2026, 4, 25)
    [row] = vendor.portfolio(vendor.south)
    assert row.client_tenant_id == client
    assert vendor.licence(client).distributor_name == vendor.south.name
    assert (vendor.licence(client).transfer_to_name, row.transfer_to_name) == ("", "")
    with unit_of_work(vendor.north.scope) as session:
        assert session.scalars(select(QueuedReport.state)).one() == "waiting"
        assert keep_portfolio.find_gone(session) == {client}  # the queue marks it
    with unit_of_work(vendor.south.scope) as session:
        assert session.scalars(select(QueuedReport)).all() == []


def test_events_that_arrive_twice_change_nothing(vendor):
    from core.db.events import catch_up
    from core.models import EventDone

    vendor.at("2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    report = vendor.report(client)
    vendor.drain()
    confirm(vendor, report)
    before = (vendor.invoices(client), vendor.state(client), vendor.licence(client).wallet_minutes)
    for party in (vendor.operator.id, vendor.north.id, client):
        with unit_of_work(Scope(tenant_id=party)) as session:
            for done in session.scalars(
                select(EventDone).where(EventDone.subscriber == "licensing")
            ):
                session.delete(done)
        assert catch_up(party, "licensing") > 0
    vendor.drain()
    assert (
        vendor.invoices(client),
        vendor.state(client),
        vendor.licence(client).wallet_minutes,
    ) == before
    with unit_of_work(Scope(tenant_id=client)) as session:
        assert len(session.scalars(select(ClientInvoiceRow)).all()) == 2
