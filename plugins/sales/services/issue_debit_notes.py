"""Debit notes: more to pay on an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import InvoiceBalanceChanged
from core.contracts.fiscal import (
    DebitNoteRequest,
    FiscalPayment,
    FiscalTax,
)
from core.contracts.sales import InvoiceLineDraft
from core.db.events import emit
from core.db.locks import wait_for
from core.domain.money import ZERO, to_cents
from core.errors import Conflict, DomainError
from core.i18n import _
from core.ids import new_id
from core.services import numbering
from plugins.sales.domain import lifecycle
from plugins.sales.domain.totals import total_up
from plugins.sales.domain.vocabulary import (
    DEBIT_NOTE_KIND,
)
from plugins.sales.models import DebitNote, Invoice, InvoiceLine
from plugins.sales.services.issue_invoices import invoice_row
from plugins.sales.services.note_parts import (
    NoteRef,
    buyer_of,
    check_supported,
    known_note,
    request_document,
    supported_by,
)
from plugins.sales.services.practice import environment_of_note
from plugins.sales.services.prepare_drafts import IVA


def issue_debit_note(
    session: Session,
    invoice_id: UUID,
    *,
    reasons: Sequence[tuple[str, Decimal]],
    tax_code: str,
    source_key: str,
    now: datetime,
) -> NoteRef:
    """Charge more on an invoice (interest, freight): raises what is owed of it.

    The tax is one of the invoice's, at the invoice's rate. Raises ``DomainError``, ``NotFound``.
    """
    wait_for(session, f"debit/{source_key}")
    known = known_note(session, DebitNote, source_key)
    if known is not None:
        return known
    invoice = invoice_row(session, invoice_id)
    check_supported(invoice, "-")
    if invoice.state == "cancelled":
        raise Conflict(
            _("Invoice %(number)s is cancelled already.", number=invoice.number),
            code="invoice_cancelled",
        )
    tidy = [(" ".join(why.split())[:300], amount) for why, amount in reasons]
    if not tidy or any(
        not why or amount <= ZERO or to_cents(amount) != amount for why, amount in tidy
    ):
        raise DomainError(
            _("Each reason needs words and an amount above zero in whole cents."),
            code="bad_reasons",
            field="reasons",
        )
    rate = session.scalar(
        select(InvoiceLine.tax_rate)
        .where(InvoiceLine.invoice_id == invoice_id, InvoiceLine.tax_code == tax_code)
        .limit(1)
    )
    if rate is None:
        raise DomainError(
            _("Choose one of the taxes of the invoice."), code="foreign_tax", field="tax_code"
        )
    drafts = [InvoiceLineDraft("ND", why, Decimal(1), amount, tax_code) for why, amount in tidy]
    totals = total_up(drafts, {tax_code: rate})
    environment = environment_of_note(session, invoice)
    series = numbering.allocate(
        session,
        issue_point_id=invoice.issue_point_id,
        document_kind=DEBIT_NOTE_KIND,
        environment=environment,
    )
    note_id, today = new_id(), to_local_date(now)
    number = series.written(series.first)
    session.add(
        DebitNote(
            id=note_id,
            invoice_id=invoice_id,
            environment=environment,
            number=number,
            issued_on=today,
            issued_at=now,
            reasons=[[why, str(amount)] for why, amount in tidy],
            tax_code=tax_code,
            subtotal=totals.subtotal,
            tax=totals.tax,
            total=totals.total,
            source_key=source_key,
        )
    )
    values: dict[str, Any] = {"balance": invoice.balance + totals.total}
    if lifecycle.may(lifecycle.INVOICE, invoice.state, "uncover"):
        values |= {
            "state": lifecycle.step(lifecycle.INVOICE, invoice.state, "uncover"),
            "paid_at": None,
        }
    session.execute(update(Invoice).where(Invoice.id == invoice_id).values(**values))
    session.flush()
    changed = InvoiceBalanceChanged(invoice_id, invoice.number, invoice.source, invoice.source_key)
    emit(session, changed, now=now)
    request_document(
        session,
        DebitNoteRequest(
            document_id=note_id,
            branch_code=series.branch_code,
            issue_point_code=series.issue_point_code,
            sequence=series.first,
            issued_on=today,
            counterpart=buyer_of(invoice),
            supported=supported_by(invoice),
            reasons=tuple(tidy),
            taxes=(FiscalTax(IVA, tax_code, rate, totals.subtotal, totals.tax),),
            payments=(FiscalPayment(invoice.payment_method, totals.total),),
        ),
        now=now,
    )
    return NoteRef(note_id, number, totals.total, created=True)
