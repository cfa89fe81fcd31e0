"""Telling others how long a company can still sign: the distributor's light, for one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import CertificateChanged
from core.contracts.hooks import SetupStep
from core.db.events import emit
from core.i18n import lazy
from plugins.einvoice_sri.models.certificates import SigningCertificate


def tell_certificate(session: Session, *, now: datetime) -> None:
    """Emit until when the company can sign with what its vault holds."""
    session.flush()
    last = session.scalar(
        select(func.max(SigningCertificate.not_after)).where(SigningCertificate.wiped_at.is_(None))
    )
    emit(session, CertificateChanged(None if last is None else to_local_date(last)), now=now)


def setup_steps(session: Session) -> list[SetupStep]:
    """The step of the guided first access that is ours: the signing file."""
    found = session.scalar(
        select(SigningCertificate.id).where(SigningCertificate.wiped_at.is_(None)).limit(1)
    )
    return [
        SetupStep(
            "certificate",
            lazy("Upload the signing certificate (P12)"),
            found is not None,
            "/sri/certificates",
            50,
        )
    ]
