"""An annulled invoice is issued again: same lines (or corrected ones), next number, linked to the old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.sales import InvoiceDraft, InvoiceLineDraft, InvoiceRef
from core.errors import Conflict
from core.i18n import _
from core.services.audit import write_audit
from plugins.sales.domain.vocabulary import REPLACES, practice_source
from plugins.sales.models import Invoice
from plugins.sales.services.issue_invoices import invoice_row, issue_invoices
from plugins.sales.services.practice import SHOWN, environment_of_note

SOURCE = "reissue"
SOURCES = (SOURCE, practice_source(SOURCE))
SUBSCRIPTIONS = frozenset({"billing", "licensing"})


@dataclass(frozen=True, slots=True)
class Link:
    """The invoice at the other end of a re-issue."""

    id: UUID
    number: str


def may_reissue(invoice: Any) -> bool:
    """A cancelled invoice that people made; a subscription's is billed by its subscription."""
    return invoice.state == "cancelled" and invoice.source not in SUBSCRIPTIONS


def successor(session: Session, invoice_id: UUID) -> Link | None:
    """The invoice that was issued in place of this one."""
    found = session.execute(
        select(Invoice.id, Invoice.number)
        .where(Invoice.source.in_(SOURCES), Invoice.source_key == str(invoice_id))
        .execution_options(**SHOWN)
    ).first()
    return None if found is None else Link(*found)


def predecessor(session: Session, invoice: Any) -> Link | None:
    """The annulled invoice in whose place this one was issued."""
    if invoice.source not in SOURCES:
        return None
    found = session.execute(
        select(Invoice.id, Invoice.number)
        .where(Invoice.id == UUID(invoice.source_key))
        .execution_options(**SHOWN)
    ).first()
    return None if found is None else Link(*found)


def reissue_invoice(
    session: Session,
    invoice_id: UUID,
    *,
    customer_id: UUID,
    lines: Sequence[InvoiceLineDraft],
    now: datetime,
) -> InvoiceRef:
    """Issue an annulled invoice again, dated today at today's rates; asked twice, the same one.

    The new document names the old one. Raises ``Conflict`` for an invoice that stands or came from a
    subscription, ``DomainError`` for lines that cannot be an invoice, ``NotFound``.
    """
    old = invoice_row(session, invoice_id)
    environment_of_note(session, old)
    if old.source in SUBSCRIPTIONS:
        raise Conflict(
            _(
                "This invoice came from a subscription, whose runs do not bill that period again: sell it to"
                " this customer as a new invoice, with what was corrected."
            ),
            code="invoice_of_subscription",
        )
    if not may_reissue(old):
        raise Conflict(
            _("Invoice %(number)s stands: annul it first, then issue it again.", number=old.number),
            code="invoice_stands",
        )
    today = to_local_date(now)
    kept = [(name, value) for name, value in old.additional_info if name != REPLACES]
    (ref,) = issue_invoices(
        session,
        [
            InvoiceDraft(
                customer_id=customer_id,
                issue_point_id=old.issue_point_id,
                issued_on=today,
                lines=tuple(lines),
                source=SOURCE,
                source_key=str(invoice_id),
                due_on=today + timedelta(days=old.payment_term_days),
                payment_method=old.payment_method,
                payment_term_days=old.payment_term_days,
                salesperson_id=old.salesperson_id,
                additional_info=(*kept, (REPLACES, old.number)),
            )
        ],
        now=now,
    )
    if ref.created:
        write_audit(session, action="sales.invoice_reissued", subject_id=ref.id)
    return ref
