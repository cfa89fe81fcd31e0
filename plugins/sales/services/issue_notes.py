"""Credit and debit notes on an invoice, and dispatch guides: numbered, stored, sent to SRI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.events import InvoiceCancelled
from core.contracts.fiscal import (
    CreditNoteRequest,
    DebitNoteRequest,
    DispatchGuideRequest,
    FiscalLine,
    FiscalPayment,
    FiscalRequest,
    FiscalTax,
    GuideDestination,
    SupportedDocument,
)
from core.contracts.sales import CustomerData, InvoiceLineDraft
from core.contracts.services import FiscalIssuing
from core.db.events import emit
from core.db.tenancy import scope_of
from core.domain.money import ZERO, to_cents
from core.errors import Conflict, DomainError, ServiceMissing
from core.i18n import _
from core.ids import new_id
from core.services import numbering
from core.services.audit import write_audit
from plugins.sales.domain import lifecycle
from plugins.sales.domain.drafts import check_line
from plugins.sales.domain.totals import total_up
from plugins.sales.domain.vocabulary import (
    CREDIT_NOTE_KIND,
    DEBIT_NOTE_KIND,
    DISPATCH_GUIDE_KIND,
    FINAL_CONSUMER_TYPE,
    INVOICE_KIND,
)
from plugins.sales.models import CreditNote, DebitNote, DispatchGuide, Invoice, InvoiceLine
from plugins.sales.services.environment import read_environment
from plugins.sales.services.issue_invoices import IVA, invoice_row
from plugins.sales.services.read_invoices import lines_of
from plugins.sales.services.record_payment import add_credit, lower_balances


@dataclass(frozen=True, slots=True)
class NoteRef:
    """A note that exists. ``created`` is False when the same key had made it before."""

    id: UUID
    number: str
    total: Decimal
    created: bool


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
    lock_key(session, f"credit/{source_key}")
    known = _known(session, CreditNote, source_key)
    if known is not None:
        return known
    invoice = invoice_row(session, invoice_id)
    _check_supported(invoice, reason)
    if invoice.state == "cancelled":
        raise Conflict(
            _("Invoice %(number)s is cancelled already.", number=invoice.number),
            code="invoice_cancelled",
        )
    before = session.scalar(
        select(func.coalesce(func.sum(CreditNote.total), ZERO)).where(
            CreditNote.invoice_id == invoice_id, CreditNote.state == "issued"
        )
    )
    assert before is not None
    if lines is None:
        if before > ZERO:
            raise DomainError(
                _(
                    "Part of this invoice is credited already. Say which lines remain to be credited."
                ),
                code="partly_credited",
                field="lines",
            )
        lines = lines_of(session, [invoice_id])[invoice_id]
    rates = {
        row.tax_code: row.tax_rate
        for row in session.execute(
            select(InvoiceLine.tax_code, InvoiceLine.tax_rate)
            .where(InvoiceLine.invoice_id == invoice_id)
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
    environment = read_environment(session)
    series = numbering.allocate(
        session,
        issue_point_id=invoice.issue_point_id,
        document_kind=CREDIT_NOTE_KIND,
        environment=environment,
    )
    note_id, today = new_id(), to_local_date(now)
    number = f"{series.branch_code}-{series.issue_point_code}-{series.first:09d}"
    fiscal_lines = tuple(
        FiscalLine(
            code=line.code,
            description=line.description,
            quantity=line.quantity,
            unit_price=line.unit_price,
            discount=line.discount,
            subtotal=sums.subtotal,
            taxes=(FiscalTax(IVA, sums.tax_code, sums.rate, sums.subtotal, sums.tax),),
            details=line.details,
        )
        for line, sums in zip(lines, totals.lines, strict=True)
    )
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
    if totals.total > covered:
        add_credit(session, invoice.customer_id, "credit_note", note_id, totals.total - covered)
    if before + totals.total == invoice.total:
        _cancel(session, invoice, now=now)
    _request(
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
            lines=fiscal_lines,
        ),
        now=now,
    )
    return NoteRef(note_id, number, totals.total, created=True)


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
    _check_supported(invoice, reason)
    if invoice.state == "cancelled":
        raise Conflict(
            _("Invoice %(number)s is cancelled already.", number=invoice.number),
            code="invoice_cancelled",
        )
    for model in (CreditNote, DebitNote):
        if session.scalar(select(model.id).where(model.invoice_id == invoice_id).limit(1)):
            raise Conflict(
                _("This invoice has notes. Credit the rest with a credit note instead."),
                code="invoice_has_notes",
            )
    paid = invoice.total - invoice.balance
    if paid > ZERO:
        add_credit(session, invoice.customer_id, "invoice", invoice_id, paid)
    _cancel(session, invoice, now=now)
    write_audit(
        session, action="sales.invoice_annulled", reason=reason[:300], subject_id=invoice_id
    )


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
    lock_key(session, f"debit/{source_key}")
    known = _known(session, DebitNote, source_key)
    if known is not None:
        return known
    invoice = invoice_row(session, invoice_id)
    _check_supported(invoice, "-")
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
    environment = read_environment(session)
    series = numbering.allocate(
        session,
        issue_point_id=invoice.issue_point_id,
        document_kind=DEBIT_NOTE_KIND,
        environment=environment,
    )
    note_id, today = new_id(), to_local_date(now)
    number = f"{series.branch_code}-{series.issue_point_code}-{series.first:09d}"
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
    _request(
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


@dataclass(frozen=True, slots=True)
class GuideData:
    """What a dispatch guide says: ``carrier`` moves the goods of an invoice from here to there."""

    carrier: CustomerData
    plate: str
    start_address: str
    starts_on: date
    ends_on: date
    destination_address: str
    reason: str


def issue_dispatch_guide(
    session: Session, invoice_id: UUID, guide: GuideData, *, source_key: str, now: datetime
) -> NoteRef:
    """Issue a dispatch guide for the goods of an invoice. Raises ``DomainError``, ``NotFound``."""
    lock_key(session, f"guide/{source_key}")
    known = _known(session, DispatchGuide, source_key)
    if known is not None:
        return known
    invoice = invoice_row(session, invoice_id)
    for field, value in (
        ("plate", guide.plate),
        ("start_address", guide.start_address),
        ("destination_address", guide.destination_address),
        ("reason", guide.reason),
    ):
        if not value.strip() or len(value) > 300:
            raise DomainError(
                _("Fill in plate, addresses and reason of the transport."),
                code="guide_incomplete",
                field=field,
            )
    if guide.ends_on < guide.starts_on:
        raise DomainError(
            _("The transport ends before it begins. Correct the days."),
            code="guide_dates",
            field="ends_on",
        )
    environment = read_environment(session)
    series = numbering.allocate(
        session,
        issue_point_id=invoice.issue_point_id,
        document_kind=DISPATCH_GUIDE_KIND,
        environment=environment,
    )
    guide_id, today = new_id(), to_local_date(now)
    number = f"{series.branch_code}-{series.issue_point_code}-{series.first:09d}"
    items = tuple(
        (line.code, line.description, line.quantity)
        for line in lines_of(session, [invoice_id])[invoice_id]
    )
    destination = GuideDestination(
        consignee=buyer_of(invoice),
        address=guide.destination_address.strip(),
        reason=guide.reason.strip(),
        items=items,
        supported=supported_by(invoice),
    )
    session.add(
        DispatchGuide(
            id=guide_id,
            invoice_id=invoice_id,
            environment=environment,
            number=number,
            issued_on=today,
            issued_at=now,
            carrier=[guide.carrier.tax_id_type, guide.carrier.tax_id, guide.carrier.legal_name],
            plate=guide.plate.strip()[:20],
            start_address=guide.start_address.strip(),
            starts_on=guide.starts_on,
            ends_on=guide.ends_on,
            destinations=[
                [
                    destination.address,
                    destination.reason,
                    [[code, words, str(quantity)] for code, words, quantity in items],
                ]
            ],
            source_key=source_key,
        )
    )
    session.flush()
    _request(
        session,
        DispatchGuideRequest(
            document_id=guide_id,
            branch_code=series.branch_code,
            issue_point_code=series.issue_point_code,
            sequence=series.first,
            issued_on=today,
            counterpart=guide.carrier,
            start_address=guide.start_address.strip(),
            starts_on=guide.starts_on,
            ends_on=guide.ends_on,
            plate=guide.plate.strip()[:20],
            destinations=(destination,),
        ),
        now=now,
    )
    return NoteRef(guide_id, number, ZERO, created=True)


def lock_key(session: Session, key: str) -> None:
    """Let a repeat of the same request wait until the first has committed."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 2))"),
        {"name": f"{scope_of(session).tenant_id}/{key}"},
    )


def _known(session: Session, model: Any, source_key: str) -> NoteRef | None:
    if not 0 < len(source_key) <= 120:
        raise DomainError(
            _("The request has no usable key of its own. Send a key of 1 to 120 characters."),
            code="bad_source_key",
            field="source_key",
        )
    amount = getattr(model, "total", None)
    columns = [model.id, model.number] + ([amount] if amount is not None else [])
    row = session.execute(select(*columns).where(model.source_key == source_key)).one_or_none()
    if row is None:
        return None
    return NoteRef(row[0], row[1], row[2] if len(row) > 2 else ZERO, created=False)


def _check_supported(invoice: Row[Any], reason: str) -> None:
    if invoice.customer_type == FINAL_CONSUMER_TYPE:
        raise DomainError(
            _("SRI does not allow to annul or credit an invoice to the final consumer."),
            code="final_consumer_note",
        )
    if not reason.strip():
        raise DomainError(
            _("Say why; the customer reads the reason on the document."),
            code="reason_missing",
            field="reason",
        )


def buyer_of(invoice: Row[Any]) -> CustomerData:
    """The customer as the invoice shows him."""
    return CustomerData(
        invoice.customer_type,
        invoice.customer_tax_id,
        invoice.customer_name,
        invoice.customer_email,
        invoice.customer_address,
        invoice.customer_phone,
    )


def supported_by(invoice: Row[Any]) -> SupportedDocument:
    """The invoice as the document that a note refers to."""
    return SupportedDocument(INVOICE_KIND, invoice.number, invoice.issued_on)


def _request(session: Session, request: FiscalRequest, *, now: datetime) -> None:
    try:
        fiscal = plugins.service(FiscalIssuing)
    except ServiceMissing:
        return
    fiscal.request(session, [request], now=now)
