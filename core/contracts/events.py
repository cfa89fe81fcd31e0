"""Events: what has happened, told to whoever listens, at least once.

Each is a frozen dataclass named in the past tense, JSON-serialisable field by field (UUID, date,
datetime, Decimal, str, int, bool, None, and tuples or dicts of those). ``version`` grows when a field changes meaning.
The destination tenant is an argument of ``core.db.events.emit``; it is not part of the event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from core.contracts.licences import (
    ClientInvoice,
    CreditNoteDraft,
    LicenceContract,
    PlanOffer,
    SupportTicket,
)


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    version: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class SettingChanged(Event):
    """A setting that others hold a copy of has another value (``SettingSpec.is_told``)."""

    key: str


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


# -- licences ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlansOffered(Event):
    """The operator offers these plans: addressed to each distributor and client."""

    offers: tuple[PlanOffer, ...]
    offered_at: datetime


@dataclass(frozen=True, slots=True)
class LicenceOrdered(Event):
    """A distributor contracted a client, or a client orders a month: addressed to the operator."""

    contract_id: UUID
    kind: str
    client_tenant_id: UUID
    client_tax_id: str
    client_name: str
    client_email: str
    distributor_id: UUID | None
    plan_id: UUID
    ordered_on: date
    owner: Mapping[str, str] = field(default_factory=dict)  # who gets the first access


@dataclass(frozen=True, slots=True)
class LicenceEnabling(Event):
    """A distributor confirms the money of an order, or enables it on credit: to the operator.

    ``order`` is the order itself: whoever hears the enabling first needs nothing else.
    """

    contract_id: UUID
    on_credit: bool
    amount: Decimal
    value_on: date
    bank: str
    reference: str
    enabled_at: datetime
    order: LicenceOrdered | None = None


@dataclass(frozen=True, slots=True)
class LicenceChanged(Event):
    """The operator's contract changed: addressed to the client and to its distributor(s).

    The contract's ``revision`` says which of two is the newer, whatever order they arrive in.
    """

    contract: LicenceContract
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ClientReleased(Event):
    """A client now belongs to another distributor: addressed to the old one."""

    client_tenant_id: UUID
    released_on: date
    contract_id: UUID | None = None
    revision: int = 0  # of the contract: what was told before it is out of date


@dataclass(frozen=True, slots=True)
class ClientInvoicePublished(Event):
    """A licence invoice was issued, paid or cancelled: to the client and its distributor.

    ``report_id``: the report whose money is now part of the balance.
    """

    invoice: ClientInvoice
    published_at: datetime
    report_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LicenceStandingChanged(Event):
    """A client's licence turned (paid, due, reported, suspended, …): to operator and distributor.

    ``revision`` grows with each telling of a client's licence; a smaller one that arrives later is old.
    """

    contract_id: UUID
    client_tenant_id: UUID
    state: str
    since: datetime
    next_due_on: date | None
    suspends_on: date | None
    paid_through_on: date | None
    balance: Decimal
    last_document_on: date | None
    rejected_documents: int
    certificate_until: date | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class LicenceCancelled(Event):
    """A client (or its distributor for it) cancels: addressed to the operator."""

    contract_id: UUID
    client_tenant_id: UUID
    cancelled_at: datetime
    received_on: date | None = None  # the day of the client's mail, where one was entered (R10)


@dataclass(frozen=True, slots=True)
class CreditNoteDrafted(Event):
    """The draft of a credit note over a licence invoice was made, decided or issued: to the other sides."""

    draft: CreditNoteDraft
    at: datetime


@dataclass(frozen=True, slots=True)
class LicenceTransferAsked(Event):
    """A client asks for another distributor: addressed to the operator."""

    client_tenant_id: UUID
    to_distributor_id: UUID
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class CreditLimitSet(Event):
    """The operator allows a distributor to enable on credit up to this amount (USD)."""

    limit: Decimal
    set_at: datetime


@dataclass(frozen=True, slots=True)
class SupportTicketChanged(Event):
    """One side of a support ticket filled its part: addressed to the other sides."""

    ticket: SupportTicket
    by: str  # "client", "distributor", "operator"
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class SupportWalletChanged(Event):
    """The minutes left in a client's wallet: addressed to the client and its distributor."""

    client_tenant_id: UUID
    minutes_left: int
    changed_at: datetime
    revision: int = 0  # granted plus used minutes, which only grow


@dataclass(frozen=True, slots=True)
class AdviserAssigned(Event):
    """A distributor put a client into an adviser's care: addressed to the client. No name: nobody's."""

    client_tenant_id: UUID
    distributor_id: UUID
    name: str
    email: str
    phone: str
    told_at: datetime


@dataclass(frozen=True, slots=True)
class TrainingAnnounced(Event):
    """A group training was set, changed or called off: addressed to each client who may come."""

    session_id: UUID
    host_id: UUID
    host_name: str
    starts_at: datetime
    minutes: int
    topic: str
    place: str  # a link, or where to go
    seats: int | None
    is_cancelled: bool
    told_at: datetime


@dataclass(frozen=True, slots=True)
class TrainingsAsked(Event):
    """A new client asks which trainings are to come: addressed to its operator and distributor."""

    client_tenant_id: UUID
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class TrainingSeatChanged(Event):
    """A client comes to a training, with how many people, or no longer: addressed to who holds it."""

    session_id: UUID
    client_tenant_id: UUID
    client_name: str
    people: int
    is_withdrawn: bool
    told_at: datetime


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
class SubscriptionCancelled(Event):
    """No further invoice will be issued (R10); what is invoiced runs to ``ends_on``."""

    subscription_id: UUID
    customer_id: UUID
    cancelled_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class SubscriptionEnded(Event):
    """The paid time is over (R11, R15): nothing more is served or invoiced."""

    subscription_id: UUID
    customer_id: UUID
    ended_on: date
