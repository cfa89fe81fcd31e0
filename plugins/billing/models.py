"""Tables of billing. Columns and constraints; no verbs."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tenancy import TenantMixin, tenant_args, tenant_ref
from core.db.types import MoneyColumn, UtcDateTime
from core.models import one_of
from plugins.billing.domain.lifecycle import STATES
from plugins.billing.domain.policy import BASES

PLAN_KINDS = ("plan", "addon")
CHARGE_KINDS = ("first", "bridge", "full", "change")
CHARGE_STATES = ("open", "paid", "free", "cancelled")
RUN_STATES = ("running", "done")
REPORT_STATES = ("waiting", "confirmed", "rejected")
NOTICE_KINDS = (
    "due_in_5",
    "due_in_1",
    "due_today",
    "overdue_1",
    "suspended",
    "ended",
    "price",
    "cancelled",
)


class Plan(TenantMixin, Base):
    """Something sold by the month; an add-on is sold with a plan. ``basis`` empty: the tenant's."""

    __tablename__ = "billing_plan"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint(one_of("kind", PLAN_KINDS), name="kind"),
        CheckConstraint(one_of("basis", ("", *BASES)), name="basis"),
    )

    code: Mapped[str] = mapped_column(String(25))
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(String(600), default="")
    kind: Mapped[str] = mapped_column(String(8), default="plan")
    tax_code: Mapped[str] = mapped_column(String(4))
    basis: Mapped[str] = mapped_column(String(20), default="")
    is_offered: Mapped[bool] = mapped_column(default=True)


class PriceVersionRow(TenantMixin, Base):
    """The price of a month (USD before IVA) for usage from ``valid_from`` on."""

    __tablename__ = "billing_price_version"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("plan_id", "billing_plan"),
        UniqueConstraint("tenant_id", "plan_id", "valid_from"),
        CheckConstraint("price >= 0", name="price"),
    )

    plan_id: Mapped[UUID] = mapped_column()
    valid_from: Mapped[date] = mapped_column()
    price: Mapped[Decimal] = mapped_column(MoneyColumn)


class Subscription(TenantMixin, Base):
    """A customer's contract for a plan. ``start_on`` is S of the calendar; ``price`` the agreed one of
    a month and unit; ``next_*`` what the run will do. An add-on has a ``parent_id``.
    """

    __tablename__ = "billing_subscription"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("plan_id", "billing_plan"),
        tenant_ref("next_plan_id", "billing_plan"),
        tenant_ref("parent_id", "billing_subscription"),
        tenant_ref("reentry_of_id", "billing_subscription"),
        Index("ix_billing_subscription_customer", "tenant_id", "customer_id", "id"),
        Index(
            "ix_billing_subscription_active",
            "tenant_id",
            "customer_id",
            "id",
            postgresql_where=text("state = 'active'"),
        ),
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint(one_of("basis", BASES), name="basis"),
        CheckConstraint("quantity BETWEEN 1 AND 100000", name="quantity"),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("(next_issue_on IS NULL) = (next_period_start IS NULL)", name="next"),
        CheckConstraint("(state = 'active') = (next_issue_on IS NOT NULL)", name="renewing"),
        CheckConstraint("(next_plan_id IS NULL) = (next_price IS NULL)", name="next_plan"),
        {"postgresql_with": {"fillfactor": "45"}},
    )

    customer_id: Mapped[UUID] = mapped_column()
    plan_id: Mapped[UUID] = mapped_column()
    parent_id: Mapped[UUID | None] = mapped_column()
    reentry_of_id: Mapped[UUID | None] = mapped_column()
    quantity: Mapped[int] = mapped_column(default=1)
    price: Mapped[Decimal] = mapped_column(MoneyColumn)
    basis: Mapped[str] = mapped_column(String(20))
    start_on: Mapped[date] = mapped_column()
    renews: Mapped[bool] = mapped_column(default=True)
    on_credit: Mapped[bool] = mapped_column(default=False)
    tells_turns: Mapped[bool] = mapped_column(default=True)  # else the seller mails its own
    state: Mapped[str] = mapped_column(String(8), default="active")
    invoiced_through: Mapped[date] = mapped_column()
    next_period_start: Mapped[date | None] = mapped_column()
    next_issue_on: Mapped[date | None] = mapped_column()
    next_plan_id: Mapped[UUID | None] = mapped_column()
    next_price: Mapped[Decimal | None] = mapped_column(MoneyColumn)
    cancelled_on: Mapped[date | None] = mapped_column()
    ends_on: Mapped[date | None] = mapped_column()


class Run(TenantMixin, Base):
    """The run of a day, resumed when it was interrupted. Sums grow with each batch."""

    __tablename__ = "billing_run"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "run_on"),
        CheckConstraint(one_of("state", RUN_STATES), name="state"),
    )

    run_on: Mapped[date] = mapped_column()
    state: Mapped[str] = mapped_column(String(8), default="running")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expected: Mapped[int] = mapped_column(default=0)  # subscriptions due when it began
    seen: Mapped[int] = mapped_column(default=0)
    invoices: Mapped[int] = mapped_column(default=0)
    charges: Mapped[int] = mapped_column(default=0)
    free: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)  # R15
    amount: Mapped[Decimal] = mapped_column(MoneyColumn, default=Decimal("0.00"))


class RunFailure(TenantMixin, Base):
    """A subscription that the run could not invoice, and why; gone when a later try succeeds."""

    __tablename__ = "billing_run_failure"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("run_id", "billing_run", ondelete="CASCADE"),
        tenant_ref("subscription_id", "billing_subscription"),
        UniqueConstraint("tenant_id", "run_id", "subscription_id"),
    )

    run_id: Mapped[UUID] = mapped_column()
    subscription_id: Mapped[UUID] = mapped_column()
    sentence: Mapped[str] = mapped_column(String(500))


class Charge(TenantMixin, Base):
    """A period (or change of plan) that was charged, written in its invoice's transaction.

    ``report_id`` and ``reported_at`` are set while reports that wait cover what is open (R9, A-19), with
    ``reported_through`` where they do so up to a day only: see ``is_reported``.
    At most one live charge per subscription and period start (R13). ``planned_on`` is the day the
    calendar gives, ``issued_on`` the real one. ``run_id`` is the run whose row the same transaction
    writes (no foreign key: it would be checked for every charge).
    """

    __tablename__ = "billing_charge"
    __table_args__ = (
        tenant_ref("subscription_id", "billing_subscription"),
        Index(
            "uq_billing_charge_period",
            "tenant_id",
            "subscription_id",
            "period_start",
            unique=True,
            postgresql_where=text("state <> 'cancelled' AND kind <> 'change'"),
        ),
        Index("ix_billing_charge_invoice_id", "tenant_id", "invoice_id"),
        Index(
            "ix_billing_charge_open",
            "tenant_id",
            "subscription_id",
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint(one_of("kind", CHARGE_KINDS), name="kind"),
        CheckConstraint(one_of("state", CHARGE_STATES), name="state"),
        CheckConstraint("period_end >= period_start", name="period"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("(state = 'free') = (invoice_id IS NULL)", name="invoice"),
    )

    subscription_id: Mapped[UUID] = mapped_column()
    run_id: Mapped[UUID | None] = mapped_column()
    kind: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(10), default="open")
    period_start: Mapped[date] = mapped_column()
    period_end: Mapped[date] = mapped_column()
    days: Mapped[int] = mapped_column()
    amount: Mapped[Decimal] = mapped_column(MoneyColumn)
    planned_on: Mapped[date] = mapped_column()
    issued_on: Mapped[date] = mapped_column()
    due_on: Mapped[date | None] = mapped_column()
    suspend_on: Mapped[date | None] = mapped_column()
    invoice_id: Mapped[UUID | None] = mapped_column()
    derivation: Mapped[Any] = mapped_column(JSON)
    report_id: Mapped[UUID | None] = mapped_column()
    reported_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reported_through: Mapped[date | None] = mapped_column()
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReportShare(TenantMixin, Base):
    """What a payment report says was paid of an invoice (USD, money plus withheld). ``invoice_id`` empty: its
    answer came before anybody knew the invoice. ``ends_on``: the report is confirmed, and ``share`` was
    withheld, whose certificate may come through that day (A-19).
    """

    __tablename__ = "billing_report_share"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint(
            "tenant_id",
            "report_id",
            "invoice_id",
            name="uq_billing_report_share_once",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_billing_report_share_invoice", "tenant_id", "invoice_id"),
        CheckConstraint(one_of("state", REPORT_STATES), name="state"),
        CheckConstraint("share >= 0", name="share"),
    )

    report_id: Mapped[UUID] = mapped_column()
    invoice_id: Mapped[UUID | None] = mapped_column()
    share: Mapped[Decimal] = mapped_column(MoneyColumn)
    state: Mapped[str] = mapped_column(String(9))
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_on: Mapped[date | None] = mapped_column()


class Notice(TenantMixin, Base):
    """Something to tell a customer once: a reminder, a suspension, an end, a price. Mailed from 07:00."""

    __tablename__ = "billing_notice"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("subscription_id", "billing_subscription"),
        UniqueConstraint(
            "tenant_id",
            "subscription_id",
            "kind",
            "on_date",
            "invoice_id",
            name="uq_billing_notice_once",
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "ix_billing_notice_waiting",
            "tenant_id",
            "on_date",
            postgresql_where=text("mailed_at IS NULL"),
        ),
        CheckConstraint(one_of("kind", NOTICE_KINDS), name="kind"),
    )

    subscription_id: Mapped[UUID] = mapped_column()
    invoice_id: Mapped[UUID | None] = mapped_column()
    kind: Mapped[str] = mapped_column(String(12))
    on_date: Mapped[date] = mapped_column()
    details: Mapped[Any] = mapped_column(JSONB, default=dict)
    mailed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReminderStop(TenantMixin, Base):
    """A customer who wants no reminders before and after due dates; legal notices still leave."""

    __tablename__ = "billing_reminder_stop"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id", "customer_id"))

    customer_id: Mapped[UUID] = mapped_column()
    stopped_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PriceNoticeRow(TenantMixin, Base):
    """A client was told of a price on a day (A-29); without it the old price applies."""

    __tablename__ = "billing_price_notice"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("subscription_id", "billing_subscription"),
        tenant_ref("price_version_id", "billing_price_version"),
        UniqueConstraint("tenant_id", "subscription_id", "price_version_id"),
    )

    subscription_id: Mapped[UUID] = mapped_column()
    price_version_id: Mapped[UUID] = mapped_column()
    old_price: Mapped[Decimal] = mapped_column(MoneyColumn)
    new_price: Mapped[Decimal] = mapped_column(MoneyColumn)
    notified_on: Mapped[date] = mapped_column()
    first_issue_on: Mapped[date | None] = mapped_column()
    is_applied: Mapped[bool] = mapped_column(default=False)  # the price is the agreed one now


ALL = (
    Plan,
    PriceVersionRow,
    Subscription,
    Run,
    RunFailure,
    Charge,
    ReportShare,
    Notice,
    ReminderStop,
    PriceNoticeRow,
)
