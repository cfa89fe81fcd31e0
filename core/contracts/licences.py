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
class NextPlan:
    """The plan that a licence goes to, and the first day it counts on (monthly price in USD before IVA)."""

    plan_id: UUID
    name: str
    price: Decimal
    on: date


@dataclass(frozen=True, slots=True)
class TakenPlan:
    """The plan of a subscription: what its next invoice charges, unless ``next`` waits for that invoice.

    ``cancelled_on``: the day on which it was cancelled, as long as nobody takes that back.
    """

    plan_id: UUID
    name: str
    price: Decimal
    next: NextPlan | None = None
    cancelled_on: date | None = None


@dataclass(frozen=True, slots=True)
class PlanQuote:
    """What a change of plan brings, were it made now (R14): USD, ``price`` a month's before IVA.

    A dearer plan counts from ``on``, today, and changes the days up to ``until``: ``credit`` of the old
    plan, ``charge`` of the new, ``total`` their difference with ``tax``. A cheaper one counts from
    ``on``, the next period; ``until`` is None and nothing is to be paid now.
    """

    plan_id: UUID
    name: str
    price: Decimal
    on: date
    until: date | None = None
    credit: Decimal = Decimal("0.00")
    charge: Decimal = Decimal("0.00")
    tax: Decimal = Decimal("0.00")
    total: Decimal = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class UpcomingInvoice:
    """What a run will invoice on ``issue_on`` if nothing changes and what comes before is paid (USD).

    ``first`` to ``last`` (both included) of ``plan``. ``due_on`` and ``suspend_on`` (unpaid, suspended
    from that day 00:00) are None where it is paid on signing. ``why``: the derivation, which
    ``Subscribing.explain`` puts in words.
    """

    plan: str
    issue_on: date
    first: date
    last: date
    net: Decimal
    tax: Decimal
    total: Decimal
    due_on: date | None
    suspend_on: date | None
    why: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LicenceContract:
    """A contract between the operator and a client, as it stands.

    ``kind`` "first" or "reentry"; ``state`` "order", "enabled" or "withdrawn". ``accounts`` are the
    vendor's bank accounts, ready to print. ``revision`` counts the tellings of this contract.
    ``upcoming``: what the next three runs will invoice; nothing where it does not go on.
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
    renews: bool = False  # of a re-entry: it goes on by R3-R5 (R12); a first contract always does
    next_plan: NextPlan | None = None  # a cheaper plan that was chosen (R14)
    plan_asked_at: datetime | None = None  # the last change that was asked and is answered
    cancel_heard_at: datetime | None = (
        None  # when the client last cancelled, as far as it was heard
    )
    plan_refusal: str = ""  # why it could not be made; empty: it was made
    first_total: Decimal = Decimal("0.00")  # of an order: its first invoice with IVA
    included_minutes: int = 0
    entitlements: Mapping[str, Any] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    contact: Mapping[str, str] = field(default_factory=dict)
    owner: Mapping[str, str] = field(default_factory=dict)  # who gets the first access
    revision: int = 0
    upcoming: tuple[UpcomingInvoice, ...] = ()
    transfer_to_name: str = ""  # the distributor of the next day-25 run; empty: it stays


@dataclass(frozen=True, slots=True)
class ClientInvoice:
    """A licence invoice as its payer and the payer's distributor see it. ``state`` open, paid, cancelled.

    Without a period it bills support hours: owed and reported like the others, it decides no access.
    ``is_period`` False: a change of plan (R14) inside periods that have invoices of their own; unpaid it
    blocks like any other, paid it opens no day.
    """

    invoice_id: UUID
    contract_id: UUID
    client_tenant_id: UUID
    number: str
    period_start: date | None
    period_end: date | None
    issued_on: date
    due_on: date | None
    subtotal: Decimal
    total: Decimal
    balance: Decimal
    state: str
    description: str = ""
    is_period: bool = True

    @property
    def begins_on(self) -> date:
        """The first day that it covers; of support hours the day of issue."""
        return self.period_start or self.issued_on


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
