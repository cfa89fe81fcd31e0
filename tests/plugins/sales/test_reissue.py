"""From the invoice with a mistake to the one in its place: annulled at SRI, issued again, linked."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.contracts.sales import CustomerData
from core.db.session import unit_of_work
from core.errors import Conflict
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.sales.models import Invoice
from plugins.sales.services.issue_credit_notes import annul_invoice
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.keep_customers import ensure_customers
from plugins.sales.services.read_invoices import lines_of
from plugins.sales.services.reissue_invoices import reissue_invoice
from tests.factories.sri import give_certificate, simulated, simulator

RIGHT = CustomerData("05", "1710034065", "María Peña", "maria@example.com", "Quito")


def test_an_annulled_invoice_is_issued_again_for_the_right_customer(
    client, tenant, draft, sign_in, post, drain, clock, outbox
):
    give_certificate(tenant, clock.now())
    with unit_of_work(tenant.scope) as session:
        (wrong,) = issue_invoices(session, [draft(price="30.00")], now=clock.now())
        ensure_customers(session, [RIGHT])
    site = simulator()
    site.clock = clock.now
    with simulated(site):
        drain()
        sign_in(client, tenant, "owner")
        document, again = f"/sri/documents/{wrong.id}", f"/sales/invoices/{wrong.id}/again"
        assert wrong.number in client.get(document).text
        assert again not in client.get(document).text  # it stands
        assert client.get(again).location.endswith(str(wrong.id))
        for step in ("annul", "annulled"):
            assert post(client, f"{document}/{step}").status_code == 303
        drain()
        assert again in client.get(document).text
        assert again in client.get(f"/sales/invoices/{wrong.id}").text

        page = client.get(again).text
        for value in ("1792205859001", "Mensualidad", "P-1"):
            assert f'value="{value}"' in page
        typed = {
            name: re.search(rf'name="line_{name}"[^>]*value="([^"]*)"', page)[1]
            for name in ("code", "description", "quantity", "price", "discount")
        }
        fields = {f"line_{name}": value for name, value in typed.items()} | {"line_rate": "4"}
        for change, field in (
            ({"tax_id": "1"}, "tax_id"),
            ({"line_price": "x"}, "line_price-0"),
            ({"line_description": ""}, "line_description-0"),
        ):
            refused = post(
                client, again, **{"tax_id": RIGHT.tax_id, "do": "issue", **fields, **change}
            )
            assert refused.status_code == 422
            assert f'id="{field}-error"' in refused.text
        made = post(client, again, tax_id=RIGHT.tax_id, do="issue", **fields)
        assert made.status_code == 303, made.text
        assert (
            post(client, again, tax_id=RIGHT.tax_id, do="issue", **fields).location == made.location
        )
        drain()

    with unit_of_work(tenant.scope) as session:
        old, new = session.scalars(select(Invoice).order_by(Invoice.number)).all()
        assert (old.state, old.number, old.customer_tax_id) == (
            "cancelled",
            wrong.number,
            "1792205859001",
        )
        assert (new.state, new.total, new.customer_tax_id) == (
            "issued",
            Decimal("34.50"),
            "1710034065",
        )
        assert ["Reemplaza a", wrong.number] in new.additional_info
        papers = {
            one.id: (one.state, one.access_key) for one in session.scalars(select(FiscalDocument))
        }
        assert [papers[one.id][0] for one in (old, new)] == ["annulled", "authorized"]
        assert papers[old.id][1] != papers[new.id][1]
    assert new.number in client.get(f"/sales/invoices/{old.id}").text
    assert wrong.number in client.get(made.location).text
    assert outbox.to("maria@example.com")


def test_what_stands_or_comes_from_a_subscription_is_not_issued_again(tenant, draft, now):
    with unit_of_work(tenant.scope) as session:
        stands, billed = issue_invoices(
            session, [draft("one"), draft("two", source="billing")], now=now
        )
        annul_invoice(session, billed.id, reason="x", now=now)
    for ref, says in ((stands, "vigente"), (billed, "suscripción")):
        with pytest.raises(Conflict, match=says), unit_of_work(tenant.scope) as session:
            customer = session.get(Invoice, ref.id).customer_id
            lines = lines_of(session, [ref.id])[ref.id]
            reissue_invoice(session, ref.id, customer_id=customer, lines=lines, now=now)
