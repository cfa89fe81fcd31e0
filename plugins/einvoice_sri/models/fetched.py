"""Calls to SRI counted per issuer, and documents fetched by their access key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tenancy import TenantMixin, tenant_args
from core.db.types import UtcDateTime
from core.models import one_of

FETCH_STATES = ("pending", "found", "absent", "failed")


class CallWindow(TenantMixin, Base):
    """How many documents an issuer has brought to SRI in the present minute. One row per environment."""

    __tablename__ = "sri_call_window"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id", "environment"))

    environment: Mapped[int] = mapped_column()
    minute: Mapped[datetime] = mapped_column(UtcDateTime)
    calls: Mapped[int] = mapped_column(default=0)


class FetchedDocument(TenantMixin, Base):
    """An authorised document of anybody, asked from SRI by its key; ``content`` is SRI's file.

    ``absent``: SRI answered that it has nothing authorised for the key; ``failed``: it did not answer
    usably as often as we try.
    """

    __tablename__ = "sri_fetched"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "access_key"),
        Index(
            "ix_sri_fetched_pending", "tenant_id", "next_at", postgresql_where="state = 'pending'"
        ),
        CheckConstraint(one_of("state", FETCH_STATES), name="state"),
        CheckConstraint("(content IS NOT NULL) = (state = 'found')", name="content"),
    )

    access_key: Mapped[str] = mapped_column(String(49))
    state: Mapped[str] = mapped_column(String(8), default="pending")
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(String(200), default="")
    content: Mapped[bytes | None] = mapped_column(LargeBinary)


ALL: tuple[type, ...] = (CallWindow, FetchedDocument)
