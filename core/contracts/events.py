"""Events: what has happened, told to whoever listens, at least once.

Each is a frozen dataclass named in the past tense, JSON-serialisable field by field (UUID, date,
datetime, Decimal, str, int, bool, None, and tuples or dicts of those). ``version`` grows when a field changes meaning.
The destination tenant is an argument of ``core.db.events.emit``; it is not part of the event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    version: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class InvoiceIssued(Event):
    """Sales issued an invoice (its fiscal document is on its way)."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_tax_id: str
    issued_on: date
    due_on: date | None
    total: Decimal
    source: str
    source_key: str


@dataclass(frozen=True, slots=True)
class InvoiceCancelled(Event):
    """Sales cancelled an invoice (annulled at SRI or credited in full)."""

    invoice_id: UUID
    number: str
    source: str
    source_key: str


@dataclass(frozen=True, slots=True)
class PaymentReceived(Event):
    """Sales recorded money from a customer."""

    payment_id: UUID
    customer_id: UUID
    amount: Decimal
    value_on: date
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class InvoicePaid(Event):
    """An invoice is covered in full (money plus withholdings)."""

    invoice_id: UUID
    number: str
    source: str
    source_key: str
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentAuthorized(Event):
    """SRI authorised a document of the tenant at hand."""

    document_id: UUID
    kind: str  # SRI codDoc
    access_key: str
    number: str
    issued_on: date
    issuer_tax_id: str
    issuer_name: str
    receiver_tax_id_type: str
    receiver_tax_id: str
    receiver_name: str
    receiver_email: str
    total: Decimal
    environment: int  # 1 pruebas, 2 producción
    authorized_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentRejected(Event):
    """SRI refused a document; a person must act."""

    document_id: UUID
    kind: str
    access_key: str
    number: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class DocumentDisputed(Event):
    """A receiver said that a document is not right (or took that back: ``accepted``)."""

    document_id: UUID
    access_key: str
    accepted: bool
    note: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentReported(Event):
    """A licensed client says it paid: addressed to the operator's tenant."""

    report_id: UUID
    client_tenant_id: UUID
    invoice_ids: tuple[UUID, ...]
    amount: Decimal
    value_on: date
    bank: str
    reference: str
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentConfirmed(Event):
    """A distributor or the operator confirmed a report: addressed to the client's tenant."""

    report_id: UUID
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentRejected(Event):
    """A distributor or the operator rejected a report: addressed to the client's tenant."""

    report_id: UUID
    reason: str
    rejected_at: datetime
