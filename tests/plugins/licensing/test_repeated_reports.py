"""One transfer told twice is marked and taken (A-31); one transfer told for several companies is one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.services import settings
from plugins.licensing.models import PaymentReportRow, QueuedReport
from plugins.licensing.services import pay_many, queue
from plugins.licensing.services.publish import publish_offers
from plugins.licensing.services.report_payment import ReportData, report_payment
from tests.conftest import add_member
from tests.factories.licensing import make_vendor

PICHINCHA, GUAYAQUIL = "Pichincha ahorros 1", "Guayaquil corriente 2"
TOLD = ReportData(
    bank="Produbanco", value_on=date(2026, 4, 2), amount=Decimal("34.50"), reference="SAME1"
)


@pytest.fixture
def vendor(make_tenant, clock, drain, app):
    """Two clients of one distributor on 2 April, each with an invoice to pay; the vendor has two accounts."""
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    with unit_of_work(made.operator.scope) as session:
        settings.write(session, "licensing.vendor_accounts", f"{PICHINCHA}\n{GUAYAQUIL}")
        publish_offers(session, now=clock.now())
    made.gym = made.contract()
    made.school = made.contract(
        tax_id="1790016919001", name="Escuela Sol", identification="1714616123"
    )
    made.enable(made.gym)
    made.enable(made.school)
    made.run("2026-03-25")
    made.at("2026-04-02", 9)
    return made


def tell(vendor, client, data):
    with unit_of_work(Scope(tenant_id=client)) as session:
        return report_payment(session, data, now=vendor.clock.now()).is_duplicate


def marked(vendor):
    """At the distributor: is_duplicate by report, oldest first."""
    vendor.drain()
    with unit_of_work(vendor.north.scope) as session:
        rows = session.scalars(select(QueuedReport).order_by(QueuedReport.id)).all()
        return sorted((row.client_name, row.is_duplicate) for row in rows)


def typed(**more):
    return {
        "amount": "69,00",
        "value_on": "2026-04-02",
        "bank": "Produbanco",
        "reference": "SAME1",
        "account": PICHINCHA,
    } | more


def test_the_receiving_account_is_part_of_the_sameness(vendor):
    assert not tell(vendor, vendor.gym, replace(TOLD, account=PICHINCHA))
    assert not tell(vendor, vendor.gym, replace(TOLD, account=GUAYAQUIL))
    assert not tell(vendor, vendor.gym, replace(TOLD, account=PICHINCHA, reference="OTHER"))
    assert not tell(vendor, vendor.gym, replace(TOLD, account=PICHINCHA, amount=Decimal("34.49")))
    assert tell(vendor, vendor.gym, replace(TOLD, account=PICHINCHA, bank=" produbanco "))
    assert tell(vendor, vendor.gym, TOLD)  # not said: it may be either
    assert not tell(vendor, vendor.school, replace(TOLD, account=GUAYAQUIL, reference=""
        , slip=_slip(), payer="Ana"))  # fmt: skip
    assert [one for _name, one in marked(vendor)] == [False, False, False, False, False, True, True]


def _slip():
    return b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def test_a_transfer_of_several_companies_told_again_is_marked_for_both(
    vendor, client, sign_in, post
):
    """A person keeps the books of both; the second time the page and the queue say so."""

    class Gym:
        id, scope = vendor.gym, Scope(tenant_id=vendor.gym)

    class School:
        id, scope = vendor.school, Scope(tenant_id=vendor.school)

    person = sign_in(client, Gym, "accountant")
    add_member(person, School, "accountant")
    page = client.get("/licence/report-many").get_data(as_text=True)
    assert "Cuenta a la que pagó" in page
    assert GUAYAQUIL in page
    both = [str(vendor.gym), str(vendor.school)]
    assert (
        post(client, "/licence/report-many", **typed(form_key="a", companies=both)).status_code
        == 303
    )
    assert "Se parece a un reporte anterior" not in client.get("/licence/").get_data(as_text=True)
    assert marked(vendor) == [("Escuela Sol", False), ("Gimnasio Andino", False)]
    assert (
        post(client, "/licence/report-many", **typed(form_key="b", companies=both)).status_code
        == 303
    )
    assert "Se parece a un reporte anterior" in client.get("/licence/").get_data(as_text=True)
    assert marked(vendor) == [
        (name, twin) for name in ("Escuela Sol", "Gimnasio Andino") for twin in (False, True)
    ]
    # the whole transfer told once more for one of them alone
    assert tell(vendor, vendor.gym, replace(TOLD, amount=Decimal("69.00"), account=PICHINCHA))
    assert marked(vendor)[2:] == [("Gimnasio Andino", one) for one in (False, True, True)]


def test_a_distributor_reports_one_payment_of_several_of_his_clients(vendor, client, sign_in, post):
    other = vendor.contract(
        distributor=vendor.south, tax_id="1792060346001", name="Tienda Sur",
        identification="0926687856", email="t@sur.ec",
    )  # fmt: skip
    vendor.enable(other, distributor=vendor.south, on_credit=True)
    sign_in(client, vendor.north, "distributor")
    assert "/portfolio/report" in client.get("/portfolio/").get_data(as_text=True)
    page = client.get("/portfolio/report").get_data(as_text=True)
    assert all(one in page for one in ("Escuela Sol", "Gimnasio Andino", GUAYAQUIL))
    assert "Tienda Sur" not in page
    foreign = post(
        client, "/portfolio/report", **typed(form_key="x", companies=[str(vendor.gym), str(other)])
    )
    assert foreign.status_code == 404
    assert marked(vendor) == []
    assert post(client, "/portfolio/report", **typed(form_key="y")).status_code == 422
    both = [str(vendor.gym), str(vendor.school)]
    for _again in range(2):  # sent twice it is one report for each
        answer = post(client, "/portfolio/report", **typed(form_key="z", companies=both))
        assert answer.status_code == 303
    assert marked(vendor) == [("Escuela Sol", False), ("Gimnasio Andino", False)]
    assert {vendor.state(one) for one in (vendor.gym, vendor.school)} == {"reported"}
    with unit_of_work(Scope(tenant_id=vendor.school)) as session:
        row = session.scalars(select(PaymentReportRow)).one()
        assert (row.amount, row.transferred, row.account) == (
            Decimal("34.50"), Decimal("69.00"), PICHINCHA,
        )  # fmt: skip
    with unit_of_work(vendor.north.scope) as session:
        waiting = list(session.scalars(select(QueuedReport.report_id)))
        queue.confirm_reports(session, waiting, now=vendor.clock.now())
    vendor.drain()
    assert {vendor.state(one) for one in (vendor.gym, vendor.school)} == {"active"}
    with unit_of_work(vendor.north.scope) as session:
        assert pay_many.clients_who_owe(session) == []
