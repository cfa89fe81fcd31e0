"""One-time links: the owner lets the distributor or adviser upload the P12 file, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.session import acting_for, tenant_work
from core.db.tenancy import scope_of
from core.errors import DomainError, NotFound
from core.i18n import _
from core.models import Tenant
from core.services.audit import write_audit
from plugins.einvoice_sri.models.certificates import UploadLink
from plugins.einvoice_sri.services.certificates import add_certificate
from plugins.einvoice_sri.services.tell_certificates import tell_certificate

LIFETIME = timedelta(hours=72)
_TENANT_CHARS = 32


def make_link(session: Session, *, secret: str, note: str = "", now: datetime) -> str:
    """Store a link with fresh randomness (``secret``, 32 bytes or more in text); returns its token."""
    tenant = scope_of(session).tenant_id
    if tenant is None or len(secret) < 32:
        raise ValueError("a link needs a company and at least 32 characters of randomness")
    row = UploadLink(
        token_hash=_hash(secret),
        note=note.strip()[:200],
        created_by=scope_of(session).user_id,
        expires_at=now + LIFETIME,
    )
    session.add(row)
    session.flush()
    write_audit(session, action="make_upload_link", subject_id=row.id, details={"note": row.note})
    return tenant.hex + secret


def revoke_links(session: Session, *, now: datetime) -> int:
    """Close every open link of the company; how many there were."""
    rows = session.scalars(
        select(UploadLink).where(UploadLink.used_at.is_(None), UploadLink.expires_at > now)
    ).all()
    for row in rows:
        row.expires_at = now
    if rows:
        write_audit(session, action="revoke_upload_links", details={"count": len(rows)})
    return len(rows)


def open_links(session: Session, *, now: datetime) -> int:
    """How many links wait to be used."""
    return len(
        session.scalars(
            select(UploadLink.id).where(UploadLink.used_at.is_(None), UploadLink.expires_at > now)
        ).all()
    )


def link_company(token: str, *, now: datetime) -> str:
    """The name of the company a usable link belongs to. Raises ``NotFound`` for any other token."""
    with tenant_work(_tenant_of(token)) as session:
        _usable(session, token, now)
        return session.get_one(Tenant, scope_of(session).tenant_id).name


def upload_by_link(
    token: str, *, data: bytes, password: str, signer: str = "", now: datetime
) -> UUID:
    """Use a link: add the certificate for its company and close the link, in one transaction."""
    link_company(token, now=now)
    with acting_for(_tenant_of(token), "upload a certificate by one-time link") as session:
        row = _usable(session, token, now, lock=True)
        added = add_certificate(session, data=data, password=password, signer=signer, now=now)
        row.used_at = now
        row.certificate_id = added
        tell_certificate(session, now=now)
        write_audit(session, action="use_upload_link", subject_id=row.id)
        return added


def _usable(session: Session, token: str, now: datetime, *, lock: bool = False) -> UploadLink:
    query = select(UploadLink).where(UploadLink.token_hash == _hash(token[_TENANT_CHARS:]))
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise _unknown()
    if row.used_at is not None or row.expires_at <= now:
        raise DomainError(
            _("This link was used already or has ended. Ask the company's owner for another one."),
            code="sri_upload_link_closed",
        )
    return row


def _tenant_of(token: str) -> UUID:
    try:
        return UUID(hex=token[:_TENANT_CHARS])
    except ValueError:
        raise _unknown() from None


def _unknown() -> NotFound:
    return NotFound(_("This link does not exist."))


def _hash(secret: str) -> str:
    return hmac.digest(b"sri_upload_link", secret.encode(), hashlib.sha256).hex()
