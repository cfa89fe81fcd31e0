"""Fiscal documents, their bytes, what was said about them, their mails, and stopped issuers."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tenancy import TenantMixin, tenant_args, tenant_ref
from core.db.types import MoneyColumn, UtcDateTime
from core.models import one_of

STATES = (
    "requested",
    "signed",
    "unknown",
    "received",
    "authorized",
    "rejected",
    "paused",
    "annulment_requested",
    "annulled",
)
KINDS = ("01", "03", "04", "05", "06", "07")
WAITING = "state IN ('requested', 'signed', 'unknown', 'received')"


class FiscalDocument(TenantMixin, Base):
    """One document of SRI's scheme. ``id`` is the owning plugin's id of the document.

    ``request`` is the snapshot that was asked for; ``access_key`` and the signed bytes are written
    together, before anything is sent. ``next_at`` is when the document wants attention again;
    ``claimed_until`` keeps other workers away.
    """

    __tablename__ = "sri_document"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint(
            "tenant_id",
            "environment",
            "kind",
            "branch_code",
            "issue_point_code",
            "sequence",
            name="uq_sri_document_number",
        ),
        Index(
            "uq_sri_document_access_key",
            "tenant_id",
            "access_key",
            unique=True,
            postgresql_where="access_key IS NOT NULL",
        ),
        Index("ix_sri_document_waiting", "tenant_id", "next_at", postgresql_where=WAITING),
        Index("ix_sri_document_listed", "tenant_id", "issued_on", "id"),
        Index(
            "ix_sri_document_problem",
            "tenant_id",
            "state",
            postgresql_where="state IN ('rejected', 'paused')",
        ),
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint("environment IN (1, 2, 3)", name="environment"),
        CheckConstraint("sequence BETWEEN 1 AND 999999999", name="sequence"),
        CheckConstraint(
            "access_key IS NOT NULL OR state IN ('requested', 'rejected', 'paused')",
            name="key_before_sending",
        ),
        CheckConstraint(
            "(authorized_at IS NOT NULL) = (state IN ('authorized', 'annulment_requested', 'annulled'))",
            name="authorized",
        ),
    )

    kind: Mapped[str] = mapped_column(String(2))
    environment: Mapped[int] = mapped_column()  # 1 pruebas, 2 producción, 3 practice
    is_simulated: Mapped[bool] = mapped_column(default=False)
    branch_code: Mapped[str] = mapped_column(String(3))
    issue_point_code: Mapped[str] = mapped_column(String(3))
    sequence: Mapped[int] = mapped_column()
    issued_on: Mapped[date] = mapped_column()
    receiver_tax_id_type: Mapped[str] = mapped_column(String(2))
    receiver_tax_id: Mapped[str] = mapped_column(String(20))
    receiver_name: Mapped[str] = mapped_column(String(300))
    receiver_email: Mapped[str] = mapped_column(String(320), default="")
    total: Mapped[Decimal] = mapped_column(MoneyColumn)
    priority: Mapped[int] = mapped_column(default=0)
    request: Mapped[Any] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(24), default="requested")
    access_key: Mapped[str | None] = mapped_column(String(49))
    code: Mapped[str] = mapped_column(String(40), default="")  # SRI's or ours, of the last problem
    messages: Mapped[Any] = mapped_column(JSONB, default=list)
    sends: Mapped[int] = mapped_column(default=0)
    questions: Mapped[int] = mapped_column(default=0)
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when the last delivery began
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    authorized_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    annulment_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def number(self) -> str:
        """``001-002-000000123``."""
        return f"{self.branch_code}-{self.issue_point_code}-{self.sequence:09d}"


class BlobDictionary(TenantMixin, Base):
    """An earlier document of the tenant that later ones are compressed against. Never changed."""

    __tablename__ = "sri_blob_dictionary"
    __table_args__ = (*tenant_args(), UniqueConstraint("tenant_id", "topic"))

    topic: Mapped[str] = mapped_column(String(80))  # kind and certificate
    content: Mapped[bytes] = mapped_column(LargeBinary)


class DocumentBlob(TenantMixin, Base):
    """The signed bytes of a document and, once authorised, what SRI put around them.

    The authorised file is ``envelope_head`` + the signed bytes + ``envelope_tail``: exactly the bytes
    that were signed are inside, by construction. ``codec`` raw, zstd; ``sha256`` is of the signed bytes.
    """

    __tablename__ = "sri_document_blob"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("document_id", "sri_document"),
        tenant_ref("dictionary_id", "sri_blob_dictionary"),
        UniqueConstraint("tenant_id", "document_id"),
        CheckConstraint(one_of("codec", ("raw", "zstd")), name="codec"),
    )

    document_id: Mapped[UUID] = mapped_column()
    codec: Mapped[str] = mapped_column(String(4))
    dictionary_id: Mapped[UUID | None] = mapped_column()
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column()
    body: Mapped[bytes] = mapped_column(LargeBinary)
    envelope_head: Mapped[bytes | None] = mapped_column(LargeBinary)
    envelope_tail: Mapped[bytes | None] = mapped_column(LargeBinary)


class DocumentAttempt(TenantMixin, Base):
    """One call to SRI about a document: request hash, answer, duration. Written once."""

    __tablename__ = "sri_attempt"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("document_id", "sri_document"),
        Index("ix_sri_attempt_document", "tenant_id", "document_id", "at"),
        CheckConstraint(
            one_of("operation", ("recepcion", "autorizacion", "consulta")), name="operation"
        ),
    )

    document_id: Mapped[UUID] = mapped_column()
    operation: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_ms: Mapped[int] = mapped_column()
    request_sha256: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(40))
    messages: Mapped[Any] = mapped_column(JSONB, default=list)


class DocumentMail(TenantMixin, Base):
    """The intention to mail a document to somebody, and what came of it. ``message_id`` is computed
    from document, occasion and recipient, so that a repeat is the same mail.
    """

    __tablename__ = "sri_mail"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("document_id", "sri_document"),
        UniqueConstraint("tenant_id", "message_id"),
        Index("ix_sri_mail_document", "tenant_id", "document_id"),
        CheckConstraint(
            one_of("occasion", ("authorized", "annulment", "annulled")), name="occasion"
        ),
        CheckConstraint(one_of("state", ("pending", "sent", "failed")), name="state"),
    )

    document_id: Mapped[UUID] = mapped_column()
    occasion: Mapped[str] = mapped_column(String(12), default="authorized")
    recipient: Mapped[str] = mapped_column(String(320))
    message_id: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(8), default="pending")
    intended_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(String(400), default="")


class IssuerPause(TenantMixin, Base):
    """Emission stopped until a person has settled something: for the issuer, one establishment, or
    one point. ``code`` is SRI's, or ``certificate`` when there is nothing to sign with.
    """

    __tablename__ = "sri_pause"
    __table_args__ = (
        *tenant_args(),
        Index(
            "uq_sri_pause_open",
            "tenant_id",
            "branch_code",
            "issue_point_code",
            "code",
            unique=True,
            postgresql_where="resumed_at IS NULL",
        ),
    )

    branch_code: Mapped[str] = mapped_column(String(3), default="")  # empty: the whole issuer
    issue_point_code: Mapped[str] = mapped_column(String(3), default="")
    code: Mapped[str] = mapped_column(String(40))
    detail: Mapped[str] = mapped_column(String(400), default="")
    document_id: Mapped[UUID | None] = mapped_column()
    paused_at: Mapped[datetime] = mapped_column(UtcDateTime)
    resumed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resumed_by: Mapped[int | None] = mapped_column()


ALL = (
    FiscalDocument,
    BlobDictionary,
    DocumentBlob,
    DocumentAttempt,
    DocumentMail,
    IssuerPause,
)
