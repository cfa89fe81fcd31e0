"""Events: what has happened, told to whoever listens, at least once.

Each is a frozen dataclass named in the past tense, JSON-serialisable field by field (UUID, date,
datetime, Decimal, str, int, bool, None, and tuples or dicts of those). ``version`` grows when a field changes meaning.
The destination tenant is an argument of ``core.db.events.emit``; it is not part of the event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from core.contracts.event import Event
from core.contracts.licence_events import (
    AdviserAssigned,
    ClientInvoicePublished,
    ClientReleased,
    CreditLimitSet,
    CreditNoteDrafted,
    LicenceCancelled,
    LicenceChanged,
    LicenceEnabling,
    LicenceOrdered,
    LicencePlanAsked,
    LicenceStandingChanged,
    LicenceTransferAsked,
    PlansOffered,
    SupportTicketChanged,
    SupportWalletChanged,
    TrainingAnnounced,
    TrainingsAsked,
    TrainingSeatChanged,
)

__all__ = [
    "AdviserAssigned",
    "AnnulmentChanged",
    "CertificateChanged",
    "ClientInvoicePublished",
    "ClientReleased",
    "CreditLimitSet",
    "CreditNoteDrafted",
    "DocumentAuthorized",
    "DocumentCorrected",
    "DocumentDisputed",
    "DocumentRejected",
    "Event",
    "InvoiceBalanceChanged",
    "InvoiceCancelled",
    "InvoicePaid",
    "InvoicesIssued",
    "LicenceCancelled",
    "LicenceChanged",
    "LicenceEnabling",
    "LicenceOrdered",
    "LicencePlanAsked",
    "LicenceStandingChanged",
    "LicenceTransferAsked",
    "PaymentConfirmed",
    "PaymentReceived",
    "PaymentRejected",
    "PaymentReported",
    "PlansOffered",
    "PriceAnnounced",
    "SettingChanged",
    "SubscriptionCancelled",
    "SubscriptionChanged",
    "SubscriptionEnded",
    "SubscriptionKept",
    "SubscriptionStarted",
    "SupportTicketChanged",
    "SupportWalletChanged",
    "TrainingAnnounced",
    "TrainingSeatChanged",
    "TrainingsAsked",
]


@dataclass(frozen=True, slots=True)
class SettingChanged(Event):
    """A setting that others hold a copy of has another value (``SettingSpec.is_told``)."""

    key: str


@dataclass(frozen=True, slots=True)
class InvoicesIssued(Event):
    """Sales issued invoices (their fiscal documents are on their way): one at the till, up to 20 of a
    run, all of one day and source. ``numbers`` are in the order of ``invoice_ids``.
    """

    invoice_ids: tuple[UUID, ...]
    numbers: tuple[str, ...]
    issued_on: date
    source: str


@dataclass(frozen=True, slots=True)
class InvoiceCancelled(Event):
    """Sales cancelled an invoice (annulled at SRI or credited in full)."""

    invoice_id: UUID
    number: str
    source: str
    source_key: str


@dataclass(frozen=True, slots=True)
class InvoiceBalanceChanged(Event):
    """What an invoice still owes changed otherwise than by a payment: one was taken back, or a note
    credited a part of it or charged more.
    """

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
class DocumentCorrected(Event):
    """A person corrected a refused document (receiver, date): it says this now and is sent again."""

    document_id: UUID
    kind: str  # SRI codDoc
    number: str
    issued_on: date
    receiver_tax_id_type: str
    receiver_tax_id: str
    receiver_name: str
    receiver_email: str
    receiver_address: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AnnulmentChanged(Event):
    """The annulment of an authorised document was asked for, done, or came to nothing."""

    document_id: UUID
    kind: str  # SRI codDoc
    access_key: str
    number: str
    receiver_tax_id: str
    step: str  # "requested", "annulled", "withdrawn"
    at: datetime


@dataclass(frozen=True, slots=True)
class CertificateChanged(Event):
    """What a company signs with was uploaded, handed over or wiped, or ends soon."""

    ends_on: date | None  # the last day of the longest-lived one; None: it has none


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
    """Somebody says it paid invoices of the tenant addressed.

    Sales tells its own tenant (``client_tenant_id`` None: it knows a customer, not a tenant). A licence's
    report reaches operator, distributor and client, and names the client.
    """

    report_id: UUID
    client_tenant_id: UUID | None
    invoice_ids: tuple[UUID, ...]
    amount: Decimal
    value_on: date
    bank: str
    reference: str
    reported_at: datetime
    client_name: str = ""
    withheld: Decimal = Decimal("0.00")
    allocations: tuple[tuple[UUID, Decimal], ...] = ()  # money plus withheld per invoice
    numbers: tuple[str, ...] = ()  # of the invoices, for people
    payer: str = ""
    has_slip: bool = False
    group_id: UUID | None = None  # one transfer told for several tenants
    is_late: bool = False
    contract_id: UUID | None = None  # the order of payment that it pays: no invoice yet
    account: str = ""  # of the vendor, that took the money; empty: not said
    transferred: Decimal | None = None  # the whole transfer, where it was told for several tenants
    expects_withheld: bool = True  # False: its client is no agente de retención


@dataclass(frozen=True, slots=True)
class PaymentConfirmed(Event):
    """A distributor or the operator confirmed a report: to the client and the other one who holds it.

    ``report`` is what was answered, for whoever hears the answer before the report.
    """

    report_id: UUID
    confirmed_at: datetime
    report: PaymentReported | None = None


@dataclass(frozen=True, slots=True)
class PaymentRejected(Event):
    """A distributor or the operator rejected a report: to the client and the other one who holds it."""

    report_id: UUID
    reason: str
    rejected_at: datetime
    report: PaymentReported | None = None  # as in PaymentConfirmed


# -- subscriptions -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SubscriptionStarted(Event):
    """Billing began a subscription; its first invoice was issued in the same transaction."""

    subscription_id: UUID
    customer_id: UUID
    plan_id: UUID
    plan_name: str
    price: Decimal  # a month, before IVA
    start_on: date
    renews: bool
    first_invoice_id: UUID | None


@dataclass(frozen=True, slots=True)
class SubscriptionChanged(Event):
    """Another plan: ``effective_on`` is the change day (upgrade) or the next period's first day."""

    subscription_id: UUID
    customer_id: UUID
    old_plan_id: UUID
    plan_id: UUID
    effective_on: date


@dataclass(frozen=True, slots=True)
class PriceAnnounced(Event):
    """Billing told the subscribers of a plan of a new price (A-29): their next invoices may change."""

    plan_id: UUID
    price: Decimal  # a month, before IVA
    valid_from: date


@dataclass(frozen=True, slots=True)
class SubscriptionCancelled(Event):
    """No further invoice will be issued (R10); what is invoiced runs to ``ends_on``."""

    subscription_id: UUID
    customer_id: UUID
    cancelled_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class SubscriptionKept(Event):
    """A cancellation was taken back while the service still ran: it renews as before."""

    subscription_id: UUID
    customer_id: UUID


@dataclass(frozen=True, slots=True)
class SubscriptionEnded(Event):
    """The paid time is over (R11, R15): nothing more is served or invoiced."""

    subscription_id: UUID
    customer_id: UUID
    ended_on: date
