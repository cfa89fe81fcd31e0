"""The form *Corregir*: invoice page and document say the same before and after."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.contracts.sales import CustomerData, InvoiceDraft, InvoiceLineDraft
from core.db.session import unit_of_work
from plugins.einvoice_sri.simulator.faults import Fault
from plugins.sales.models import Customer, Invoice
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.keep_customers import ensure_customers
from tests.factories.sri import invoice_request

pytestmark = pytest.mark.usefixtures("key")
BUYER = CustomerData("04", "1792205859001", "Comercial Andina S.A.", "compras@andina.ec", "Quito")
LIST = "/sri/documents"
TYPED = {
    "tax_id_type": "04",
    "tax_id": "1790085783001",
    "legal_name": "Andina & Hijos",
    "email": "pagos@andina.ec",
    "address": "Cuenca",
}


@pytest.fixture
def sold(tenant, now) -> Invoice:
    """An invoice of sales; its document waits to be sent."""
    line = InvoiceLineDraft("P-1", "Mensualidad", Decimal(1), Decimal("30.00"), "4")
    with unit_of_work(tenant.scope) as session:
        (buyer,) = ensure_customers(session, [BUYER])
        draft = InvoiceDraft(buyer, tenant.till_id, now.date(), (line,), "api", "one")
        (ref,) = issue_invoices(session, [draft], now=now)
    return ref


def test_receiver_and_date_are_corrected_on_the_page_and_the_invoice_says_so_too(
    site, clock, client, sign_in, post, tenant, sold, documents, drain
):
    start = clock.now()
    site.plan.outages.append((start, start + timedelta(days=120)))
    drain()
    clock.set(start + timedelta(days=121))
    drain()
    (late,) = documents()
    assert (late.id, late.code) == (sold.id, "65")
    sign_in(client, tenant, "accountant")
    page = client.get(f"{LIST}/{late.id}").text
    path = f"{LIST}/{late.id}/amend"
    assert f'href="{path}"' in page
    assert f"{LIST}/{late.id}/correct" not in page  # the same date again would be refused again
    assert "Enviarlo de nuevo" not in page
    form = client.get(path).text
    assert "Darle la fecha de hoy, 24/08/2026" in form
    assert BUYER.tax_id in form

    wrong = post(client, path, **TYPED | {"tax_id": "179008578300"}, is_dated_today="1")
    assert wrong.status_code == 422
    assert "El RUC tiene exactamente 13 dígitos" in wrong.text
    assert 'value="Andina &amp; Hijos"' in wrong.text  # what was typed is still there
    assert documents()[0].state == "rejected"

    done = post(client, path, **TYPED, is_dated_today="1")
    assert (done.status_code, done.location) == (303, f"{LIST}/{late.id}")
    drain()
    (row,) = documents()
    assert row.state == "authorized", row.messages
    assert (row.number, row.issued_on) == (sold.number, date(2026, 8, 24))
    with unit_of_work(tenant.scope) as session:
        invoice = session.get_one(Invoice, sold.id)
        assert invoice.issued_on == row.issued_on
        assert invoice.due_on is None or invoice.due_on >= invoice.issued_on
        assert {
            "tax_id_type": invoice.customer_type,
            "tax_id": invoice.customer_tax_id,
            "legal_name": invoice.customer_name,
            "email": invoice.customer_email,
            "address": invoice.customer_address,
        } == TYPED
        # the customer itself is another matter
        assert session.get_one(Customer, invoice.customer_id).tax_id == BUYER.tax_id
    shown = client.get(f"/sales/invoices/{sold.id}").text
    assert "Andina &amp; Hijos" in shown
    assert "24/08/2026" in shown
    assert row.access_key in shown


def test_who_may_not_correct_and_what_is_not_refused(
    site, client, sign_in, post, tenant, request_fiscal, documents, drain
):
    site.plan.add(Fault.parse("return:69x1"))
    request_fiscal(invoice_request(1))
    drain()
    request_fiscal(invoice_request(2))
    drain()
    refused, good = documents()
    sign_in(client, tenant, "owner")
    assert f"{LIST}/{refused.id}/correct" in client.get(f"{LIST}/{refused.id}").text
    assert "fecha de hoy" not in client.get(f"{LIST}/{refused.id}/amend").text
    assert client.get(f"{LIST}/{good.id}/amend").location == f"{LIST}/{good.id}"
    assert post(client, f"{LIST}/{good.id}/amend", **TYPED).location in (None, f"{LIST}/{good.id}")
    sign_in(client, tenant, "salesperson")
    assert "/amend" not in client.get(f"{LIST}/{refused.id}").text
    assert post(client, f"{LIST}/{refused.id}/amend", **TYPED).status_code == 403
    assert [one.state for one in documents()] == ["rejected", "authorized"]


def test_what_sri_may_have_authorised_is_asked_for_from_its_page(
    site, clock, client, sign_in, post, tenant, sold, documents, drain
):
    site.plan.add(Fault.parse("silent@autorizacionx99"))
    drain()
    clock.advance(days=100)
    for _hours in range(3):
        drain()
        clock.advance(hours=1)
    (row,) = documents()
    assert (row.state, row.code) == ("rejected", "65")
    show = f"{LIST}/{row.id}"
    sign_in(client, tenant, "salesperson")
    assert f"{show}/ask" not in client.get(show).text
    assert post(client, f"{show}/ask").status_code == 403
    sign_in(client, tenant, "accountant")
    page = client.get(show).text
    assert f"{show}/ask" in page
    assert "Volver a preguntar al SRI" in page
    assert "hasta que responda no hay una segunda clave" in page
    assert f"{show}/amend" not in page  # a date of today is refused until then
    assert client.get(f"{show}/amend").location == show
    assert post(client, f"{show}/amend", **TYPED, is_dated_today="1").location == show
    assert documents()[0].access_key == row.access_key
    site.plan.script.clear()
    done = post(client, f"{show}/ask")
    assert (done.status_code, done.location) == (303, show)
    drain()
    page = client.get(show).text
    assert "Consultado al SRI: AUTORIZADO" in page
    assert f"{show}/ask" not in page
    assert documents()[0].state == "authorized"
    assert post(client, f"{show}/ask").status_code == 409
