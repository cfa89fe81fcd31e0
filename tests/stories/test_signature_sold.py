"""PW-29: the distributor is told that a client's signature ends, and sells the next one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.contracts.events import CertificateChanged
from core.db.events import emit
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.services import settings
from plugins.licensing.models import PortfolioClient
from plugins.sales.models import Invoice
from tests.factories.licensing import make_vendor

ENDS = date(2026, 5, 2)


@pytest.mark.checklist("PW-29")
def test_the_light_comes_and_one_click_invoices_the_next_signature(
    make_tenant, clock, drain, client, sign_in, post
):
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-12")
    firm = vendor.contract()
    vendor.enable(firm)
    with unit_of_work(Scope(tenant_id=firm)) as session:
        emit(session, CertificateChanged(ends_on=ENDS), now=clock.now())
    drain()
    with unit_of_work(vendor.north.scope) as session:
        row = session.scalars(select(PortfolioClient)).one()
        client_id, until = row.id, row.certificate_until
    assert until == ENDS
    sign_in(client, vendor.north, "distributor")
    assert client.get("/portfolio/?light=certificate").text.count("Gimnasio Andino") >= 1
    assert "Facturar una firma" not in client.get(f"/portfolio/{client_id}").text  # no price yet
    assert post(client, f"/portfolio/{client_id}/certificate").status_code == 422
    with unit_of_work(vendor.north.scope) as session:
        settings.write(session, "licensing.certificate_price", Decimal("25.00"))
    page = client.get(f"/portfolio/{client_id}").text
    assert "La actual vence el 02/05/2026." in page
    assert "Una nueva cuesta $ 25,00 más IVA." in page
    for _twice in range(2):  # an impatient finger
        assert post(client, f"/portfolio/{client_id}/certificate").status_code == 303
    with unit_of_work(vendor.north.scope) as session:
        [invoice] = session.scalars(select(Invoice)).all()
        assert (invoice.total, invoice.source) == (Decimal("28.75"), "licensing")
