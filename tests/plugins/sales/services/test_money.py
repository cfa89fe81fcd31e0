from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.contracts.sales import InvoiceLineDraft, PaymentAllocation, PaymentData
from core.db.session import unit_of_work
from core.errors import Conflict, DomainError, NotFound
from plugins.sales.models import CreditNote, DebitNote, Invoice, Payment
from plugins.sales.services.issue_credit_notes import annul_invoice, issue_credit_note
from plugins.sales.services.issue_debit_notes import issue_debit_note
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.keep_credit import credit_of
from plugins.sales.services.record_payment import record_payment, spread_over_open
from plugins.sales.services.reverse_payment import reverse_payment


@pytest.fixture
def money(buyer, now):
    """A payment: ``money("50.00", [(invoice, "34.50")])``."""

    def make(amount: str, parts=(), method: str = "transfer", key: str = "pay") -> PaymentData:
        return PaymentData(
            customer_id=buyer,
            method=method,
            amount=Decimal(amount),
            value_on=now.date(),
            allocations=tuple(PaymentAllocation(one, Decimal(part)) for one, part in parts),
            idempotency_key=key,
        )

    return make


def standing(session, invoice_id):
    row = session.execute(
        select(Invoice.state, Invoice.balance).where(Invoice.id == invoice_id)
    ).one()
    return row.state, row.balance


def test_money_over_several_invoices_and_the_rest_is_credit(tenant, buyer, draft, money, now):
    with unit_of_work(tenant.scope) as session:
        one, two = issue_invoices(session, [draft("a"), draft("b")], now=now)
        parts = spread_over_open(session, buyer, Decimal("50.00"))
        assert [p.amount for p in parts] == [Decimal("34.50"), Decimal("15.50")]
        record_payment(session, replace(money("50.00"), allocations=parts), now=now)
        assert standing(session, one.id) == ("paid", Decimal("0.00"))
        assert standing(session, two.id) == ("issued", Decimal("19.00"))
        record_payment(session, money("20.00", [(two.id, "20.00")], key="more"), now=now)
        assert standing(session, two.id) == ("paid", Decimal("0.00"))
        assert credit_of(session, buyer) == Decimal("1.00")


def test_the_same_key_records_once(tenant, draft, money, now):
    with unit_of_work(tenant.scope) as session:
        (ref,) = issue_invoices(session, [draft()], now=now)
        first = record_payment(session, money("10.00", [(ref.id, "10.00")]), now=now)
    with unit_of_work(tenant.scope) as session:
        assert record_payment(session, money("10.00", [(ref.id, "10.00")]), now=now) == first
        assert standing(session, ref.id) == ("issued", Decimal("24.50"))


def test_withholding_vector_thirty_forty_five_of_thirty_four_fifty(tenant, draft, money, now):
    with unit_of_work(tenant.scope) as session:
        (ref,) = issue_invoices(session, [draft()], now=now)
        record_payment(session, money("30.45", [(ref.id, "30.45")]), now=now)
        assert standing(session, ref.id) == ("issued", Decimal("4.05"))
        withheld = money("4.05", [(ref.id, "4.05")], method="withholding", key="ret")
        record_payment(session, withheld, now=now)
        assert standing(session, ref.id) == ("paid", Decimal("0.00"))


@pytest.mark.parametrize(
    "case",
    [("30.00", "4.00", "paid"), ("29.99", "4.00", "issued"), ("34.49", None, "issued")],
)
def test_fifty_cents_may_be_missing_only_beside_a_withholding(tenant, draft, money, now, case):
    transferred, withheld, state = case
    with unit_of_work(tenant.scope) as session:
        (ref,) = issue_invoices(session, [draft()], now=now)
        if withheld:
            record_payment(
                session, money(withheld, [(ref.id, withheld)], "withholding", "r"), now=now
            )
        record_payment(session, money(transferred, [(ref.id, transferred)]), now=now)
        assert standing(session, ref.id)[0] == state


def test_credit_pays_the_next_invoice_and_cannot_be_overdrawn(tenant, buyer, draft, money, now):
    with unit_of_work(tenant.scope) as session:
        record_payment(session, money("40.00"), now=now)
        assert credit_of(session, buyer) == Decimal("40.00")
        (ref,) = issue_invoices(session, [draft(source="billing")], now=now)
        assert standing(session, ref.id) == ("paid", Decimal("0.00"))
        assert credit_of(session, buyer) == Decimal("5.50")
        (till,) = issue_invoices(session, [draft("t", source="till")], now=now)
        assert standing(session, till.id) == ("issued", Decimal("34.50"))
    with pytest.raises(DomainError) as refused, unit_of_work(tenant.scope) as session:
        record_payment(session, money("6.00", [(till.id, "6.00")], "credit", "c"), now=now)
    assert refused.value.code == "credit_short"


def test_a_payment_taken_back_raises_the_balance_again(tenant, buyer, draft, money, now):
    with unit_of_work(tenant.scope) as session:
        (ref,) = issue_invoices(session, [draft()], now=now)
        paid = record_payment(session, money("40.00", [(ref.id, "34.50")]), now=now)
        reverse_payment(session, paid, reason="Cheque devuelto", now=now)
        assert standing(session, ref.id) == ("issued", Decimal("34.50"))
        assert credit_of(session, buyer) == Decimal("0.00")
    with pytest.raises(Conflict), unit_of_work(tenant.scope) as session:
        reverse_payment(session, paid, reason="otra vez", now=now)


def test_foreign_invoices_and_cancelled_ones_take_no_money(tenant, other_tenant, draft, money, now):
    with pytest.raises(NotFound), unit_of_work(tenant.scope) as session:
        record_payment(session, money("1.00", [(other_tenant.id, "1.00")]), now=now)
    with unit_of_work(tenant.scope) as session:
        (ref,) = issue_invoices(session, [draft()], now=now)
        annul_invoice(session, ref.id, reason="Error", now=now)
    with pytest.raises(Conflict), unit_of_work(tenant.scope) as session:
        record_payment(session, money("1.00", [(ref.id, "1.00")]), now=now)


def test_a_full_credit_note_cancels_and_a_paid_invoice_becomes_credit(
    tenant, buyer, draft, money, now
):
    with unit_of_work(tenant.scope) as session:
        (ref,) = issue_invoices(session, [draft()], now=now)
        record_payment(session, money("34.50", [(ref.id, "34.50")]), now=now)
        note = issue_credit_note(session, ref.id, reason="Devolución", source_key="nc-1", now=now)
        again = issue_credit_note(session, ref.id, reason="Devolución", source_key="nc-1", now=now)
        assert (note.number, note.total) == ("001-001-000000001", Decimal("34.50"))
        assert (again.id, again.created) == (note.id, False)
        assert standing(session, ref.id) == ("cancelled", Decimal("0.00"))
        assert credit_of(session, buyer) == Decimal("34.50")
        stored = session.scalars(select(CreditNote)).one()
        assert stored.taxes == [["4", "15.000000", "30.00", "4.50"]]


def test_partial_credit_notes_stop_at_the_invoice(tenant, draft, now):
    half = (InvoiceLineDraft("P-1", "Mensualidad", Decimal("0.5"), Decimal(30), "4"),)
    with unit_of_work(tenant.scope) as session:
        (ref,) = issue_invoices(session, [draft()], now=now)
        first = issue_credit_note(
            session, ref.id, reason="Rebaja", source_key="1", now=now, lines=half
        )
        assert first.total == Decimal("17.25")
        assert standing(session, ref.id) == ("issued", Decimal("17.25"))
        issue_credit_note(session, ref.id, reason="Rebaja", source_key="2", now=now, lines=half)
        assert standing(session, ref.id) == ("cancelled", Decimal("0.00"))
    with pytest.raises(Conflict), unit_of_work(tenant.scope) as session:
        issue_credit_note(session, ref.id, reason="Más", source_key="3", now=now, lines=half)


def test_a_debit_note_raises_what_is_owed(tenant, draft, money, now):
    with unit_of_work(tenant.scope) as session:
        (ref,) = issue_invoices(session, [draft()], now=now)
        record_payment(session, money("34.50", [(ref.id, "34.50")]), now=now)
        note = issue_debit_note(
            session,
            ref.id,
            reasons=[("Interés por mora", Decimal("10.00"))],
            tax_code="4",
            source_key="nd",
            now=now,
        )
        assert note.total == Decimal("11.50")
        assert standing(session, ref.id) == ("issued", Decimal("11.50"))
        assert session.scalar(select(DebitNote.number)) == "001-001-000000001"


def test_payments_of_the_future_are_refused(tenant, draft, money, now):
    late = replace(money("1.00"), value_on=date(2026, 4, 26))
    with pytest.raises(DomainError) as refused, unit_of_work(tenant.scope) as session:
        record_payment(session, late, now=now)
    assert refused.value.field == "value_on"
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(select(Payment.id)) is None
