"""The month in figures against sums made by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from core.contracts.sales import InvoiceLineDraft, PaymentAllocation, PaymentData
from core.db.session import unit_of_work
from plugins.sales.services.issue_credit_notes import annul_invoice, issue_credit_note
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.read_month import MONTHS, read_month
from plugins.sales.services.record_payment import record_payment


def test_what_was_sold_paid_and_is_owed(tenant, other_tenant, buyer, draft, now):
    """30.00 and 10.00 + IVA 15 % sold; 10.00 of the first credited, another annulled, 20.00 paid."""
    part = (InvoiceLineDraft("P-1", "Mensualidad", Decimal(1), Decimal("10.00"), "4"),)
    with unit_of_work(tenant.scope) as session:
        one, _two, gone, back = issue_invoices(
            session,
            [draft("a"), draft("b", price="10.00"), draft("c"), draft("d", price="100.00")],
            now=now,
        )
        annul_invoice(session, gone.id, reason="Error", now=now)
        issue_credit_note(session, one.id, reason="Rebaja", source_key="1", now=now, lines=part)
        issue_credit_note(session, back.id, reason="Devolución", source_key="2", now=now)
        paid = PaymentData(
            customer_id=buyer,
            method="transfer",
            amount=Decimal("20.00"),
            value_on=now.date(),
            allocations=(PaymentAllocation(one.id, Decimal("20.00")),),
            idempotency_key="p",
        )
        record_payment(session, paid, now=now)
        month = read_month(session, today=now.date())
        later = read_month(session, today=date(2026, 5, 2))
    assert len(month.months) == MONTHS
    assert month.sold.first == date(2026, 4, 1)
    # 34.50 + 11.50 + 115.00, less 11.50 and 115.00 credited
    assert (month.sold.total, month.sold.invoices) == (Decimal("34.50"), 3)
    assert (month.today, month.invoices_today) == (Decimal("161.00"), 3)
    assert (month.paid, month.owed) == (Decimal("20.00"), Decimal("14.50"))
    assert (later.sold.total, later.today, later.paid) == (0, 0, 0)
    assert later.months[-2] == month.sold
    with unit_of_work(other_tenant.scope) as session:
        nothing = read_month(session, today=now.date())
    assert (nothing.sold.total, nothing.owed, nothing.paid) == (0, 0, 0)
