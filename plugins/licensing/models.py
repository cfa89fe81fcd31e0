"""Tables of licensing. Columns and constraints; no verbs.

Three scopes, told apart by whose tenant a row carries: the client's (licence, its invoices and
reports), the distributor's (portfolio, advisers, limit) and the operator's (contracts, wallets,
plan terms). What another party must see is published by an event into a row of his own scope.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tenancy import TenantMixin, tenant_args, tenant_ref
from core.db.types import MoneyColumn, UtcDateTime
from core.models import one_of
from plugins.licensing.domain.credits import CREDIT_REASONS, CREDIT_STEPS
from plugins.licensing.domain.lifecycle import STATES

_STATE = one_of("state", tuple(STATES))


# -- the client's scope ------------------------------------------------------------------------------


class Licence(TenantMixin, Base):
    """The client's copy of its contract, and when its state may turn next. One row per tenant."""

    __tablename__ = "lic_licence"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id"),
        Index("ix_lic_licence_next_check_on", "tenant_id", "next_check_on"),
        CheckConstraint(_STATE, name="state"),
        CheckConstraint("price >= 0", name="price"),
    )

    contract_id: Mapped[UUID] = mapped_column()
    operator_id: Mapped[UUID] = mapped_column()
    distributor_id: Mapped[UUID | None] = mapped_column()
    distributor_name: Mapped[str] = mapped_column(String(300), default="")
    transfer_to_name: Mapped[str] = mapped_column(
        String(300), default=""
    )  # from the next day 25 on
    contact: Mapped[Any] = mapped_column(JSONB, default=dict)
    plan_id: Mapped[UUID] = mapped_column()
    plan_name: Mapped[str] = mapped_column(String(120))
    price: Mapped[Decimal] = mapped_column(MoneyColumn)
    next_plan_name: Mapped[str] = mapped_column(
        String(120), default=""
    )  # R14: a cheaper one to come
    next_price: Mapped[Decimal | None] = mapped_column(MoneyColumn)
    next_plan_on: Mapped[date | None] = mapped_column()
    asked_plan_name: Mapped[str] = mapped_column(String(120), default="")  # and not answered yet
    asked_plan_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the last time
    plan_refusal: Mapped[str] = mapped_column(String(300), default="")  # of the plan asked last
    first_total: Mapped[Decimal] = mapped_column(MoneyColumn, default=Decimal("0.00"))
    payment_code: Mapped[str] = mapped_column(String(16))
    accounts: Mapped[Any] = mapped_column(JSONB, default=list)
    entitlements: Mapped[Any] = mapped_column(JSONB, default=dict)
    policy: Mapped[Any] = mapped_column(JSONB, default=dict)
    is_reentry: Mapped[bool] = mapped_column(default=False)
    renews: Mapped[bool] = mapped_column(default=True)  # False: back for one month (R12)
    ordered_on: Mapped[date] = mapped_column()
    started_on: Mapped[date | None] = mapped_column()
    cancelled_on: Mapped[date | None] = mapped_column()
    is_withdrawn: Mapped[bool] = mapped_column(default=False)
    wallet_minutes: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(12), default="order")  # as last recorded
    next_check_on: Mapped[date | None] = mapped_column()
    contract_revision: Mapped[int] = mapped_column(default=0)  # as last heard
    wallet_revision: Mapped[int] = mapped_column(default=0)  # as last heard
    standing_revision: Mapped[int] = mapped_column(default=0)  # as last told
    adviser: Mapped[Any] = mapped_column(JSONB, default=dict)  # the card: name, email, phone
    adviser_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ending_told_on: Mapped[date | None] = mapped_column()  # the last day that was mailed ahead
    upcoming: Mapped[Any] = mapped_column(JSONB, default=list)  # the next invoices, as last told
    upcoming_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when they were told


class ClientStatus(TenantMixin, Base):
    """A turn of the licence as it was recorded: what the sweep noticed, mailed and audited."""

    __tablename__ = "lic_client_status"
    __table_args__ = (
        *tenant_args(),
        Index("ix_lic_client_status_recorded_at", "tenant_id", "recorded_at"),
        CheckConstraint(_STATE, name="state"),
    )

    contract_id: Mapped[UUID] = mapped_column()
    state: Mapped[str] = mapped_column(String(12))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(300), default="")


class ClientInvoiceRow(TenantMixin, Base):
    """A licence invoice, in the scope of its payer and again in that of the payer's distributor; without
    a period one of support hours.
    """

    __tablename__ = "lic_client_invoice"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "invoice_id"),
        Index("ix_lic_client_invoice_client", "tenant_id", "client_tenant_id", "period_start"),
        CheckConstraint(one_of("state", ("open", "paid", "cancelled")), name="state"),
        CheckConstraint("period_end >= period_start", name="period"),
        CheckConstraint("total >= 0", name="total"),
    )

    invoice_id: Mapped[UUID] = mapped_column()
    contract_id: Mapped[UUID] = mapped_column()
    client_tenant_id: Mapped[UUID] = mapped_column()
    number: Mapped[str] = mapped_column(String(17))
    period_start: Mapped[date | None] = mapped_column()
    period_end: Mapped[date | None] = mapped_column()
    issued_on: Mapped[date] = mapped_column()
    due_on: Mapped[date | None] = mapped_column()
    subtotal: Mapped[Decimal] = mapped_column(MoneyColumn)
    total: Mapped[Decimal] = mapped_column(MoneyColumn)
    balance: Mapped[Decimal] = mapped_column(MoneyColumn)
    state: Mapped[str] = mapped_column(String(10))
    description: Mapped[str] = mapped_column(String(600), default="")
    is_period: Mapped[bool] = mapped_column(default=True)  # False: a change of plan inside periods
    expected_withheld: Mapped[Decimal] = mapped_column(MoneyColumn, default=Decimal("0.00"))
    withholding_until: Mapped[date | None] = mapped_column()
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PaymentReportRow(TenantMixin, Base):
    """«Ya pagué»: what a client said it paid, and what became of it. ``group_id``: one transfer
    told for several companies. ``allocations``: invoice id to USD, withheld included; ``applied``: the
    invoices among them whose balance holds their share already.
    """

    __tablename__ = "lic_payment_report"
    __table_args__ = (
        *tenant_args(),
        Index("ix_lic_payment_report_group_id", "tenant_id", "group_id"),
        UniqueConstraint("tenant_id", "form_key"),
        CheckConstraint(
            one_of("state", ("reported", "confirmed", "applied", "rejected")), name="state"
        ),
        CheckConstraint("amount >= 0 AND withheld >= 0 AND amount + withheld > 0", name="amount"),
    )

    group_id: Mapped[UUID | None] = mapped_column()
    form_key: Mapped[str | None] = mapped_column(String(60))  # a form sent twice is one report
    contract_id: Mapped[UUID] = mapped_column()
    bank: Mapped[str] = mapped_column(String(80))
    account: Mapped[str] = mapped_column(String(200), default="")  # the vendor's; empty: not said
    reference: Mapped[str] = mapped_column(String(60), default="")  # empty: "no la tengo"
    payer: Mapped[str] = mapped_column(String(200), default="")
    value_on: Mapped[date] = mapped_column()
    amount: Mapped[Decimal] = mapped_column(MoneyColumn)
    transferred: Mapped[Decimal] = mapped_column(MoneyColumn)  # the whole, also for other companies
    withheld: Mapped[Decimal] = mapped_column(MoneyColumn)
    allocations: Mapped[Any] = mapped_column(JSONB)
    applied: Mapped[Any] = mapped_column(JSONB, default=list)
    slip_blob_id: Mapped[UUID | None] = mapped_column()
    state: Mapped[str] = mapped_column(String(10), default="reported")
    is_late: Mapped[bool] = mapped_column(default=False)
    is_duplicate: Mapped[bool] = mapped_column(default=False)
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reported_by: Mapped[int | None] = mapped_column()
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(300), default="")


class Usage(TenantMixin, Base):
    """Documents issued by a tenant in a calendar month (``month`` is its first day)."""

    __tablename__ = "lic_usage"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id", "month"))

    month: Mapped[date] = mapped_column()
    documents: Mapped[int] = mapped_column(default=0)


class Signals(TenantMixin, Base):
    """What the traffic lights need of a client's own work. One row per tenant."""

    __tablename__ = "lic_signals"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id"))

    last_document_on: Mapped[date | None] = mapped_column()
    rejected_documents: Mapped[int] = mapped_column(default=0)
    certificate_until: Mapped[date | None] = mapped_column()


class InstalledLicence(TenantMixin, Base):
    """The signed document under which a self-hosted company works, as the vendor signed it, and the
    public key (base64) that was pinned with it. One row per tenant; verified each time it is read.
    """

    __tablename__ = "lic_installed_licence"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id"))

    content: Mapped[str] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(String(44))


class FirstAccess(TenantMixin, Base):
    """The guided way to the first authorised document, with its own timer. One row per tenant."""

    __tablename__ = "lic_first_access"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id"))

    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    first_invoice_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Offer(TenantMixin, Base):
    """A plan on offer, published to distributors and clients; ``withdrawn_at``: no longer."""

    __tablename__ = "lic_offer"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "plan_id"),
        CheckConstraint("price >= 0", name="price"),
    )

    plan_id: Mapped[UUID] = mapped_column()
    name: Mapped[str] = mapped_column(String(120))
    price: Mapped[Decimal] = mapped_column(MoneyColumn)
    included_minutes: Mapped[int] = mapped_column(default=0)
    entitlements: Mapped[Any] = mapped_column(JSONB, default=dict)
    offered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_offered: Mapped[bool] = mapped_column(default=True)


# -- the distributor's scope -------------------------------------------------------------------------


class PortfolioClient(TenantMixin, Base):
    """A client of a distributor, with what its traffic lights need."""

    __tablename__ = "lic_portfolio"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("adviser_id", "lic_adviser"),
        UniqueConstraint("tenant_id", "client_tenant_id"),
        CheckConstraint(_STATE, name="state"),
    )

    client_tenant_id: Mapped[UUID] = mapped_column()
    client_tax_id: Mapped[str] = mapped_column(String(13))
    client_name: Mapped[str] = mapped_column(String(300))
    client_email: Mapped[str] = mapped_column(String(200), default="")
    contract_id: Mapped[UUID] = mapped_column()
    contract_state: Mapped[str] = mapped_column(String(10), default="order")
    plan_id: Mapped[UUID] = mapped_column()
    plan_name: Mapped[str] = mapped_column(String(120))
    price: Mapped[Decimal] = mapped_column(MoneyColumn)
    next_plan_name: Mapped[str] = mapped_column(
        String(120), default=""
    )  # R14: a cheaper one to come
    next_price: Mapped[Decimal | None] = mapped_column(MoneyColumn)
    next_plan_on: Mapped[date | None] = mapped_column()
    payment_code: Mapped[str] = mapped_column(String(16))
    adviser_id: Mapped[UUID | None] = mapped_column()
    transfer_to_name: Mapped[str] = mapped_column(
        String(300), default=""
    )  # from the next day 25 on
    state: Mapped[str] = mapped_column(String(12), default="order")
    state_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ordered_on: Mapped[date] = mapped_column()
    lapses_on: Mapped[date] = mapped_column()
    started_on: Mapped[date | None] = mapped_column()
    cancelled_on: Mapped[date | None] = mapped_column()
    left_out_on: Mapped[date | None] = mapped_column()  # R15: the run that issued nothing to it
    on_credit: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[Any] = mapped_column(JSONB, default=dict)
    reminded_on: Mapped[date | None] = mapped_column()  # by the distributor, at most once a day
    next_due_on: Mapped[date | None] = mapped_column()
    suspends_on: Mapped[date | None] = mapped_column()
    paid_through_on: Mapped[date | None] = mapped_column()
    balance: Mapped[Decimal] = mapped_column(MoneyColumn, default=Decimal("0.00"))
    last_document_on: Mapped[date | None] = mapped_column()
    rejected_documents: Mapped[int] = mapped_column(default=0)
    certificate_until: Mapped[date | None] = mapped_column()
    wallet_minutes: Mapped[int] = mapped_column(default=0)
    released_on: Mapped[date | None] = mapped_column()
    contract_revision: Mapped[int] = mapped_column(default=0)  # as last heard, like the next two
    standing_revision: Mapped[int] = mapped_column(default=0)
    wallet_revision: Mapped[int] = mapped_column(default=0)
    upcoming: Mapped[Any] = mapped_column(JSONB, default=list, deferred=True)  # as in Licence
    upcoming_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Adviser(TenantMixin, Base):
    """A distributor's adviser: the card that clients see; ``user_id`` when he signs in."""

    __tablename__ = "lic_adviser"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id", "email"))

    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(40), default="")
    user_id: Mapped[int | None] = mapped_column()
    is_active: Mapped[bool] = mapped_column(default=True)


class CreditLimit(TenantMixin, Base):
    """What a distributor may enable before the money is there (USD). One row per distributor."""

    __tablename__ = "lic_credit_limit"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id"),
        CheckConstraint("amount >= 0", name="amount"),
    )

    amount: Mapped[Decimal] = mapped_column(MoneyColumn)
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)


class QueuedReport(TenantMixin, Base):
    """A client's payment report waiting for an answer: a row at its distributor, one at the operator."""

    __tablename__ = "lic_queued_report"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "report_id"),
        Index("ix_lic_queued_report_state", "tenant_id", "state", "reported_at"),
        CheckConstraint(one_of("state", ("waiting", "confirmed", "rejected")), name="state"),
    )

    report_id: Mapped[UUID] = mapped_column()
    contract_id: Mapped[UUID | None] = mapped_column()  # the order of payment that it pays
    group_id: Mapped[UUID | None] = mapped_column()
    client_tenant_id: Mapped[UUID] = mapped_column()
    client_name: Mapped[str] = mapped_column(String(300))
    numbers: Mapped[Any] = mapped_column(JSONB, default=list)
    allocations: Mapped[Any] = mapped_column(JSONB)  # invoice id to USD
    amount: Mapped[Decimal] = mapped_column(MoneyColumn)
    transferred: Mapped[Decimal] = mapped_column(MoneyColumn)  # the whole, also for other companies
    withheld: Mapped[Decimal] = mapped_column(MoneyColumn)
    value_on: Mapped[date] = mapped_column()
    bank: Mapped[str] = mapped_column(String(80))
    account: Mapped[str] = mapped_column(String(200), default="")  # the vendor's; empty: not said
    reference: Mapped[str] = mapped_column(String(60), default="")
    payer: Mapped[str] = mapped_column(String(200), default="")
    has_slip: Mapped[bool] = mapped_column(default=False)
    expects_withheld: Mapped[bool] = mapped_column(default=True)  # of an agente de retención
    is_late: Mapped[bool] = mapped_column(default=False)
    is_duplicate: Mapped[bool] = mapped_column(default=False)
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column()
    reason: Mapped[str] = mapped_column(String(300), default="")


# -- the operator's scope ----------------------------------------------------------------------------


class Contract(TenantMixin, Base):
    """A contract with a client: order of payment, enabled, withdrawn. The master copy."""

    __tablename__ = "lic_contract"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "payment_code"),
        Index("ix_lic_contract_client", "tenant_id", "client_tenant_id"),
        Index("ix_lic_contract_customer", "tenant_id", "customer_id"),
        Index("ix_lic_contract_subscription", "tenant_id", "subscription_id"),
        Index("ix_lic_contract_next_plan_on", "tenant_id", "next_plan_on"),
        CheckConstraint(one_of("kind", ("first", "reentry")), name="kind"),
        CheckConstraint(one_of("state", ("order", "enabled", "withdrawn")), name="state"),
        CheckConstraint("(state = 'enabled') = (started_on IS NOT NULL)", name="started"),
    )

    kind: Mapped[str] = mapped_column(String(8), default="first")
    state: Mapped[str] = mapped_column(String(10), default="order")
    client_tenant_id: Mapped[UUID] = mapped_column()
    client_tax_id: Mapped[str] = mapped_column(String(13))
    client_name: Mapped[str] = mapped_column(String(300))
    client_email: Mapped[str] = mapped_column(String(200), default="")
    distributor_id: Mapped[UUID | None] = mapped_column()
    transfer_to_id: Mapped[UUID | None] = mapped_column()
    plan_id: Mapped[UUID] = mapped_column()
    plan_name: Mapped[str] = mapped_column(String(120))
    price: Mapped[Decimal] = mapped_column(MoneyColumn)
    next_plan_id: Mapped[UUID | None] = mapped_column()  # R14: a cheaper one to come
    next_plan_name: Mapped[str] = mapped_column(String(120), default="")
    next_price: Mapped[Decimal | None] = mapped_column(MoneyColumn)
    next_plan_on: Mapped[date | None] = mapped_column()
    plan_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of the last answer
    cancel_heard_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of the last time
    plan_refusal: Mapped[str] = mapped_column(String(300), default="")  # empty: it was made
    payment_code: Mapped[str] = mapped_column(String(16))
    ordered_on: Mapped[date] = mapped_column()
    lapses_on: Mapped[date] = mapped_column()
    started_on: Mapped[date | None] = mapped_column()
    cancelled_on: Mapped[date | None] = mapped_column()
    left_out_on: Mapped[date | None] = mapped_column()  # R15: the run that issued nothing to it
    on_credit: Mapped[bool] = mapped_column(default=False)
    renews: Mapped[bool] = mapped_column(default=True)  # False: back for one month (R12)
    owner: Mapped[Any] = mapped_column(JSONB, default=dict)
    customer_id: Mapped[UUID | None] = mapped_column()
    subscription_id: Mapped[UUID | None] = mapped_column()
    standing: Mapped[str] = mapped_column(String(12), default="order")
    standing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paid_through_on: Mapped[date | None] = mapped_column()
    revision: Mapped[int] = mapped_column(default=0)  # as last told
    standing_revision: Mapped[int] = mapped_column(default=0)  # as last heard


class DistributorRow(TenantMixin, Base):
    """A distributor as the operator keeps it."""

    __tablename__ = "lic_distributor"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "distributor_id"),
        CheckConstraint("credit_limit >= 0", name="credit_limit"),
    )

    distributor_id: Mapped[UUID] = mapped_column()
    tax_id: Mapped[str] = mapped_column(String(13))
    name: Mapped[str] = mapped_column(String(300))
    email: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    credit_limit: Mapped[Decimal] = mapped_column(MoneyColumn, default=Decimal("0.00"))
    is_active: Mapped[bool] = mapped_column(default=True)


class PlanTerms(TenantMixin, Base):
    """What a plan of billing contains beside its price."""

    __tablename__ = "lic_plan_terms"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "plan_id"),
        CheckConstraint("included_minutes >= 0", name="minutes"),
    )

    plan_id: Mapped[UUID] = mapped_column()
    included_minutes: Mapped[int] = mapped_column(default=0)
    entitlements: Mapped[Any] = mapped_column(JSONB, default=dict)


class Wallet(TenantMixin, Base):
    """Support minutes of a client: granted by its plan, used by its tickets."""

    __tablename__ = "lic_wallet"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "client_tenant_id"),
        CheckConstraint("used >= 0 AND used <= granted", name="minutes"),
    )

    client_tenant_id: Mapped[UUID] = mapped_column()
    granted: Mapped[int] = mapped_column(default=0)
    used: Mapped[int] = mapped_column(default=0)


# -- one row at each side ----------------------------------------------------------------------------


class Ticket(TenantMixin, Base):
    """A support ticket: the same ``ticket_id`` at the client, the distributor and the operator."""

    __tablename__ = "lic_ticket"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "ticket_id"),
        CheckConstraint("seconds >= 0", name="seconds"),
        CheckConstraint("quoted_minutes IS NULL OR quoted_minutes > 0", name="quote"),
    )

    ticket_id: Mapped[UUID] = mapped_column()
    client_tenant_id: Mapped[UUID] = mapped_column()
    client_name: Mapped[str] = mapped_column(String(300), default="")
    distributor_id: Mapped[UUID | None] = mapped_column()
    subject: Mapped[str] = mapped_column(String(300))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    quoted_minutes: Mapped[int | None] = mapped_column()
    quoted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    running_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seconds: Mapped[int] = mapped_column(default=0)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    from_wallet: Mapped[int | None] = mapped_column()
    charged_hours: Mapped[int | None] = mapped_column()
    charged_net: Mapped[Decimal | None] = mapped_column(MoneyColumn)
    invoice_id: Mapped[UUID | None] = mapped_column()  # the operator's: billed on a day-25 run
    heard: Mapped[Any] = mapped_column(JSONB, default=dict)  # side to the instant it spoke last


class CreditDraft(TenantMixin, Base):
    """A credit note that may undo a licence invoice (A-11, R15): a row at each side that sees it.

    ``reason`` "cancelled": its period had not begun when the client left; "unpaid": nobody paid it.
    ``note``: the number of the note, or why there is none.
    """

    __tablename__ = "lic_credit_draft"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "invoice_id"),
        Index("ix_lic_credit_draft_state", "tenant_id", "state"),
        CheckConstraint(one_of("reason", CREDIT_REASONS), name="reason"),
        CheckConstraint(one_of("state", tuple(CREDIT_STEPS)), name="state"),
        CheckConstraint("total > 0", name="total"),
    )

    invoice_id: Mapped[UUID] = mapped_column()
    contract_id: Mapped[UUID] = mapped_column()
    client_tenant_id: Mapped[UUID] = mapped_column()
    client_name: Mapped[str] = mapped_column(String(300))
    number: Mapped[str] = mapped_column(String(17))
    period_start: Mapped[date] = mapped_column()
    total: Mapped[Decimal] = mapped_column(MoneyColumn)
    reason: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="draft")
    note: Mapped[str] = mapped_column(String(300), default="")
    drafted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column()


class Training(TenantMixin, Base):
    """A group training: the same ``session_id`` at who holds it and at each client who may come."""

    __tablename__ = "lic_training"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "session_id"),
        Index("ix_lic_training_starts_at", "tenant_id", "starts_at"),
        CheckConstraint("minutes BETWEEN 5 AND 1440", name="minutes"),
        CheckConstraint("seats IS NULL OR seats > 0", name="seats"),
    )

    session_id: Mapped[UUID] = mapped_column()
    host_id: Mapped[UUID] = mapped_column()
    host_name: Mapped[str] = mapped_column(String(300))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    minutes: Mapped[int] = mapped_column(default=60)
    topic: Mapped[str] = mapped_column(String(200))
    place: Mapped[str] = mapped_column(String(500))  # a link, or where to go
    seats: Mapped[int | None] = mapped_column()
    is_cancelled: Mapped[bool] = mapped_column(default=False)
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TrainingSeat(TenantMixin, Base):
    """Somebody of a client comes to a training: a row at the client, one at who holds it."""

    __tablename__ = "lic_training_seat"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "session_id", "client_tenant_id"),
        CheckConstraint("people BETWEEN 1 AND 50", name="people"),
    )

    session_id: Mapped[UUID] = mapped_column()
    client_tenant_id: Mapped[UUID] = mapped_column()
    client_name: Mapped[str] = mapped_column(String(300))
    people: Mapped[int] = mapped_column(default=1)
    is_withdrawn: Mapped[bool] = mapped_column(default=False)
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)


ALL = (
    Licence,
    ClientStatus,
    ClientInvoiceRow,
    PaymentReportRow,
    Usage,
    Signals,
    InstalledLicence,
    FirstAccess,
    Offer,
    PortfolioClient,
    Adviser,
    CreditLimit,
    QueuedReport,
    Contract,
    DistributorRow,
    PlanTerms,
    Wallet,
    Ticket,
    CreditDraft,
)
