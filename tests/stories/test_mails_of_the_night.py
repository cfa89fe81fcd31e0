"""Nobody is woken by a run: what the night makes is mailed from 07:00, what a person makes at once."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from core import plugins
from core.adapters.clock import at_local
from core.contracts.sales import CustomerData, InvoiceDraft, InvoiceLineDraft
from core.contracts.services import CustomerDirectory, InvoiceIssuing
from core.db.session import tenant_work
from core.models import IssuePoint
from plugins.billing import jobs as billing_jobs
from plugins.billing.services import plans, subscribe
from tests.factories.licensing import make_vendor
from tests.factories.sri import give_certificate, simulated, simulator

ANA, LUIS = "ana@example.com", "luis@example.com"
RUN_ON = date(2026, 5, 25)
SUSPENDED, REPORTED = "Su licencia está suspendida", "Tenemos su reporte de pago"


@pytest.fixture
def gym(tenant, clock):
    """A gym with one member of 10 May, paid to 8 June, and SRI."""
    sri = simulator()
    sri.clock = clock.now
    clock.set(at_local(date(2026, 5, 10), 9))
    give_certificate(tenant, clock.now())
    with tenant_work(tenant.id) as session:
        plan = plans.create_plan(
            session, code="MES", name="Mensualidad", price=Decimal("30.00"), tax_code="4",
            now=clock.now(),
        )  # fmt: skip
        [ana] = plugins.service(CustomerDirectory).ensure(
            session, [CustomerData("06", "AA1001", "Ana Torres", ANA, "Quito")]
        )
        subscribe.subscribe(
            session, plan_id=plan, customer_id=ana, start_on=date(2026, 5, 10), now=clock.now()
        )
    with simulated(sri):
        yield tenant


def sell(tenant, now: datetime) -> None:
    """Somebody sells at the till."""
    with tenant_work(tenant.id) as session:
        [luis] = plugins.service(CustomerDirectory).ensure(
            session, [CustomerData("06", "AA1002", "Luis Vera", LUIS, "Quito")]
        )
        line = InvoiceLineDraft("AGUA", "Agua", Decimal(1), Decimal("1.00"), "4")
        till = session.scalars(select(IssuePoint).where(IssuePoint.purpose == "till")).one()
        draft = InvoiceDraft(luis, till.id, RUN_ON, (line,), "till", f"sale:{now}")
        plugins.service(InvoiceIssuing).issue(session, [draft], now=now)


def facturas(outbox, address: str) -> list[str]:
    return [one.subject for one in outbox.to(address) if one.subject.startswith("Factura ")]


def test_the_run_of_two_o_clock_is_mailed_at_seven_and_a_sale_at_once(gym, clock, drain, outbox):
    drain()
    assert len(facturas(outbox, ANA)) == 1  # enabled by a person at 09:00
    clock.set(at_local(RUN_ON, 2))
    billing_jobs.run_all({}, clock.now())
    sell(gym, clock.now())
    drain()
    assert len(facturas(outbox, LUIS)) == 1
    assert len(facturas(outbox, ANA)) == 1
    clock.set(at_local(RUN_ON, 6, 59))
    drain()
    assert len(facturas(outbox, ANA)) == 1
    clock.set(at_local(RUN_ON, 7))
    drain()
    assert len(facturas(outbox, ANA)) == 2
    assert outbox.to(ANA)[-1].sent_at == at_local(RUN_ON, 7)


def test_a_run_by_day_is_mailed_at_once(gym, clock, drain, outbox):
    drain()
    clock.set(at_local(RUN_ON, 9, 30))
    billing_jobs.run_all({}, clock.now())
    drain()
    assert len(facturas(outbox, ANA)) == 2
    assert outbox.to(ANA)[-1].sent_at == at_local(RUN_ON, 9, 30)


def test_a_suspension_is_told_in_the_morning(make_tenant, clock, drain, outbox):
    """The bridge (04-11..04-30) unpaid: suspended at 00:05 of 11 April, told at 07:00 (R8)."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-12")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")

    def letters() -> list[str]:
        told = [one.subject for one in outbox.mails if "licencia" in one.subject.lower()]
        outbox.mails.clear()
        return told

    letters()
    vendor.night("2026-04-11")
    vendor.drain()
    assert vendor.state(client) == "suspended"
    assert letters() == []
    vendor.at("2026-04-11", 6, 59)
    assert letters() == []
    vendor.at("2026-04-11", 7)
    assert letters() == [SUSPENDED]


def test_an_answer_leaves_at_once_and_a_letter_that_is_no_longer_true_never(
    make_tenant, clock, drain, outbox
):
    """Suspended at 00:05, reported as paid at 06:00: at 07:00 nobody is told of a suspension."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-12")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    vendor.night("2026-04-11")
    vendor.at("2026-04-11", 6)
    vendor.report(client, "23.00")
    vendor.drain()
    assert REPORTED in [one.subject for one in outbox.mails]  # answers what the client did: at once
    vendor.at("2026-04-11", 7)
    assert SUSPENDED not in [one.subject for one in outbox.mails]
