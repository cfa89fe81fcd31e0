"""Tables of the portal. Rows of a receiver are readable by the identities in scope only."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tenancy import utc_now
from core.db.types import MoneyColumn, UtcDateTime
from core.ids import new_id
from core.models import one_of

ANSWERS = ("", "accepted", "disputed")
STATES = ("authorized", "annulling", "annulled")  # annulling: asked for, not done


class Account(Base):
    """A sign-in of a receiver: an address and a hash, as ``ab_user`` for the people of companies."""

    __tablename__ = "portal_account"
    __table_args__ = (UniqueConstraint("email"), {"info": {"scope": "global"}})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    email: Mapped[str] = mapped_column(String(200))  # lower case
    password_hash: Mapped[str] = mapped_column(String(300))
    stamp: Mapped[str] = mapped_column(String(32))  # a session with another stamp is void
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Grant(Base):
    """An account may read an identity's documents; several people may hold one RUC."""

    __tablename__ = "portal_grant"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["portal_account.id"], ondelete="CASCADE"),
        UniqueConstraint("receiver_id", "account_id"),
        Index("ix_portal_grant_account_id", "account_id"),
        CheckConstraint(one_of("via", ("mail", "proof", "invitation")), name="via"),
        {"info": {"scope": "grant"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    receiver_id: Mapped[UUID] = mapped_column()
    account_id: Mapped[UUID] = mapped_column()
    tax_id: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(300), default="")
    via: Mapped[str] = mapped_column(String(12))


class InboxItem(Base):
    """A document that a receiver got, published when it was authorised. The bytes stay with the issuer."""

    __tablename__ = "portal_inbox"
    __table_args__ = (
        UniqueConstraint("receiver_id", "document_id"),
        Index("ix_portal_inbox_issued", "receiver_id", "issued_on", "id"),
        Index("ix_portal_inbox_access_key", "receiver_id", "access_key"),
        CheckConstraint(one_of("state", STATES), name="state"),
        {"info": {"scope": "receiver"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    receiver_id: Mapped[UUID] = mapped_column()
    issuer_id: Mapped[UUID] = mapped_column()  # the tenant
    document_id: Mapped[UUID] = mapped_column()
    access_key: Mapped[str] = mapped_column(String(49))
    kind: Mapped[str] = mapped_column(String(2))
    number: Mapped[str] = mapped_column(String(17))
    issued_on: Mapped[date] = mapped_column()
    issuer_tax_id: Mapped[str] = mapped_column(String(13))
    issuer_name: Mapped[str] = mapped_column(String(300))
    receiver_tax_id: Mapped[str] = mapped_column(String(20))
    receiver_name: Mapped[str] = mapped_column(String(300), default="")
    total: Mapped[Decimal] = mapped_column(MoneyColumn)
    environment: Mapped[int] = mapped_column()
    authorized_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(12), default="authorized")
    answer: Mapped[str] = mapped_column(String(10), default="")
    answer_note: Mapped[str] = mapped_column(String(500), default="")
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Reading(Base):
    """What one person did with one document: opened, downloaded. Pending means never downloaded."""

    __tablename__ = "portal_reading"
    __table_args__ = (
        ForeignKeyConstraint(["item_id"], ["portal_inbox.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["account_id"], ["portal_account.id"], ondelete="CASCADE"),
        UniqueConstraint("receiver_id", "item_id", "account_id"),
        {"info": {"scope": "receiver"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    receiver_id: Mapped[UUID] = mapped_column()
    item_id: Mapped[UUID] = mapped_column()
    account_id: Mapped[UUID] = mapped_column()
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    downloaded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OutgoingLink(Base):
    """A link that is about to be mailed; gone once it left. Jobs carry ids, never addresses."""

    __tablename__ = "portal_outgoing_link"
    __table_args__ = (
        CheckConstraint(one_of("purpose", ("reset", "proof", "invitation")), name="purpose"),
        {"info": {"scope": "global"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    purpose: Mapped[str] = mapped_column(String(12))
    email: Mapped[str] = mapped_column(String(200))
    tax_id: Mapped[str] = mapped_column(String(20), default="")
    access_key: Mapped[str] = mapped_column(String(49), default="")


ALL = (Account, Grant, InboxItem, Reading, OutgoingLink)
