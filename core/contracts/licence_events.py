"""Events between operator, distributors and clients; part of ``core.contracts.events``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from core.contracts.event import Event
from core.contracts.licences import (
    ClientInvoice,
    CreditNoteDraft,
    LicenceContract,
    PlanOffer,
    SupportTicket,
    UpcomingInvoice,
)


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
    renews: bool = False  # of a re-entry: it goes on by R3-R5 (R12); a first contract always does


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

    ``report_id``: the report whose money is now part of the balance. ``upcoming``: what the next runs
    will invoice to this contract.
    """

    invoice: ClientInvoice
    published_at: datetime
    report_id: UUID | None = None
    upcoming: tuple[UpcomingInvoice, ...] = ()


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
class LicencePlanAsked(Event):
    """A client (or its distributor for it) chose another plan (R14): addressed to the operator."""

    contract_id: UUID
    client_tenant_id: UUID
    plan_id: UUID
    asked_at: datetime


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
