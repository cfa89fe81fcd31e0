"""A company practises with the same till and pages; when it stops, nothing of it is in its books."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from core.contracts.sales import PaymentAllocation, PaymentData
from core.db.session import unit_of_work
from core.errors import Conflict, NotFound
from core.models import StoredEvent
from core.services import settings
from plugins.sales.models import Credit, Invoice, Payment
from plugins.sales.services import find_sales
from plugins.sales.services.check_pins import create_salesperson, set_pin
from plugins.sales.services.issue_credit_notes import annul_invoice, issue_credit_note
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.keep_products import ProductData, save_product
from plugins.sales.services.practice import SHOWN
from plugins.sales.services.read_invoices import open_for
from plugins.sales.services.read_month import read_month
from plugins.sales.services.receive_withholdings import waiting_for
from plugins.sales.services.record_payment import record_payment, spread_over_open
from plugins.sales.services.setup_steps import steps

PRACTICE, PRODUCTION = 3, 2


@pytest.fixture
def switch(tenant):
    """Put the company into an environment."""

    def into(environment: int) -> None:
        with unit_of_work(tenant.scope) as session:
            settings.write(session, "einvoice_sri.environment", environment)

    return into


@pytest.fixture
def sell(client, tenant, buyer, sign_in, post, now):
    """Sell at the till, as the owner: paid at once or on credit; the invoice's id."""
    with unit_of_work(tenant.scope) as session:
        product = save_product(
            session, ProductData("CAFE", "Café", Decimal(20), "4"), today=now.date()
        )
        seller = create_salesperson(session, name="Rosa")
        set_pin(session, seller, "4712", now=now)
    sign_in(client, tenant, "owner")

    def at_the_till(key: str, payment: str = "01") -> str:
        answer = post(
            client, "/sales/till/", line_product=str(product), line_quantity="1",
            line_price="20", line_discount="", payment=payment, salesperson_id=str(seller),
            pin="4712", sale_key=key, customer_id=str(buyer), do="charge",
        )  # fmt: skip
        assert answer.status_code == 303, answer.text
        assert client.get(answer.location).status_code == 200
        return answer.location.rsplit("/", 1)[-1]

    return at_the_till


def everything(session, buyer, today) -> dict[str, object]:
    """Every list, sum and look-up of sales."""
    return {
        **{
            show: len(session.execute(find_sales.invoices(show=show, query="", today=today)).all())
            for show in ("all", "open", "overdue", "paid", "cancelled")
        },
        "found": len(
            session.execute(find_sales.invoices(show="all", query="1792205859001", today=today)).all()
        ),
        "ageing": find_sales.ageing(session, today=today),
        "owing": find_sales.owing(session, buyer, today=today),
        "statement": find_sales.history(session, buyer),
        "month": read_month(session, today=today),
        "open for": open_for(session, buyer),
        "spread": spread_over_open(session, buyer, Decimal("50.00")),
        "payments": session.execute(find_sales.payments()).all(),
        "credit": session.scalar(select(func.count()).select_from(Credit)),
        "first invoice": [one.is_done for one in steps(session)][-1],
        "told": session.scalars(
            select(StoredEvent.name).where(StoredEvent.name.not_like("Document%"))
        ).all(),
    }  # fmt: skip


def test_practice_leaves_the_books_as_they_were(
    client, tenant, buyer, sell, switch, post, draft, now
):
    switch(PRODUCTION)
    today = now.date()
    with unit_of_work(tenant.scope) as session:
        before = everything(session, buyer, today)
    switch(PRACTICE)
    sold, owed = sell("one"), sell("two", "credit")
    assert sell("one") == sold  # a double click
    note = post(client, f"/sales/notes/credit/{sold}", what="all", reason="Prueba", note_key="n")
    assert note.status_code == 303, note.text
    assert client.get(note.location).status_code == 200
    listed = client.get("/sales/invoices/").text
    assert "001-001-000000001" in listed
    assert "no tienen validez" in listed
    page = client.get(f"/sales/invoices/{owed}").text
    assert "Emitida para practicar" in page
    assert "Registrar cobro" not in page
    with unit_of_work(tenant.scope) as session:
        assert everything(session, buyer, today) == before
    with pytest.raises(NotFound), unit_of_work(tenant.scope) as session:
        pay(session, buyer, owed, now)

    switch(PRODUCTION)
    real = sell("one")  # the same key is another sale now
    assert real != sold
    with unit_of_work(tenant.scope) as session:
        numbers = session.execute(
            select(Invoice.number, Invoice.environment, Invoice.state)
            .order_by(Invoice.environment, Invoice.number)
            .execution_options(**SHOWN)
        ).all()
        assert [tuple(one) for one in numbers] == [
            ("001-001-000000001", PRODUCTION, "paid"),
            ("001-001-000000001", PRACTICE, "cancelled"),
            ("001-001-000000002", PRACTICE, "issued"),
        ]
        after = everything(session, buyer, today)
        assert (after["all"], after["month"].owed, after["month"].today) == (1, 0, Decimal("23.00"))
        assert session.scalars(select(Payment.amount)).all() == [Decimal("23.00")]
        assert after["told"].count("InvoicesIssued") == 1
    plain = client.get("/sales/invoices/").text
    assert re.findall(r"Facturas: (\d+)", plain) == ["1"]
    practised = client.get("/sales/invoices/?show=practice").text
    assert re.findall(r"Facturas: (\d+)", practised) == ["2"]
    assert "001-001-000000002" not in client.get("/sales/invoices/export.csv").text


def pay(session, buyer, invoice_id, now):
    """Twenty-three dollars for an invoice."""
    from uuid import UUID

    record_payment(
        session,
        PaymentData(
            customer_id=buyer, method="cash", amount=Decimal("23.00"), value_on=now.date(),
            allocations=(PaymentAllocation(UUID(invoice_id), Decimal("23.00")),),
            idempotency_key="p",
        ),
        now=now,
    )  # fmt: skip


def test_a_real_invoice_is_out_of_reach_while_practising(tenant, draft, switch, now):
    switch(PRODUCTION)
    with unit_of_work(tenant.scope) as session:
        (real,) = issue_invoices(session, [draft("real")], now=now)
    switch(PRACTICE)
    with unit_of_work(tenant.scope) as session:
        (practised,) = issue_invoices(session, [draft("real")], now=now)
        assert (practised.created, practised.number) == (True, real.number)
    with pytest.raises(Conflict, match="real"), unit_of_work(tenant.scope) as session:
        issue_credit_note(session, real.id, reason="x", source_key="a", now=now)
    switch(PRODUCTION)
    with pytest.raises(Conflict, match="practicar"), unit_of_work(tenant.scope) as session:
        issue_credit_note(session, practised.id, reason="x", source_key="b", now=now)
    with unit_of_work(tenant.scope) as session:
        annul_invoice(session, practised.id, reason="Práctica", now=now)
        invoice = session.get(Invoice, real.id)
        assert (invoice.state, waiting_for(session, invoice)) == ("issued", 0)
