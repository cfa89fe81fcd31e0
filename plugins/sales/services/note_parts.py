"""What credit notes, debit notes and dispatch guides have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from core import plugins
from core.contracts.fiscal import (
    FiscalRequest,
    SupportedDocument,
)
from core.contracts.sales import CustomerData
from core.contracts.services import FiscalIssuing
from core.domain.money import ZERO
from core.errors import DomainError, ServiceMissing
from core.i18n import _
from plugins.sales.domain.vocabulary import (
    FINAL_CONSUMER_TYPE,
    INVOICE_KIND,
)
from plugins.sales.services.practice import SHOWN


@dataclass(frozen=True, slots=True)
class NoteRef:
    """A note that exists. ``created`` is False when the same key had made it before."""

    id: UUID
    number: str
    total: Decimal
    created: bool


def known_note(session: Session, model: Any, source_key: str) -> NoteRef | None:
    """The note that ``source_key`` made before, or None."""
    if not 0 < len(source_key) <= 120:
        raise DomainError(
            _("The request has no usable key of its own. Send a key of 1 to 120 characters."),
            code="bad_source_key",
            field="source_key",
        )
    amount = getattr(model, "total", None)
    columns = [model.id, model.number] + ([amount] if amount is not None else [])
    row = session.execute(
        select(*columns).where(model.source_key == source_key).execution_options(**SHOWN)
    ).one_or_none()
    if row is None:
        return None
    return NoteRef(row[0], row[1], row[2] if len(row) > 2 else ZERO, created=False)


def check_supported(invoice: Row[Any], reason: str) -> None:
    """Raise ``DomainError`` when no note may refer to the invoice, or the reason is empty."""
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


def request_document(session: Session, request: FiscalRequest, *, now: datetime) -> None:
    """Ask for the fiscal document where a plugin makes them."""
    try:
        fiscal = plugins.service(FiscalIssuing)
    except ServiceMissing:
        return
    fiscal.request(session, [request], now=now)
