"""Keys for other software, each bound to one person's membership of one company."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.errors import DomainError, NotFound
from core.i18n import gettext as _
from core.ids import new_id
from core.security.models import ApiKey
from core.security.sessions import make_key
from core.services.audit import write_audit

LONGEST_DAYS = 3650


def create_key(
    session: Session,
    *,
    user_id: int,
    name: str,
    days: int | None,
    allowed: Sequence[str],
    now: datetime,
) -> str:
    """Make a key for the person and company in scope; the text that is shown this once.

    ``allowed`` narrows the role's permissions (empty: all of them). ``days`` None: until revoked.
    """
    if not name.strip():
        raise DomainError(
            _("Give the key a name that says which software uses it."),
            code="key.name",
            field="name",
        )
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise DomainError(_("A key lasts from 1 to 3650 days."), code="key.days", field="days")
    tenant_id, key_id = scope_of(session).tenant_id, new_id()
    assert tenant_id is not None
    shown, kept = make_key(tenant_id, key_id)
    session.add(
        ApiKey(
            id=key_id,
            user_id=user_id,
            name=name.strip()[:120],
            secret_hash=kept,
            allowed=sorted(allowed),
            expires_at=None if days is None else now + timedelta(days=days),
        )
    )
    session.flush()
    write_audit(session, action="api_key.create", reason=name.strip()[:120], subject_id=key_id)
    return shown


def revoke_key(session: Session, key_id: UUID, *, now: datetime) -> None:
    """End a key at once; audited."""
    key = session.scalar(select(ApiKey).where(ApiKey.id == key_id))
    if key is None:
        raise NotFound
    if key.revoked_at is None:
        key.revoked_at = now
        write_audit(session, action="api_key.revoke", reason=key.name, subject_id=key.id)


def list_keys(session: Session) -> list[ApiKey]:
    """Keys of the company in scope, newest first."""
    return list(session.scalars(select(ApiKey).order_by(ApiKey.id.desc())))
