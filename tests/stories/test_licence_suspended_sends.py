"""While a company is suspended what is numbered reaches SRI and its receivers; nothing new is issued."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from core.adapters.clock import at_local
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.models import CompanyProfile
from core.services import companies
from plugins.einvoice_sri import jobs as sri_jobs
from plugins.einvoice_sri.adapters.gateways import Gateways
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.simulator.server import serving
from plugins.licensing.models import ClientStatus
from tests.factories.licensing import make_vendor
from tests.factories.sri import give_certificate, http_gateway, simulator

LINE = {"code": "P", "description": "Pan", "quantity": "2", "unit_price": "1.25", "tax_code": "4"}
BUYER = {
    "tax_id_type": "05",
    "tax_id": "1710034065",
    "legal_name": "Ana Ruiz",
    "email": "ana@ruiz.ec",
}
PORTAL = re.compile(r"(/portal/l/[\w.\-]+)")
PASSWORD = "Una-Clave-Larga-9"
TURN = at_local(date(2026, 6, 6))  # R8: due 06-05, nothing paid beyond May


class Firm:
    """What ``sign_in`` and ``give_certificate`` need of a company."""

    def __init__(self, tenant_id):
        self.id = tenant_id
        self.scope = Scope(tenant_id=tenant_id)


@pytest.fixture
def sri(clock):
    """The simulator, served over HTTP on the clock of the test; it answers nobody from 23:00 to 01:00."""
    site = simulator()
    site.clock = clock.now
    site.plan.outages.append((TURN - timedelta(hours=1), TURN + timedelta(hours=1)))
    with serving(site) as server:
        gateway = http_gateway(server.url)
        gateways = Gateways({1: gateway, 2: gateway})
        sri_jobs.use_gateways(gateways)
        yield site
        sri_jobs.use_gateways(None)
        gateways.close()


@pytest.fixture
def firm(make_tenant, clock, drain):
    """A client with an unpaid invoice for June, a certificate and a till."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-05-01")
    made = Firm(vendor.contract())
    vendor.enable(made.id)
    vendor.run("2026-05-25")
    with unit_of_work(made.scope) as session:
        branch = companies.add_branch(session, code="001", name="Matriz", address="Quito")
        companies.add_issue_point(session, branch, code="001", purpose="till", name="Caja")
        session.scalars(select(CompanyProfile)).one().head_office_address = "Av. Amazonas, Quito"
    give_certificate(made, vendor.clock.now())
    made.vendor = vendor
    return made


@pytest.mark.checklist("PW-15")
def test_at_midnight_issuing_stops_and_what_was_numbered_goes_on(
    firm, sri, client, sign_in, csrf, post, clock, drain, outbox
):
    clock.set(TURN - timedelta(seconds=1))  # 23:59:59 of 2026-06-05; no scheduler has run
    sign_in(client, firm, "owner")

    def send(path, body, key, method="post"):
        headers = {"X-CSRFToken": csrf(client), "Idempotency-Key": key}
        return getattr(client, method)("/api/v1/sales" + path, json=body, headers=headers)

    buyer = send("/customers", BUYER, "c").json["id"]
    invoice = {"customer_id": buyer, "lines": [LINE]}
    issued = send("/invoices", invoice, "before")
    assert (issued.status_code, issued.json["number"]) == (201, "001-001-000000001")
    drain()  # SRI is silent: numbered, not authorised

    clock.set(TURN)
    refused = send("/invoices", invoice, "after")
    assert refused.status_code == 403
    assert refused.json["code"] == "licence_suspended"
    assert "05/06/2026" in refused.json["detail"]
    assert client.get("/sales/till").status_code == 403
    sold = f"/sales/till/done/{issued.json['id']}"  # what was sold stays to be seen
    for path in (sold, f"{sold}/state"):
        assert "001-001-000000001" in client.get(path).text
    with unit_of_work(
        firm.scope
    ) as session:  # nothing recorded the turn yet: access did it by itself
        assert "suspended" not in session.scalars(select(ClientStatus.state)).all()
        (row,) = session.scalars(select(FiscalDocument))
        assert row.state != "authorized"

    for _ in range(40):  # SRI is back at 01:00; the client stays suspended
        clock.advance(minutes=16)
        drain()
        with unit_of_work(firm.scope) as session:
            (row,) = session.scalars(select(FiscalDocument))
        if row.state == "authorized":
            break
    assert row.state == "authorized"
    assert firm.vendor.state(firm.id) == "suspended"
    assert [one[-1].estado for one in sri.engine.state.entries.values()] == ["AUTORIZADO"]

    drain()
    [mail] = [one for one in outbox.to("ana@ruiz.ec") if PORTAL.search(one.text)]
    visitor = client.application.test_client()  # the receiver: link, password, files
    link = PORTAL.search(mail.text)[1]
    entered = post(visitor, link, password=PASSWORD, again=PASSWORD)
    assert entered.status_code == 303
    address = entered.headers["Location"]
    assert visitor.get(address).status_code == 200
    xml = visitor.get(f"{address}.xml")
    assert (xml.status_code, row.access_key in xml.text, "AUTORIZADO" in xml.text) == (
        200,
        True,
        True,
    )
    pdf = visitor.get(f"{address}.pdf")
    assert pdf.data.startswith(b"%PDF-")

    # an earlier sale may be corrected, and the correction reaches SRI too
    sign_in(client, firm, "owner")  # hours have passed
    note = send(f"/invoices/{issued.json['id']}/credit-notes", {"reason": "Devolución"}, "n")
    assert note.status_code == 201, note.text
    for _ in range(3):
        clock.advance(minutes=16)
        drain()
    with unit_of_work(firm.scope) as session:
        states = {one.kind: one.state for one in session.scalars(select(FiscalDocument))}
    assert states == {"01": "authorized", "04": "authorized"}
