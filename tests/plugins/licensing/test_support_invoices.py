"""Support hours beyond the plan: invoiced, seen and reported like the licence; they suspend nobody (R8)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import tenant_work, unit_of_work
from core.ids import new_id
from core.services import settings
from plugins.licensing.models import ClientInvoiceRow, PortfolioClient, QueuedReport, Ticket
from plugins.licensing.services import come_back, keep_licence, queue
from plugins.licensing.services.standing import owed_of_support, read_standing
from plugins.licensing.services.unpaid import read_operator_unpaid, read_portfolio_unpaid
from tests.factories.licensing import make_vendor

LICENCE_MARCH = ("2026-03-01", "2026-03-31", "34.50", "paid")


class Tenancy:
    def __init__(self, tenant_id):
        self.id, self.scope = tenant_id, Scope(tenant_id=tenant_id)


@pytest.fixture
def worked(make_tenant, clock, drain):
    """March paid; two hours of support were worked on the 20th: 50.00 + IVA 15 % = 57.50."""
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    made.client_id = made.contract()
    made.enable(made.client_id)
    now = made.at("2026-03-20", 12)
    with unit_of_work(made.operator.scope) as session:
        session.add(
            Ticket(
                id=new_id(), ticket_id=new_id(), client_tenant_id=made.client_id,
                client_name="Gimnasio Andino", subject="Cargar productos", opened_at=now,
                quoted_minutes=120, accepted_at=now, seconds=7200, closed_at=now, from_wallet=0,
                charged_hours=2, charged_net=Decimal("50.00"), heard={},
            )
        )  # fmt: skip
    return made


@pytest.fixture
def vendor(worked):
    """The day after the run that invoices them."""
    worked.run("2026-03-25")
    worked.at("2026-03-26", 9)
    return worked


def balance(vendor):
    """What the distributor's portfolio shows as to pay."""
    with unit_of_work(vendor.north.scope) as session:
        return str(session.scalars(select(PortfolioClient.balance)).one())


def test_it_is_seen_by_the_client_and_its_distributor(vendor, client, sign_in):
    assert vendor.invoices(vendor.client_id) == [
        LICENCE_MARCH,
        ("None", "None", "57.50", "open"),
        ("2026-04-01", "2026-04-30", "34.50", "open"),
    ]
    assert balance(vendor) == "92.00"
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        standing = read_standing(session, now=vendor.clock.now())
    assert standing.paid_through == date(2026, 3, 31)
    assert standing.ends_on == date(2026, 4, 30)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    for path in ("/licence", "/licence/report"):
        page = client.get(path, follow_redirects=True).get_data(as_text=True)
        assert "Horas de soporte" in page, path
        assert "57,50" in page, path
    sign_in(client, vendor.north, "distributor")
    with unit_of_work(vendor.north.scope) as session:
        row_id = session.scalars(select(PortfolioClient.id)).one()
    page = client.get(f"/portfolio/{row_id}").get_data(as_text=True)
    assert "Horas de soporte" in page
    assert "57,50" in page


def test_both_are_reported_and_confirmed_together(vendor):
    vendor.report(vendor.client_id, "92.00")
    vendor.drain()
    with unit_of_work(vendor.north.scope) as session:
        [report] = session.scalars(select(QueuedReport)).all()
        assert sorted(report.allocations.values()) == ["34.50", "57.50"]
        queue.confirm_reports(session, [report.report_id], now=vendor.clock.now())
    vendor.drain()
    assert {one[3] for one in vendor.invoices(vendor.client_id)} == {"paid"}
    assert balance(vendor) == "0.00"
    assert vendor.state(vendor.client_id) == "active"


def test_unpaid_it_neither_suspends_nor_ends_nor_is_credited(vendor):
    """Only the licence is paid: nothing is blocked after the 5th, and the next month is invoiced."""
    licence = vendor.invoices(vendor.client_id)[2]
    assert licence[2] == "34.50"
    vendor.report(vendor.client_id, "34.50")  # the licence first, whatever else is open
    vendor.drain()
    with unit_of_work(vendor.north.scope) as session:
        [report] = session.scalars(select(QueuedReport)).all()
        queue.confirm_reports(session, [report.report_id], now=vendor.clock.now())
    vendor.drain()
    vendor.night("2026-04-06")
    vendor.drain()
    assert vendor.state(vendor.client_id) == "active"
    assert balance(vendor) == "57.50"
    with tenant_work(vendor.north.id) as session:
        assert read_portfolio_unpaid(session, now=vendor.clock.now()) == []
    with tenant_work(vendor.operator.id) as session:
        assert read_operator_unpaid(session, now=vendor.clock.now()) == []
    vendor.run("2026-04-25")
    assert [one[2:] for one in vendor.invoices(vendor.client_id)][-1] == ("34.50", "open")
    assert len(vendor.invoices(vendor.client_id)) == 4


def gone(vendor):
    """Cancelled with March's days paid, so it ended on the 31st; only the support hours stay open."""
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        keep_licence.cancel_licence(session, now=vendor.at("2026-03-21"))
    vendor.drain()
    vendor.run("2026-03-25")
    vendor.at("2026-07-10", 9)
    assert vendor.state(vendor.client_id) == "expired"
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        come_back.order_month(session, renews=False, now=vendor.clock.now())
    vendor.drain()


def confirm_all(vendor):
    with unit_of_work(vendor.north.scope) as session:
        waiting = session.scalars(
            select(QueuedReport.report_id).where(QueuedReport.state == "waiting")
        )
        queue.confirm_reports(session, list(waiting), now=vendor.clock.now())
    vendor.drain()


@pytest.mark.parametrize("how", ["report", "confirmation", "enabling", "credit"])
def test_the_money_of_a_return_pays_its_month_before_old_support_hours(worked, how):
    """34.50 of the new month arrive while 57.50 of support hours are open: the month is what blocks (R8)."""
    vendor = worked
    by_confirmation = "on_confirmation" if how != "report" else "on_report"
    with unit_of_work(vendor.operator.scope) as session:
        settings.write(session, "billing.lift_block", by_confirmation)
    gone(vendor)
    if how == "enabling":
        vendor.enable(vendor.client_id)
    else:
        vendor.report(vendor.client_id, "34.50")
        if how == "credit":
            vendor.enable(vendor.client_id, on_credit=True)
        vendor.drain()
        confirm_all(vendor)
    assert vendor.invoices(vendor.client_id) == [
        LICENCE_MARCH,
        ("None", "None", "57.50", "open"),
        ("2026-07-10", "2026-08-08", "34.50", "paid"),
    ]
    vendor.night("2026-07-12")
    assert vendor.state(vendor.client_id) == "reentered"


def test_support_hours_of_the_contract_before_are_owed_and_reported(worked):
    """Back by a report that still waits: nothing has told the old invoice anew, and it is owed as before."""
    vendor = worked
    gone(vendor)
    vendor.report(vendor.client_id, "34.50")
    vendor.drain()
    assert vendor.state(vendor.client_id) == "reported"
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        licence = read_standing(session, now=vendor.clock.now()).licence
        old = session.scalars(
            select(ClientInvoiceRow).where(ClientInvoiceRow.period_start.is_(None))
        ).one()
        assert old.contract_id != licence.contract_id
        assert str(owed_of_support(session, licence)) == "57.50"
        invoice_id = old.invoice_id
    vendor.at("2026-07-10", 10)
    vendor.report(vendor.client_id, "57.50", invoice_ids=(invoice_id,))
    vendor.drain()
    confirm_all(vendor)
    assert {one[3] for one in vendor.invoices(vendor.client_id)} == {"paid"}
    assert balance(vendor) == "0.00"
