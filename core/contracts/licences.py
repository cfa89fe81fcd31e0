"""What is said about licences across scopes: published by events, never read across.

The operator's contract is the master copy; the client's licence and the distributor's portfolio are
told by :class:`core.contracts.events.LicenceChanged` and its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """A plan as distributors and clients may order it (monthly price in USD before IVA)."""

    plan_id: UUID
    name: str
    price: Decimal
    included_minutes: int = 0
    entitlements: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LicenceContract:
    """A contract between the operator and a client, as it stands.

    ``kind`` "first" or "reentry"; ``state`` "order", "enabled" or "withdrawn". ``accounts`` are the
    vendor's bank accounts, ready to print. ``revision`` counts the tellings of this contract.
    """

    contract_id: UUID
    kind: str
    state: str
    client_tenant_id: UUID
    client_tax_id: str
    client_name: str
    client_email: str
    distributor_id: UUID | None
    distributor_name: str
    plan_id: UUID
    plan_name: str
    price: Decimal
    payment_code: str
    ordered_on: date
    lapses_on: date
    started_on: date | None = None
    cancelled_on: date | None = None
    left_out_on: date | None = None  # the day-25 run that issued nothing to it (R15)
    on_credit: bool = False
    first_total: Decimal = Decimal("0.00")  # of an order: its first invoice with IVA
    included_minutes: int = 0
    entitlements: Mapping[str, Any] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    contact: Mapping[str, str] = field(default_factory=dict)
    owner: Mapping[str, str] = field(default_factory=dict)  # who gets the first access
    revision: int = 0


@dataclass(frozen=True, slots=True)
class ClientInvoice:
    """A licence invoice as its payer and the payer's distributor see it. ``state`` open, paid, cancelled."""

    invoice_id: UUID
    contract_id: UUID
    client_tenant_id: UUID
    number: str
    period_start: date
    period_end: date
    issued_on: date
    due_on: date | None
    subtotal: Decimal
    total: Decimal
    balance: Decimal
    state: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class CreditNoteDraft:
    """A credit note that may undo a licence invoice (A-11, R15).

    ``reason`` "cancelled" or "unpaid"; ``state`` draft, confirmed, dismissed, refused or issued;
    ``note``: the number of the note, or why there is none.
    """

    invoice_id: UUID
    contract_id: UUID
    client_tenant_id: UUID
    client_name: str
    number: str
    period_start: date
    total: Decimal
    reason: str
    state: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class SupportTicket:
    """A request for support hours; each side fills its own fields and tells the others.

    The client: ``subject``, ``accepted_at``. The distributor: quote, timer, ``closed_at``. The
    operator: ``from_wallet`` and the charge (USD before IVA).
    """

    ticket_id: UUID
    client_tenant_id: UUID
    client_name: str
    distributor_id: UUID | None
    subject: str
    opened_at: datetime
    quoted_minutes: int | None = None
    quoted_at: datetime | None = None
    accepted_at: datetime | None = None
    running_since: datetime | None = None
    seconds: int = 0
    closed_at: datetime | None = None
    from_wallet: int | None = None
    charged_hours: int | None = None
    charged_net: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FirstInvoice:
    """What the first invoice of a contract would be, were it made on a day: ``first`` to ``last`` (both
    included), USD.
    """

    first: date
    last: date
    net: Decimal
    tax: Decimal
    total: Decimal
