"""The next invoices as the owner and the distributor read them, against the written calendar and the runs."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.ids import new_id
from core.services import settings
from plugins.billing.services import cancel, change_plan, change_price
from plugins.billing.services.plans import create_plan
from plugins.billing.services.subscribe import subscribe
from plugins.licensing.models import (
    ClientInvoiceRow,
    Contract,
    Licence,
    PortfolioClient,
    QueuedReport,
)
from plugins.licensing.services import come_back, keep_licence, publish, queue, read_ahead
from tests.factories.licensing import make_vendor

BRIDGE = ("2026-03-25", "2026-04-11", "2026-04-30", "20.00", "23.00", "2026-04-05", "2026-04-11")
MAY = ("2026-04-25", "2026-05-01", "2026-05-31", "30.00", "34.50", "2026-05-05", "2026-05-06")
JUNE = ("2026-05-25", "2026-06-01", "2026-06-30", "30.00", "34.50", "2026-06-05", "2026-06-06")
AUGUST = ("2026-07-25", "2026-08-01", "2026-08-31", "30.00", "34.50", "2026-08-05", "2026-08-06")
JULY = ("2026-06-25", "2026-07-01", "2026-07-31", "30.00", "34.50", "2026-07-05", "2026-07-06")


@pytest.fixture
def vendor(make_tenant, clock, drain, app):
    return make_vendor(make_tenant, clock, drain, "2026-03-12")


class Firm:
    """What ``sign_in`` needs of a company."""

    def __init__(self, tenant_id):
        self.id = tenant_id
        self.scope = Scope(tenant_id=tenant_id)


def row_of(one) -> tuple[str, ...]:
    days = one.issue_on, one.first, one.last, one.net, one.total, one.due_on, one.suspend_on
    return tuple(str(day) for day in days)


def told(vendor, client) -> list[tuple[str, ...]]:
    """What the client reads; the distributor must read the same."""
    with unit_of_work(Scope(tenant_id=client)) as session:
        licence = session.scalars(select(Licence)).one()
        owner = [row_of(one) for one in read_ahead.read_coming(licence, "active")]
    found = []
    for party in (vendor.north, vendor.south):
        with unit_of_work(party.scope) as session:
            query = select(PortfolioClient).where(PortfolioClient.client_tenant_id == client)
            rows = session.scalars(query)
            found += [
                [row_of(one) for one in read_ahead.read_coming(row, "active")] for row in rows
            ]
    assert found == [owner]
    return owner


def issued(client) -> list[tuple[str, ...]]:
    with unit_of_work(Scope(tenant_id=client)) as session:
        rows = session.scalars(select(ClientInvoiceRow).order_by(ClientInvoiceRow.period_start))
        return [
            (
                str(one.issued_on), str(one.period_start), str(one.period_end), str(one.subtotal),
                str(one.total), str(one.due_on),
            )
            for one in rows
        ]  # fmt: skip


def pay(vendor, client, amount):
    report_id = vendor.report(client, amount)
    vendor.drain()
    with unit_of_work(vendor.north.scope) as session:
        [row] = session.scalars(select(QueuedReport).where(QueuedReport.report_id == report_id))
        queue.confirm_reports(session, [row.report_id], now=vendor.clock.now())
    vendor.drain()


def subscription(vendor, client):
    with unit_of_work(vendor.operator.scope) as session:
        query = select(Contract.subscription_id).where(Contract.client_tenant_id == client)
        return session.scalars(query).one()


def test_the_reference_contract_is_told_as_the_runs_then_invoice_it(vendor):
    """billing_calendar.md 3, S=2026-03-12: the bridge of 20 days, then whole months; three runs ahead."""
    client = vendor.contract()
    assert told(vendor, client) == []  # an order: its day S is not known
    vendor.enable(client)
    assert told(vendor, client) == [BRIDGE, MAY, JUNE]
    vendor.run("2026-03-25")
    assert told(vendor, client) == [MAY, JUNE, JULY]
    assert issued(client)[1] == BRIDGE[:6]
    pay(vendor, client, "23.00")
    assert told(vendor, client) == [MAY, JUNE, JULY]
    vendor.run("2026-04-25")
    assert told(vendor, client) == [JUNE, JULY, AUGUST]
    assert issued(client)[2] == MAY[:6]


def test_a_contract_of_the_last_days_of_a_month(vendor):
    """S=2026-03-26: 6 days and May both on 04-25, due 05-05, suspended on the day after."""
    vendor.at("2026-03-26")
    client = vendor.contract()
    vendor.enable(client)
    bridge = ("2026-04-25", "2026-04-25", "2026-04-30", "6.00", "6.90", "2026-05-05", "2026-05-06")
    assert told(vendor, client) == [bridge, MAY, JUNE, JULY]


def test_an_announced_price_a_cheaper_plan_and_a_cancellation_are_told(vendor):
    """40 from 1 June, told on 03-13: the June invoice of 05-25 is the first. The plan of 20 from April:
    the bridge is 20 x 20 / 30 = 13.33 + 2.00. Cancelled: nothing more.
    """
    dear, cheap, gone = (
        vendor.contract(tax_id=tax_id, name=name)
        for tax_id, name in (
            ("1792205859001", "Uno"),
            ("1790016919001", "Dos"),
            ("1790011674001", "Tres"),
        )
    )
    vendor.at("2026-03-12", 9)
    vendor.enable(dear)
    vendor.enable(cheap, on_credit=True)
    vendor.enable(gone)
    now = vendor.at("2026-03-12", 10)
    with unit_of_work(vendor.operator.scope) as session:
        basic = create_plan(
            session, code="BASICO", name="Básico", price=Decimal("20.00"), tax_code="4", now=now,
            valid_from=date(2025, 1, 1),
        )  # fmt: skip
    for step, client in ((change_plan.change_plan, cheap), (cancel.cancel, gone)):
        more = {"plan_id": basic} if client == cheap else {}
        key = subscription(vendor, client)
        with unit_of_work(vendor.operator.scope) as session:
            step(session, key, now=now, **more)
    with unit_of_work(vendor.operator.scope) as session:
        change_price.change_price(
            session, vendor.plan_id, price=Decimal("40.00"), valid_from=date(2026, 6, 1),
            notify=True, now=now,
        )  # fmt: skip
    vendor.drain()
    june = (*JUNE[:3], "40.00", "46.00", *JUNE[5:])
    assert told(vendor, dear) == [BRIDGE, MAY, june]
    lower = [(*BRIDGE[:3], "13.33", "15.33", *BRIDGE[5:])] + [
        (*one[:3], "20.00", "23.00", *one[5:]) for one in (MAY, JUNE)
    ]
    assert told(vendor, cheap) == lower
    assert told(vendor, gone) == []
    vendor.run("2026-03-25")
    assert issued(dear)[1:] == [BRIDGE[:6]]
    assert issued(cheap)[1:] == [lower[0][:6]]
    assert len(issued(gone)) == 1


def test_an_addon_is_told_with_its_licence_and_nobody_elses(vendor):
    client, other = vendor.contract(), vendor.contract(tax_id="1790016919001", name="Otro")
    vendor.enable(client)
    vendor.enable(other, on_credit=True)
    base = subscription(vendor, client)
    now = vendor.at("2026-03-12", 10)
    with unit_of_work(vendor.operator.scope) as session:
        addon = create_plan(
            session, code="CAJA", name="Caja más", price=Decimal("6.00"), tax_code="4", now=now,
            valid_from=date(2025, 1, 1), kind="addon",
        )  # fmt: skip
        payer = session.scalars(
            select(Contract.customer_id).where(Contract.subscription_id == base)
        ).one()
        subscribe(
            session, plan_id=addon, customer_id=payer, start_on=date(2026, 3, 12), now=now,
            parent_id=base,
        )  # fmt: skip
    vendor.run("2026-03-25")
    caja = [(*one[:3], "6.00", "6.90", *one[5:]) for one in (MAY, JUNE, JULY)]
    expected = [one for pair in zip((MAY, JUNE, JULY), caja, strict=True) for one in pair]
    assert sorted(told(vendor, client)) == sorted(expected)
    assert told(vendor, other) == [MAY, JUNE, JULY]
    with unit_of_work(vendor.north.scope) as session:
        forecast = read_ahead.read_forecast(session, today=date(2026, 3, 25))
    assert months(forecast) == [  # 41.40 and 34.50: one invoice of each client
        ("2026-04-01", 2, "66.00", "9.90", "75.90"),
        ("2026-05-01", 2, "66.00", "9.90", "75.90"),
        ("2026-06-01", 2, "66.00", "9.90", "75.90"),
    ]


def test_what_was_told_earlier_and_arrives_late_changes_nothing(vendor):
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    now = vendor.clock.now()
    with unit_of_work(vendor.operator.scope) as session:
        contract = session.scalars(select(Contract)).one()
        [late] = publish.open_events(session, contract, now=now - timedelta(days=9))
        late = replace(late, upcoming=())
    for scope in (Scope(tenant_id=client), vendor.north.scope):
        with unit_of_work(scope) as session:
            keep_licence.hear_invoice(session, late, now=now)
    assert told(vendor, client) == [MAY, JUNE, JULY]
    with unit_of_work(Scope(tenant_id=client)) as session:  # another contract's invoice
        other = replace(late, published_at=now, invoice=replace(late.invoice, contract_id=new_id()))
        read_ahead.hear_invoice(session, other)
    assert told(vendor, client) == [MAY, JUNE, JULY]


def test_a_setting_that_moves_the_dates_is_told(vendor):
    """A-17: 5 April 2026 is a Sunday, so the bridge is due on Monday; its suspension stays with 04-10."""
    client = vendor.contract()
    vendor.enable(client)
    with unit_of_work(vendor.operator.scope) as session:
        settings.write(session, "billing.due_shift", "next_business_day")
    vendor.drain()
    assert told(vendor, client)[0] == (*BRIDGE[:5], "2026-04-06", "2026-04-11")


def test_the_forecast_counts_who_goes_on(vendor):
    """Two contracts of 03-12: 03-25 two bridges, then two months each run. Suspended: not counted."""
    one, two = vendor.contract(), vendor.contract(tax_id="1790016919001", name="Otro")
    vendor.enable(one)
    vendor.enable(two, on_credit=True)

    def forecast(day):
        with unit_of_work(vendor.north.scope) as session:
            return read_ahead.read_forecast(session, today=date.fromisoformat(day))

    assert months(forecast("2026-03-13")) == [
        ("2026-03-01", 2, "40.00", "6.00", "46.00"),
        ("2026-04-01", 2, "60.00", "9.00", "69.00"),
        ("2026-05-01", 2, "60.00", "9.00", "69.00"),
    ]
    vendor.run("2026-03-25")
    vendor.night("2026-04-12")  # nobody has paid the bridge
    assert {vendor.state(one), vendor.state(two)} == {"suspended"}
    assert (forecast("2026-04-12").months, forecast("2026-04-12").suspended) == ([], 2)
    pay(vendor, one, "23.00")
    assert [row[1] for row in months(forecast("2026-04-12"))] == [1, 1, 1]
    with unit_of_work(vendor.south.scope) as session:
        assert read_ahead.read_forecast(session, today=date(2026, 4, 12)).months == []


def months(forecast):
    return [
        (str(row.month), row.invoices, str(row.net), str(row.tax), str(row.total))
        for row in forecast.months
    ]


def words(answer) -> str:
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2]).split())


def test_the_pages(vendor, client, sign_in, post):
    """Before it is signed, as the owner reads it, and the distributor's desk."""
    firm = Firm(vendor.contract())
    [row] = vendor.portfolio(vendor.north)
    sign_in(client, vendor.north, "distributor")
    before = words(client.get(f"/portfolio/{row.id}/enable"))
    first = "12/03/2026 12/03/2026 – 10/04/2026"
    bridge = (
        "25/03/2026 11/04/2026 – 30/04/2026 Comercio. 20 días hasta fin de mes × $ 1,000000 por día"
    )
    dates = "05/04/2026 11/04/2026 $ 20,00 $ 3,00 $ 23,00"
    for part in (first, bridge, dates, "25/04/2026 01/05/2026 – 31/05/2026"):
        assert part in before, part
    # 5 April is 24 days away; nothing is paid before it
    assert "A crédito, la primera vence el 05/04/2026" in before
    assert "se suspende desde el 06/04/2026" in before
    assert "11/04/2026" not in words(client.get(f"/portfolio/{row.id}"))
    vendor.enable(firm.id)
    shown = words(client.get(f"/portfolio/{row.id}"))
    assert bridge in shown
    assert dates in shown
    shown = words(client.get("/portfolio/forecast"))
    assert "marzo de 2026 1 $ 20,00 $ 3,00 $ 23,00" in shown
    sign_in(client, firm, "owner")
    shown = words(client.get("/licence/"))
    assert bridge in shown
    assert dates in shown
    sign_in(client, vendor.south, "distributor")
    assert "No hay nada por facturar" in words(client.get("/portfolio/forecast"))
    assert client.get(f"/portfolio/{row.id}/enable").status_code == 404


def test_a_reentry_is_one_month_and_says_so(vendor, client, sign_in, drain):
    """R12: 30 days from the day it is enabled, and nothing after them."""
    firm = Firm(vendor.contract())
    vendor.enable(firm.id)
    with unit_of_work(firm.scope) as session:
        keep_licence.cancel_licence(session, now=vendor.at("2026-03-20"))
    now = vendor.at("2026-07-10", 9)
    with unit_of_work(firm.scope) as session:
        come_back.order_month(session, now=now)
    drain()
    [row] = vendor.portfolio(vendor.north)
    sign_in(client, vendor.north, "distributor")
    shown = words(client.get(f"/portfolio/{row.id}/enable"))
    assert "10/07/2026 10/07/2026 – 08/08/2026" in shown
    assert "El mes va hasta el 08/08/2026" in shown
    assert "25/07/2026" not in shown
    vendor.enable(firm.id)
    assert issued(firm.id)[-1][:3] == ("2026-07-10", "2026-07-10", "2026-08-08")
    assert told(vendor, firm.id) == []


def test_a_reentry_that_renews_shows_what_follows_before_it_is_enabled(
    vendor, client, sign_in, drain
):
    firm = Firm(vendor.contract())
    vendor.enable(firm.id)
    with unit_of_work(firm.scope) as session:
        keep_licence.cancel_licence(session, now=vendor.at("2026-03-20"))
    now = vendor.at("2026-07-10", 9)
    with unit_of_work(firm.scope) as session:
        come_back.order_month(session, renews=True, now=now)
    drain()
    [row] = vendor.portfolio(vendor.north)
    sign_in(client, vendor.north, "distributor")
    shown = words(client.get(f"/portfolio/{row.id}/enable"))
    assert "10/07/2026 10/07/2026 – 08/08/2026" in shown
    assert "25/07/2026 09/08/2026 – 31/08/2026" in shown  # R5, R3
