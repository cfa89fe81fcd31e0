from __future__ import annotations

import io
import re
from decimal import Decimal

import pytest
from PIL import Image
from sqlalchemy import select

from core.contracts.sales import PaymentAllocation, PaymentData
from core.db.session import unit_of_work
from plugins.sales.models import Customer, Invoice, Payment, PaymentReport, Product, Salesperson
from plugins.sales.services.check_pins import create_salesperson, set_pin
from plugins.sales.services.issue_credit_notes import issue_credit_note
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.keep_products import ProductData, save_product
from plugins.sales.services.payment_links import sign_link
from plugins.sales.services.record_payment import record_payment


@pytest.fixture
def shop(tenant, now):
    """A product, a salesperson with the PIN 4712."""
    with unit_of_work(tenant.scope) as session:
        product = save_product(
            session,
            ProductData("CAFE", "Café de Loja", Decimal("4.50"), "4"),
            today=now.date(),
        )
        seller = create_salesperson(session, name="Rosa")
        set_pin(session, seller, "4712", now=now)
    return {"product": str(product), "seller": str(seller)}


@pytest.fixture
def owner(client, tenant, sign_in):
    sign_in(client, tenant, "owner")
    return client


@pytest.fixture
def sale(shop):
    """The fields of a till with one line."""

    def fields(**more) -> dict[str, str]:
        return {
            "line_product": shop["product"],
            "line_quantity": "2",
            "line_price": "4.5",
            "line_discount": "",
            "payment": "01",
            "salesperson_id": shop["seller"],
            "pin": "4712",
            "sale_key": "sale-1",
            "do": "charge",
        } | more

    return fields


def test_a_sale_at_the_till_is_numbered_paid_and_shown(owner, tenant, sale, post):
    answer = post(owner, "/sales/till/", **sale(received="20"))
    assert answer.status_code == 303, answer.text
    page = owner.get(answer.headers["Location"])
    assert "001-001-000000001" in page.text
    assert "Nueva venta" in page.text
    with unit_of_work(tenant.scope) as session:
        invoice = session.scalars(select(Invoice)).one()
        assert (invoice.total, invoice.state) == (Decimal("10.35"), "paid")
        assert invoice.customer_name == "CONSUMIDOR FINAL"
        assert session.scalars(select(Payment.method)).all() == ["cash"]
    state = owner.get(answer.headers["Location"] + "/state")
    assert "data-final" in state.text
    assert "<html" not in state.text


def test_the_same_sale_sent_twice_is_one_invoice(owner, tenant, sale, post):
    first = post(owner, "/sales/till/", **sale())
    second = post(owner, "/sales/till/", **sale(line_quantity="9"))
    assert first.headers["Location"] == second.headers["Location"]
    with unit_of_work(tenant.scope) as session:
        assert len(session.scalars(select(Invoice.id)).all()) == 1


@pytest.mark.checklist("PW-24")
def test_a_wrong_pin_counts_locks_and_says_when(owner, tenant, sale, post, clock):
    for left in (4, 3, 2, 1):
        answer = post(owner, "/sales/till/", **sale(pin="0000"))
        assert answer.status_code == 422
        assert f"{left}." in answer.text
        assert "Café de Loja" in answer.text  # nothing typed is lost
    assert "08:01" in post(owner, "/sales/till/", **sale(pin="0000")).text
    assert "08:01" in post(owner, "/sales/till/", **sale()).text  # the right one, too early
    with unit_of_work(tenant.scope) as session:
        assert session.scalars(select(Invoice.id)).all() == []
    from datetime import timedelta

    clock.set(clock.now() + timedelta(minutes=2))
    assert post(owner, "/sales/till/", **sale()).status_code == 303


def test_the_till_adds_products_and_customers_without_scripts(owner, sale, shop, post):
    empty = sale(line_product="", line_quantity="", line_price="", pin="")
    page = post(owner, "/sales/till/", **empty | {"do": "enter", "product_q": "cafe"})
    assert "Café de Loja" in page.text
    assert 'value="4.5"' in page.text
    page = post(owner, "/sales/till/", **sale(do="enter", customer_q="1710034065", pin=""))
    assert "Crear cliente" in page.text
    page = post(
        owner, "/sales/till/",
        **sale(do="create_customer", new_tax_id="1710034065", new_name="Ana Ruiz", pin=""),
    )  # fmt: skip
    assert "Ana Ruiz" in page.text
    customer = re.search(r'name="customer_id" value="([0-9a-f-]{36})"', page.text)
    assert customer
    page = post(
        owner, "/sales/till/", **sale(do="create_customer", new_tax_id="171", new_name="X", pin="")
    )
    assert page.status_code == 422
    assert 'id="new_tax_id-error"' in page.text
    page = post(owner, "/sales/till/", **sale(do="remove-0", pin=""))
    assert 'name="line_product"' not in page.text


def test_the_final_consumer_is_refused_above_fifty_dollars_and_nothing_is_lost(
    owner, tenant, sale, post
):
    answer = post(owner, "/sales/till/", **sale(line_quantity="20"))
    assert answer.status_code == 422
    assert "50" in answer.text
    assert "Café de Loja" in answer.text
    with unit_of_work(tenant.scope) as session:
        assert session.scalars(select(Invoice.id)).all() == []


@pytest.fixture
def world(tenant, buyer, draft, shop, now):
    """One of everything, with the ids of the objects."""
    with unit_of_work(tenant.scope) as session:
        issued, paid, credited = issue_invoices(
            session, [draft("a", due_on=now.date()), draft("b"), draft("c")], now=now
        )
        payment = record_payment(
            session,
            PaymentData(
                customer_id=buyer, method="transfer", amount=paid.total, value_on=now.date(),
                allocations=(PaymentAllocation(paid.id, paid.total),), idempotency_key="p",
            ),
            now=now,
        )  # fmt: skip
        note = issue_credit_note(session, credited.id, reason="Devolución", source_key="n", now=now)
        link = sign_link(session, issued.id)
    return {
        "buyer": buyer, "issued": issued.id, "paid": paid.id, "payment": payment,
        "note": note.id, "link": link, **shop,
    }  # fmt: skip


PAGES = (
    "/sales/till/",
    "/sales/till/done/{issued}",
    "/sales/invoices/",
    "/sales/invoices/?show=overdue&q=andina",
    "/sales/invoices/{issued}",
    "/sales/invoices/{paid}",
    "/sales/notes/credit/{issued}",
    "/sales/notes/debit/{issued}",
    "/sales/notes/guide/{issued}",
    "/sales/customers/",
    "/sales/customers/?q=nadie",
    "/sales/customers/ageing",
    "/sales/customers/new",
    "/sales/customers/{buyer}",
    "/sales/customers/{buyer}/edit",
    "/sales/products/",
    "/sales/products/new",
    "/sales/products/{product}",
    "/sales/salespeople/",
    "/sales/salespeople/new",
    "/sales/salespeople/{seller}",
    "/sales/payments/",
    "/sales/payments/new",
    "/sales/payments/new?q=andina",
    "/sales/payments/new?customer_id={buyer}",
    "/sales/payments/{payment}",
    "/sales/payments/withholdings",
    "/sales/payments/withholdings/new",
    "/sales/reports/",
    "/sales/reports/new/{buyer}",
    "/sales/statements/",
    "/sales/statements/new",
    "/sales/accounts/",
)


def test_every_page_opens_for_the_owner_and_not_for_another_company(
    owner, app, world, other_tenant, sign_in
):
    stranger = app.test_client()
    sign_in(stranger, other_tenant, "owner")
    for path in PAGES:
        address = path.format(**world)
        page = owner.get(address)
        assert page.status_code == 200, (address, page.text[:2000])
        if "{" in path:
            assert stranger.get(address).status_code == 404, address
    assert owner.get(f"/sales/notes/credit/{world['note']}").status_code == 404
    assert stranger.get(world["link"]).status_code == 200  # the link needs no sign-in


def test_the_export_holds_what_the_list_shows_and_no_formula(owner, tenant, world, now):
    with unit_of_work(tenant.scope) as session:
        session.get(Customer, world["buyer"])
        session.execute(
            Invoice.__table__.update()
            .where(Invoice.id == world["issued"], Invoice.tenant_id == tenant.id)
            .values(customer_name='=HYPERLINK("http://x")')
        )
    text = owner.get("/sales/invoices/export.csv?show=open").text
    rows = text.strip().splitlines()
    assert len(rows) == 2
    assert "'=HYPERLINK" in rows[1]
    assert "001-001-000000001" in rows[1]


def photo() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(out, "PNG")
    out.seek(0)
    return out


def test_a_payment_reported_by_the_link_is_confirmed_from_the_queue(
    owner, app, tenant, world, post
):
    anybody = app.test_client()
    page = anybody.get(world["link"])
    assert "34,50" in page.text
    report = {
        "invoice_id": str(world["issued"]), "report_key": "r1", "amount": "34,50",
        "value_on": "2026-04-25", "bank": "Pichincha", "no_reference": "1",
        "payer_name": "Ana", "do": "report",
    }  # fmt: skip
    refused = post(anybody, world["link"], **report)
    assert refused.status_code == 422
    assert 'id="reference-error"' in refused.text
    sent = post(anybody, world["link"], **report, slip=(photo(), "x.exe"))
    assert sent.status_code == 200
    assert anybody.get(world["link"][:-3] + "abc").status_code == 404
    with unit_of_work(tenant.scope) as session:
        row = session.scalars(select(PaymentReport)).one()
    assert owner.get(f"/sales/reports/{row.id}").status_code == 200
    slip = owner.get(f"/sales/reports/{row.id}/slip")
    assert slip.mimetype in {"image/png", "image/jpeg"}
    assert post(owner, f"/sales/reports/{row.id}/confirm").status_code == 303
    with unit_of_work(tenant.scope) as session:
        assert session.get(Invoice, world["issued"]).state == "paid"


def test_a_report_with_a_web_page_for_a_slip_is_refused(app, world, post):
    for content in (b"<html><script>alert(1)</script>", b"PK\x03\x04" + b"\0" * 50,
                    b"%PDF-1.4 /JavaScript (app.alert(1)) %%EOF"):  # fmt: skip
        answer = post(
            app.test_client(), world["link"],
            invoice_id=str(world["issued"]), report_key="r2", amount="34.50",
            value_on="2026-04-25", bank="Pichincha", reference="123",
            slip=(io.BytesIO(content), "slip.jpg"),
        )  # fmt: skip
        assert answer.status_code == 422
        assert 'id="slip-error"' in answer.text


@pytest.mark.checklist("PW-24", "PW-25")
def test_a_salesperson_sets_the_own_pin_by_a_link_that_works_once(owner, app, tenant, shop, post):
    page = post(owner, f"/sales/salespeople/{shop['seller']}", do="link")
    link = re.search(r"http://[^\"]+(/sales/pin/[^\"]+)", page.text).group(1)
    anybody = app.test_client()
    assert "Rosa" in anybody.get(link).text
    weak = post(anybody, link, pin="1234", again="1234")
    assert weak.status_code == 422
    assert post(anybody, link, pin="9305", again="9305").status_code == 200
    assert anybody.get(link).status_code == 404
    with unit_of_work(tenant.scope) as session:
        row = session.scalars(select(Salesperson)).one()
        assert row.pin_hash.startswith("$argon2id$")
        assert "9305" not in row.pin_hash


def test_forms_write_what_was_typed_and_refuse_with_the_field(owner, tenant, world, post):
    made = post(
        owner, "/sales/customers/new", tax_id_type="05", tax_id="1710034065",
        legal_name="Luis Mora", email="luis@example.ec",
    )  # fmt: skip
    assert made.status_code == 303
    again = post(
        owner, "/sales/customers/new", tax_id_type="05", tax_id="1710034065", legal_name="Otro"
    )
    assert again.status_code == 422
    assert 'id="tax_id-error"' in again.text
    assert 'value="Otro"' in again.text
    made = post(
        owner, "/sales/products/new", code="TE", name="Té", kind="good", unit_price="1.234,50",
        tax_code="4", is_active="1",
    )  # fmt: skip
    assert made.status_code == 303
    with unit_of_work(tenant.scope) as session:
        price = session.scalar(select(Product.unit_price).where(Product.code == "TE"))
        assert price == Decimal("1234.5")
    note = post(
        owner, f"/sales/notes/debit/{world['issued']}", reason="Mora", amount="10", tax_code="4",
        note_key="nd1",
    )  # fmt: skip
    assert note.status_code == 303
    assert owner.get(note.headers["Location"]).status_code == 200
    guide = post(
        owner, f"/sales/notes/guide/{world['issued']}", carrier_tax_id="1710034065",
        carrier_name="Luis Mora", plate="PBA-1234", start_address="Quito",
        destination_address="Loja", starts_on="2026-04-25", ends_on="2026-04-26", reason="Venta",
        note_key="g1",
    )  # fmt: skip
    assert guide.status_code == 303, guide.text
    assert owner.get(guide.headers["Location"]).status_code == 200
    paid = post(
        owner, "/sales/payments/new", customer_id=str(world["buyer"]), amount="46",
        value_on="2026-04-25", method="transfer", payment_key="pk",
    )  # fmt: skip
    assert paid.status_code == 303, paid.text


def test_a_statement_settles_an_exact_report_and_suggests_the_rest(owner, app, tenant, world, post):
    post(
        app.test_client(), world["link"], invoice_id=str(world["issued"]), report_key="r9",
        amount="34.50", value_on="2026-04-24", bank="Pichincha", reference="00123-9",
    )  # fmt: skip
    csv = (
        "Fecha;Concepto;Documento;Débito;Crédito\n24/04/2026;TRANSF;1239;;34,50\n"
        "25/04/2026;DEPOSITO;777;;12,00\n25/04/2026;COMISION;8;0,30;\n"
    )
    step = post(owner, "/sales/statements/new", file=(io.BytesIO(csv.encode("cp1252")), "m.csv"))
    assert step.status_code == 303, step.text
    columns = owner.get(step.headers["Location"])
    assert columns.status_code == 200
    done = post(
        owner, step.headers["Location"], value_on="0", amount="4", reference="2", description="1"
    )
    assert done.status_code == 303, done.text
    with unit_of_work(tenant.scope) as session:
        assert session.get(Invoice, world["issued"]).state == "paid"
    page = owner.get("/sales/statements/")
    assert "12,00" in page.text
    assert "34,50" not in page.text
    junk = post(owner, "/sales/statements/new", file=(io.BytesIO(b"\x00\x01junk"), "m.csv"))
    assert junk.status_code == 422
