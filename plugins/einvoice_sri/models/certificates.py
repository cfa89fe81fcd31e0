"""Signing certificates of a company and the one-time links to upload them.

The private key is a sealed secret of core named ``einvoice_sri.key.<id>``; the P12 file and its
password are not kept.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tenancy import TenantMixin, tenant_args, tenant_ref
from core.db.types import UtcDateTime


class SigningCertificate(TenantMixin, Base):
    """A certificate with which documents are signed from ``use_from`` on.

    ``warned_days`` is the smallest of 60, 30, 7, 1 for which the owner has been warned.
    ``wiped_at``: the key no longer exists; the row stays as history.
    """

    __tablename__ = "sri_certificate"
    __table_args__ = (
        *tenant_args(),
        Index("ix_sri_certificate_use_from", "tenant_id", "use_from"),
        Index(
            "uq_sri_certificate_fingerprint",
            "tenant_id",
            "fingerprint",
            unique=True,
            postgresql_where="wiped_at IS NULL",
        ),
        CheckConstraint("not_after > not_before", name="dates"),
    )

    holder: Mapped[str] = mapped_column(String(300))
    organization: Mapped[str] = mapped_column(String(300), default="")
    tax_id: Mapped[str] = mapped_column(String(13), default="")  # RUC in the certificate, if any
    personal_id: Mapped[str] = mapped_column(String(10), default="")  # cédula, if any
    authority: Mapped[str] = mapped_column(String(300))
    serial: Mapped[str] = mapped_column(String(80))
    fingerprint: Mapped[str] = mapped_column(String(64))
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    not_after: Mapped[datetime] = mapped_column(UtcDateTime)
    key_usage: Mapped[str] = mapped_column(String(200), default="")
    certificate: Mapped[bytes] = mapped_column(LargeBinary)
    use_from: Mapped[datetime] = mapped_column(UtcDateTime)
    signer: Mapped[str] = mapped_column(String(300), default="")  # who signs for the company
    chosen_because: Mapped[str] = mapped_column(String(20), default="only")
    keys_in_file: Mapped[int] = mapped_column(default=1)
    uploaded_by: Mapped[int | None] = mapped_column()
    warned_days: Mapped[int | None] = mapped_column()
    wiped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class UploadLink(TenantMixin, Base):
    """A link that lets somebody else upload a certificate once; only its hash is kept."""

    __tablename__ = "sri_upload_link"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("certificate_id", "sri_certificate"),
        UniqueConstraint("tenant_id", "token_hash"),
    )

    token_hash: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(String(200), default="")
    created_by: Mapped[int | None] = mapped_column()
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    certificate_id: Mapped[UUID | None] = mapped_column()


ALL: tuple[type, ...] = (SigningCertificate, UploadLink)
