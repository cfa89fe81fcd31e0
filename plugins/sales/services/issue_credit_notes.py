"""Credit notes, and the annulment of an invoice in SRI's portal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import InvoiceBalanceChanged, InvoiceCancelled
from core.contracts.fiscal import (
    CreditNoteRequest,
)
from core.contracts.sales import InvoiceLineDraft
from core.db.events import emit
from core.db.locks import wait_for
from core.domain.money import ZERO
from core.errors import Conflict, DomainError
from core.i18n import _
from core.ids import new_id
from core.services import numbering
from core.services.audit import write_audit
from plugins.sales.domain import lifecycle
from plugins.sales.domain.drafts import check_line
from plugins.sales.domain.totals import DocumentTotals, total_up
from plugins.sales.domain.vocabulary import (
    CREDIT_NOTE_KIND,
    PRACTICE,
)
from plugins.sales.models import CreditNote, DebitNote, Invoice, InvoiceLine
from plugins.sales.services.fiscal_requests import fiscal_lines
from plugins.sales.services.issue_invoices import invoice_row
from plugins.sales.services.keep_credit import add_credit
from plugins.sales.services.note_parts import (
    NoteRef,
    buyer_of,
    check_supported,
    known_note,
    request_document,
    supported_by,
)
from plugins.sales.services.practice import SHOWN, environment_of_note
from plugins.sales.services.read_invoices import lines_of
from plugins.sales.services.record_payment import lower_balances


def issue_credit_note(
    session: Session,
    invoice_id: UUID,
    *,
    reason: str,
    source_key: str,
    now: datetime,
    lines: Sequence[InvoiceLineDraft] | None = None,
) -> NoteRef:
    """Credit an invoice in full (``lines`` None: all that is not credited yet) or in part.

    Rates are those of the invoice, not of today. What exceeds the balance becomes the customer's
    credit. An invoice credited in full is cancelled (``InvoiceCancelled``). Raises ``DomainError``
    for a final consumer's invoice, more than the invoice, or an empty reason; ``NotFound``.
    """
    wait_for(session, f"credit/{source_key}")
    known = known_note(session, CreditNote, source_key)
    if known is not None:
        return known
    invoice = invoice_row(session, invoice_id)
    check_supported(invoice, reason)
    if invoice.state == "cancelled":
        raise Conflict(
            _("Invoice %(number)s is cancelled already.", number=invoice.number),
            code="invoice_cancelled",
        )
    before = _credited_before(session, invoice_id)
    lines, totals = _what_to_credit(session, invoice, lines, before)
    environment = environment_of_note(session, invoice)
    series = numbering.allocate(
        session,
        issue_point_id=invoice.issue_point_id,
        document_kind=CREDIT_NOTE_KIND,
        environment=environment,
    )
    note_id, today = new_id(), to_local_date(now)
    number = series.written(series.first)
    session.add(
        CreditNote(
            id=note_id,
            invoice_id=invoice_id,
            environment=environment,
            number=number,
            issued_on=today,
            issued_at=now,
            reason=reason.strip()[:300],
            subtotal=totals.subtotal,
            tax=totals.tax,
            total=totals.total,
            lines=[
                [
                    line.code,
                    line.description,
                    str(line.quantity),
                    str(line.unit_price),
                    str(line.discount),
                    str(sums.subtotal),
                    sums.tax_code,
                ]
                for line, sums in zip(lines, totals.lines, strict=True)
            ],
            taxes=[[t.tax_code, str(t.rate), str(t.base), str(t.amount)] for t in totals.taxes],
            source_key=source_key,
        )
    )
    session.flush()
    covered = min(totals.total, invoice.balance)
    if covered > ZERO and before + totals.total < invoice.total:
        lower_balances(session, {invoice_id: invoice}, {invoice_id: covered}, now=now)
        changed = InvoiceBalanceChanged(
            invoice_id, invoice.number, invoice.source, invoice.source_key
        )
        emit(session, changed, now=now)
    if totals.total > covered and environment != PRACTICE:
        add_credit(session, invoice.customer_id, "credit_note", note_id, totals.total - covered)
    if before + totals.total == invoice.total:
        _cancel(session, invoice, now=now)
    request_document(
        session,
        CreditNoteRequest(
            document_id=note_id,
            branch_code=series.branch_code,
            issue_point_code=series.issue_point_code,
            sequence=series.first,
            issued_on=today,
            counterpart=buyer_of(invoice),
            supported=supported_by(invoice),
            reason=reason.strip()[:300],
            lines=fiscal_lines(lines, totals),
        ),
        now=now,
    )
    return NoteRef(note_id, number, totals.total, created=True)


def _credited_before(session: Session, invoice_id: UUID) -> Decimal:
    return (
        session.scalar(
            select(func.sum(CreditNote.total))
            .where(CreditNote.invoice_id == invoice_id, CreditNote.state == "issued")
            .execution_options(**SHOWN)
        )
        or ZERO
    )


def _what_to_credit(
    session: Session,
    invoice: Row[Any],
    lines: Sequence[InvoiceLineDraft] | None,
    before: Decimal,
) -> tuple[Sequence[InvoiceLineDraft], DocumentTotals]:
    """The lines and their totals at the invoice's own rates; refuses more than the invoice."""
    if lines is None:
        if before > ZERO:
            raise DomainError(
                _(
                    "Part of this invoice is credited already. Say which lines remain to be credited."
                ),
                code="partly_credited",
                field="lines",
            )
        lines = lines_of(session, [invoice.id])[invoice.id]
    rates = {
        row.tax_code: row.tax_rate
        for row in session.execute(
            select(InvoiceLine.tax_code, InvoiceLine.tax_rate)
            .where(InvoiceLine.invoice_id == invoice.id)
            .distinct()
        )
    }
    if not lines:
        raise DomainError(
            _("Say which lines to credit, with their quantity or amount."),
            code="note_without_lines",
            field="lines",
        )
    for line in lines:
        check_line(line)
        if line.tax_code not in rates:
            raise DomainError(
                _("A line has a tax that the invoice does not have. Choose lines of the invoice."),
                code="foreign_tax",
                field="lines",
            )
    totals = total_up(lines, rates)
    if totals.total <= ZERO or before + totals.total > invoice.total:
        raise DomainError(
            _("The credit is zero or larger than what the invoice still holds. Lower the lines."),
            code="more_than_invoiced",
            field="lines",
        )
    return lines, totals


def _cancel(session: Session, invoice: Row[Any], *, now: datetime) -> None:
    session.execute(
        update(Invoice)
        .where(Invoice.id == invoice.id)
        .values(
            state=lifecycle.step(lifecycle.INVOICE, invoice.state, "cancel"),
            balance=ZERO,
            cancelled_at=now,
        )
    )
    if invoice.environment != PRACTICE:
        emit(
            session,
            InvoiceCancelled(invoice.id, invoice.number, invoice.source, invoice.source_key),
            now=now,
        )


def annul_invoice(session: Session, invoice_id: UUID, *, reason: str, now: datetime) -> None:
    """Mark an invoice as annulled in SRI's portal (there is no web service for it).

    What was paid becomes the customer's credit. Raises ``DomainError`` for a final consumer's
    invoice, ``Conflict`` when it is cancelled already or holds notes, ``NotFound``.
    """
    invoice = invoice_row(session, invoice_id)
    check_supported(invoice, reason)
    if invoice.state == "cancelled":
        raise Conflict(
            _("Invoice %(number)s is cancelled already.", number=invoice.number),
            code="invoice_cancelled",
        )
    for model in (CreditNote, DebitNote):
        noted = select(model.id).where(model.invoice_id == invoice_id).limit(1)
        if session.scalar(noted.execution_options(**SHOWN)):
            raise Conflict(
                _("This invoice has notes. Credit the rest with a credit note instead."),
                code="invoice_has_notes",
            )
    paid = invoice.total - invoice.balance
    if paid > ZERO and invoice.environment != PRACTICE:
        add_credit(session, invoice.customer_id, "invoice", invoice_id, paid)
    _cancel(session, invoice, now=now)
    write_audit(
        session, action="sales.invoice_annulled", reason=reason[:300], subject_id=invoice_id
    )
