"""What others answer to a payment report, and what became of fiscal documents: the books here say so too."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts import events
from core.contracts.hooks import EventContext
from core.errors import Conflict
from plugins.sales.models import (
    CreditNote,
    DebitNote,
    DispatchGuide,
    Invoice,
    Payment,
    PaymentReport,
)
from plugins.sales.services.issue_credit_notes import annul_invoice
from plugins.sales.services.practice import SHOWN
from plugins.sales.services.report_payments import payment_key

LISTENS_TO = (
    events.PaymentConfirmed,
    events.PaymentRejected,
    events.AnnulmentChanged,
    events.DocumentCorrected,
)
INVOICE = "01"
Dated = Invoice | CreditNote | DebitNote | DispatchGuide
DATED = {INVOICE: Invoice, "04": CreditNote, "05": DebitNote, "06": DispatchGuide}
ANNULLED = "Anulada en el SRI"


def react_to(event: events.Event, context: EventContext) -> None:
    """A report was answered elsewhere (a distributor's queue); the own answers come back too."""
    if isinstance(event, events.PaymentConfirmed | events.PaymentRejected):
        hear_answer(context.session, event)
    elif isinstance(event, events.AnnulmentChanged):
        hear_annulment(context.session, event)
    elif isinstance(event, events.DocumentCorrected):
        hear_correction(context.session, event)


def hear_annulment(session: Session, event: events.AnnulmentChanged) -> None:
    """SRI annulled the document of an invoice: the invoice is annulled in the books too.

    One that is cancelled already, or that holds notes, is left to a person.
    """
    if event.kind != INVOICE or event.step != "annulled":
        return
    invoice = session.get(Invoice, event.document_id, execution_options=SHOWN)
    if invoice is None or invoice.state == "cancelled":
        return
    with suppress(Conflict):
        annul_invoice(session, invoice.id, reason=ANNULLED, now=event.at)


def hear_correction(session: Session, event: events.DocumentCorrected) -> None:
    """A document was corrected before SRI authorised it: the page of what it is for says the same.

    The customer stays as it is: it may be right while a document of the past was wrong.
    """
    kind = DATED.get(event.kind)
    if kind is None:
        return
    row = cast("Dated | None", session.get(kind, event.document_id, execution_options=SHOWN))
    if row is None:
        return
    row.issued_on = event.issued_on
    if isinstance(row, Invoice):
        row.due_on = row.due_on and max(row.due_on, event.issued_on)
        row.customer_type, row.customer_tax_id = event.receiver_tax_id_type, event.receiver_tax_id
        row.customer_name, row.customer_email = event.receiver_name, event.receiver_email
        row.customer_address = event.receiver_address


def hear_answer(session: Session, event: events.PaymentConfirmed | events.PaymentRejected) -> None:
    """Decide the report that the answer is about; one of somebody else, or decided before, stays."""
    report = session.get(PaymentReport, event.report_id, with_for_update=True)
    if report is None or report.state != "reported":
        return
    if isinstance(event, events.PaymentRejected):
        report.state, report.decided_at = "rejected", event.rejected_at
        report.reason = event.reason[:300]
        return
    report.state, report.decided_at = "confirmed", event.confirmed_at
    report.payment_id = session.scalar(
        select(Payment.id).where(Payment.idempotency_key == payment_key(report.id))
    )
