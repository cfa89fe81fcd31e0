"""Tables of people and of the door. Columns and constraints; no verbs.

``Person`` is Flask-AppBuilder's ``ab_user`` with our columns: ``username`` is the identification
(cédula, RUC or passport, upper case, no spaces), ``email`` the address that links are mailed to.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tenancy import TenantMixin, tenant_args, utc_now
from core.db.types import UtcDateTime
from core.ids import new_id


class Person(User):
    """One human being; memberships (``core_membership``) say what the person may do where."""

    __tablename__ = "ab_user"

    password_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    email_verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # changes with the password; a session or token that carries another stamp is void
    session_stamp: Mapped[str] = mapped_column(String(32), default="", server_default="")


class OneTimeLink(Base):
    """A mailed link: only its hash is kept. ``purpose`` activation (with a short code) or reset."""

    __tablename__ = "core_one_time_link"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        CheckConstraint("purpose IN ('activation', 'reset')", name="purpose"),
        UniqueConstraint("token_hash"),
        Index("ix_core_one_time_link_user_id", "user_id"),
        {"info": {"scope": "global"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    user_id: Mapped[int] = mapped_column(Integer)
    purpose: Mapped[str] = mapped_column(String(12))
    token_hash: Mapped[str] = mapped_column(String(64))
    code_hash: Mapped[str] = mapped_column(String(64), default="")
    failures: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignInGuard(Base):
    """Failed attempts of one account or one network address, shared by all web processes.

    ``key`` is a hash, so the table tells nobody who tried. ``locked_until`` bars the way.
    """

    __tablename__ = "core_sign_in_guard"
    __table_args__ = (UniqueConstraint("key"), {"info": {"scope": "global"}})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(64))
    failures: Mapped[int] = mapped_column(default=0)
    last_failure_at: Mapped[datetime] = mapped_column(UtcDateTime)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ApiKey(TenantMixin, Base):
    """A key for other software, bound to one membership. Only the hash of its secret is kept."""

    __tablename__ = "core_api_key"
    __table_args__ = (
        *tenant_args(),
        ForeignKeyConstraint(["user_id"], ["ab_user.id"]),
        UniqueConstraint("tenant_id", "secret_hash"),
    )

    user_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(120))
    secret_hash: Mapped[str] = mapped_column(String(64))
    allowed: Mapped[Any] = mapped_column(
        JSONB, default=list
    )  # permission keys; empty: all of the role
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
