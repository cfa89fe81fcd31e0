"""Tables of the core. Columns, constraints and relationships; no verbs.

Scopes (see ``core/db/rls.py``): a table's ``info["scope"]`` is ``tenant`` for every ``TenantMixin``,
``membership`` for ``core_membership``, ``receiver`` for rows of a receiver identity, ``platform`` for
the platform's audit, and ``global`` for tables that hold nobody's data.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tenancy import TenantMixin, tenant_args, tenant_ref, utc_now
from core.db.types import RateColumn, UtcDateTime
from core.ids import new_id
from core.security.models import ApiKey, OneTimeLink, Person, SignInGuard

__all_people__ = (ApiKey, OneTimeLink, Person, SignInGuard)  # part of core's tables

TENANT_KINDS = ("operator", "distributor", "company")
ROLES = ("operator", "distributor", "adviser", "owner", "salesperson", "accountant", "integrator")


def one_of(column: str, values: tuple[str, ...]) -> str:
    """SQL of a CHECK that a column holds one of ``values``."""
    return f"{column} IN ({', '.join(repr(one) for one in values)})"


class Tenant(Base):
    """A company with exactly one RUC. Global: name, RUC and kind only, nobody's data."""

    __tablename__ = "core_tenant"
    __table_args__ = (
        CheckConstraint(one_of("kind", TENANT_KINDS), name="kind"),
        UniqueConstraint("tax_id"),
        Index("uq_core_tenant_operator", "kind", unique=True, postgresql_where="kind = 'operator'"),
        {"info": {"scope": "global"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tax_id: Mapped[str] = mapped_column(String(13))
    name: Mapped[str] = mapped_column(String(300))
    kind: Mapped[str] = mapped_column(String(12), default="company")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class Membership(TenantMixin, Base):
    """Who may do what where. Readable by its tenant and by its person."""

    __tablename__ = "core_membership"
    __table_args__ = (
        *tenant_args(),
        ForeignKeyConstraint(["user_id"], ["ab_user.id"]),
        CheckConstraint(one_of("role", ROLES), name="role"),
        UniqueConstraint("tenant_id", "user_id"),
        Index("ix_core_membership_user_id", "user_id"),
        {"info": {"scope": "membership"}},
    )

    user_id: Mapped[int] = mapped_column(Integer)
    role: Mapped[str] = mapped_column(String(12))
    is_active: Mapped[bool] = mapped_column(default=True)


class CompanyProfile(TenantMixin, Base):
    """What a tenant prints on its documents. One row per tenant."""

    __tablename__ = "core_company_profile"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id"))

    legal_name: Mapped[str] = mapped_column(String(300))
    trade_name: Mapped[str] = mapped_column(String(300), default="")
    head_office_address: Mapped[str] = mapped_column(String(300), default="")
    email: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    logo_blob_id: Mapped[UUID | None] = mapped_column()


class TaxRegime(TenantMixin, Base):
    """The issuer's regime from a date on (dated: the latest ``valid_from`` not after the day rules)."""

    __tablename__ = "core_tax_regime"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "valid_from"),
        CheckConstraint(
            one_of("regime", ("general", "rimpe_emprendedor", "rimpe_popular")), name="regime"
        ),
    )

    valid_from: Mapped[date] = mapped_column()
    regime: Mapped[str] = mapped_column(String(20), default="general")
    keeps_accounts: Mapped[bool] = mapped_column(default=False)
    withholding_agent_resolution: Mapped[str] = mapped_column(String(20), default="")
    special_taxpayer_resolution: Mapped[str] = mapped_column(String(20), default="")
    large_taxpayer_resolution: Mapped[str] = mapped_column(String(60), default="")
    confirmed_on: Mapped[date | None] = mapped_column()


class Branch(TenantMixin, Base):
    """An establishment (establecimiento) with its three-digit code."""

    __tablename__ = "core_branch"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint("code ~ '^[0-9]{3}$' AND code <> '000'", name="code"),
    )

    code: Mapped[str] = mapped_column(String(3))
    name: Mapped[str] = mapped_column(String(120), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    is_active: Mapped[bool] = mapped_column(default=True)


class IssuePoint(TenantMixin, Base):
    """An emission point (punto de emisión) of a branch; ``purpose`` run: used by billing runs."""

    __tablename__ = "core_issue_point"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("branch_id", "core_branch"),
        UniqueConstraint("tenant_id", "branch_id", "code"),
        CheckConstraint("code ~ '^[0-9]{3}$' AND code <> '000'", name="code"),
        CheckConstraint(one_of("purpose", ("till", "run", "api")), name="purpose"),
    )

    branch_id: Mapped[UUID] = mapped_column()
    code: Mapped[str] = mapped_column(String(3))
    name: Mapped[str] = mapped_column(String(120), default="")
    purpose: Mapped[str] = mapped_column(String(8), default="till")
    is_active: Mapped[bool] = mapped_column(default=True)


class NumberSeries(TenantMixin, Base):
    """The next number of a document kind (SRI codDoc) at a point and environment (1, 2; 3: practice)."""

    __tablename__ = "core_number_series"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("issue_point_id", "core_issue_point"),
        UniqueConstraint("tenant_id", "issue_point_id", "document_kind", "environment"),
        CheckConstraint("next_number BETWEEN 1 AND 1000000000", name="next_number"),
        CheckConstraint("environment IN (1, 2, 3)", name="environment"),
    )

    issue_point_id: Mapped[UUID] = mapped_column()
    document_kind: Mapped[str] = mapped_column(String(2))
    environment: Mapped[int] = mapped_column()
    next_number: Mapped[int] = mapped_column(default=1)


class Setting(TenantMixin, Base):
    """A setting of a tenant that differs from its default."""

    __tablename__ = "core_setting"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id", "key"))

    key: Mapped[str] = mapped_column(String(120))
    value: Mapped[Any] = mapped_column(JSONB)


class Secret(TenantMixin, Base):
    """A sealed value of a tenant (envelope encryption; see ``core/adapters/keyring.py``)."""

    __tablename__ = "core_secret"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id", "name"))

    name: Mapped[str] = mapped_column(String(120))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Blob(TenantMixin, Base):
    """A logo, slip or photo, as re-encoded by us."""

    __tablename__ = "core_blob"
    __table_args__ = (
        *tenant_args(),
        CheckConstraint("octet_length(content) <= 10485760", name="size"),
    )

    media_type: Mapped[str] = mapped_column(String(80))
    filename: Mapped[str] = mapped_column(String(200), default="")
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Holiday(Base):
    """A day that is not a business day (moved and decreed bridge days included)."""

    __tablename__ = "core_holiday"
    __table_args__ = (UniqueConstraint("on_date"), {"info": {"scope": "global"}})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    on_date: Mapped[date] = mapped_column()
    name: Mapped[str] = mapped_column(String(120))


class TaxRate(Base):
    """A dated tax rate: ``tax`` "2" IVA, "3" ICE, "5" IRBPNR, "ret1" renta, "ret2" IVA withheld."""

    __tablename__ = "core_tax_rate"
    __table_args__ = (
        UniqueConstraint("tax", "code", "valid_from"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
        {"info": {"scope": "global"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tax: Mapped[str] = mapped_column(String(8))
    code: Mapped[str] = mapped_column(String(8))
    label: Mapped[str] = mapped_column(String(300))
    rate: Mapped[Decimal] = mapped_column(RateColumn)
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()


class StoredEvent(TenantMixin, Base):
    """An event on its way to its subscribers; written once, kept 90 days."""

    __tablename__ = "core_event"
    __table_args__ = (
        *tenant_args(),
        Index("ix_core_event_occurred_at", "tenant_id", "occurred_at"),
    )

    name: Mapped[str] = mapped_column(String(80))
    version: Mapped[int] = mapped_column(default=1)
    payload: Mapped[Any] = mapped_column(JSONB)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EventDone(TenantMixin, Base):
    """A subscriber's mark that it has handled an event, written with the effect."""

    __tablename__ = "core_event_done"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("event_id", "core_event", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "event_id", "subscriber"),
    )

    event_id: Mapped[UUID] = mapped_column()
    subscriber: Mapped[str] = mapped_column(String(60))


class ApiRequest(TenantMixin, Base):
    """An ``Idempotency-Key`` of the API with what it made; written once, kept 90 days."""

    __tablename__ = "core_api_request"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "route", "request_key"),
        Index("ix_core_api_request_created_at", "tenant_id", "created_at"),
    )

    route: Mapped[str] = mapped_column(String(40))
    request_key: Mapped[str] = mapped_column(String(120))
    body_sha256: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[UUID] = mapped_column()


class ScheduleRun(Base):
    """A due time of a schedule that has been enqueued; a second tick does nothing."""

    __tablename__ = "core_schedule_run"
    __table_args__ = (UniqueConstraint("schedule", "due_at"), {"info": {"scope": "global"}})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    schedule: Mapped[str] = mapped_column(String(80))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class AuditEntry(TenantMixin, Base):
    """Who did what in a tenant, and why; written once."""

    __tablename__ = "core_audit_entry"
    __table_args__ = (
        *tenant_args(),
        Index("ix_core_audit_entry_created_at", "tenant_id", "created_at"),
    )

    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    action: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(300), default="")
    subject_id: Mapped[UUID | None] = mapped_column()
    details: Mapped[Any] = mapped_column(JSONB, default=dict)


class PlatformAudit(Base):
    """Who looked across tenants, and why. Insert only; readable by the platform role."""

    __tablename__ = "core_platform_audit"
    __table_args__ = ({"info": {"scope": "platform"}},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    reason: Mapped[str] = mapped_column(String(300))
