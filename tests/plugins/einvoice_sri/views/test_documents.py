"""Pages of electronic documents: state as a sentence, the problem first, other companies see nothing."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from core.db.session import unit_of_work
from plugins.einvoice_sri.simulator.faults import Fault
from plugins.einvoice_sri.views.attention import attention, page_block
from tests.factories.sri import invoice_request, new_document_id
from tests.plugins.einvoice_sri.domain.peticiones import NOTA_CREDITO

pytestmark = pytest.mark.usefixtures("key")
LIST = "/sri/documents"


def test_the_list_finds_and_filters(
    site, client, sign_in, tenant, request_fiscal, documents, drain
):
    site.plan.add(Fault.parse("return:35x1"))
    request_fiscal(invoice_request(1))
    drain()
    request_fiscal(invoice_request(2))
    drain()
    sign_in(client, tenant, "owner")
    page = client.get(LIST).text
    assert "001-002-000000001" in page
    assert "001-002-000000002" in page
    problem = client.get(f"{LIST}?group=problem").text
    assert "001-002-000000001" in problem
    assert "001-002-000000002" not in problem
    key = documents()[1].access_key
    assert "001-002-000000002" in client.get(f"{LIST}?q={key}").text
    assert "001-002-000000001" not in client.get(f"{LIST}?q=001-002-000000002").text


def test_a_document_says_where_it_stands(
    site, client, sign_in, tenant, request_fiscal, documents, drain
):
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    sign_in(client, tenant, "accountant")
    page = client.get(f"{LIST}/{row.id}").text
    assert "Autorizado por el simulador el 25/04/2026 08:00" in page
    assert row.access_key in page
    assert "Enviado al SRI: RECIBIDA" in page
    xml = client.get(f"{LIST}/{row.id}/xml")
    assert xml.data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<autorizacion>')
    assert row.access_key in xml.headers["Content-Disposition"]
    assert client.get(f"{LIST}/{row.id}/ride").data.startswith(b"%PDF")


def test_a_factura_is_printed_on_a_ticket_from_its_page_and_from_the_sale(
    site, client, sign_in, tenant, now, request_fiscal, documents, drain
):
    note = replace(NOTA_CREDITO, document_id=new_document_id(2))
    request_fiscal(invoice_request(1), note)
    drain()
    factura, note = documents()
    sign_in(client, tenant, "owner")
    link = f"{LIST}/{factura.id}/ride?paper=ticket"
    with client:
        assert link in client.get(f"{LIST}/{factura.id}").text
        with unit_of_work(tenant.scope) as session:  # what sales shows under a sale and an invoice
            shown = [page_block("sales.invoice", session, one.id, now) for one in (factura, note)]
    assert link in shown[0]
    assert "paper=ticket" not in shown[1]
    answer = client.get(link)
    (page,) = PdfReader(BytesIO(answer.data)).pages
    assert round(float(page.mediabox.width) / 72 * 25.4) == 80
    assert "AUTORIZADO POR EL SIMULADOR" in " ".join(page.extract_text().split())
    assert "paper=ticket" not in client.get(f"{LIST}/{note.id}").text
    refused = client.get(f"{LIST}/{note.id}/ride?paper=ticket")
    assert refused.status_code == 422
    assert "Solo una factura cabe en un ticket de 80 mm" in refused.text


def test_a_refused_document_shows_the_problem_and_is_sent_again(
    site, client, sign_in, post, tenant, request_fiscal, documents, drain
):
    site.plan.add(Fault.parse("refuse:39x1"))
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    sign_in(client, tenant, "owner")
    page = client.get(f"{LIST}/{row.id}").text
    assert "El SRI no acepta la firma." in page
    assert "FIRMA INVALIDA" in page
    assert post(client, f"{LIST}/{row.id}/correct").status_code == 303
    drain()
    assert documents()[0].state == "authorized"


def test_a_stop_is_shown_and_lifted(
    site, app, client, sign_in, post, tenant, now, request_fiscal, documents, drain
):
    site.plan.add(Fault.parse("return:28x1"))
    request_fiscal(invoice_request(1))
    drain()
    sign_in(client, tenant, "owner")
    page = client.get(LIST).text
    assert "Falta aceptar el acuerdo de medios electrónicos del SRI." in page
    path = page.split('action="/sri/documents/pauses/')[1].split('"')[0]
    with app.test_request_context("/"), unit_of_work(tenant.scope) as session:
        found = attention(session, "owner", now)
        assert [one.tone for one in found] == ["bad", "bad"]
        assert attention(session, "salesperson", now) == ()
    assert post(client, f"/sri/documents/pauses/{path}").status_code == 303
    drain()
    assert documents()[0].state == "authorized"


def test_annulment_from_the_page(
    site, client, sign_in, post, tenant, request_fiscal, documents, drain
):
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    sign_in(client, tenant, "owner")
    assert "07/05/2026" in client.get(f"{LIST}/{row.id}").text
    for step, state in (
        ("annul", "annulment_requested"),
        ("stands", "authorized"),
        ("annul", "annulment_requested"),
        ("annulled", "annulled"),
    ):
        assert post(client, f"{LIST}/{row.id}/{step}").status_code == 303
        assert documents()[0].state == state


def test_others_get_404_and_the_seller_may_only_look(
    site, client, sign_in, post, tenant, other_tenant, request_fiscal, documents, drain
):
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    sign_in(client, other_tenant, "owner")
    for tail in ("", "/xml", "/ride"):
        assert client.get(f"{LIST}/{row.id}{tail}").status_code == 404
        assert client.get(f"/api/v1/sri/documents/{row.id}{tail}").status_code == 404
    for step in ("correct", "annul", "annulled", "stands"):
        assert post(client, f"{LIST}/{row.id}/{step}").status_code == 404
    sign_in(client, tenant, "salesperson")
    assert client.get(f"{LIST}/{row.id}").status_code == 200
    assert post(client, f"{LIST}/{row.id}/annul").status_code == 403


def test_the_api_tells_the_same(site, client, sign_in, tenant, request_fiscal, documents, drain):
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    sign_in(client, tenant, "owner")
    (listed,) = client.get("/api/v1/sri/documents").json["documents"]
    shown = client.get(f"/api/v1/sri/documents/{row.id}").json
    assert listed == shown
    assert (shown["state"], shown["access_key"], shown["total"]) == (
        "authorized",
        row.access_key,
        "11.50",
    )
    assert client.get(f"/api/v1/sri/documents/{row.id}/xml").data.count(b"<autorizacion>") == 1


def test_the_block_under_an_invoice(
    site, app, client, sign_in, tenant, request_fiscal, documents, drain, now
):
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    with app.test_request_context("/"), unit_of_work(tenant.scope) as session:
        block = page_block("sales.invoice", session, row.id, now)
        assert row.access_key in block
        assert "Autorizado por el simulador" in block
        assert page_block("sales.customer", session, row.id, now) is None
        assert page_block("sales.invoice", session, tenant.id, now) is None
