"""Secrets of the tenant in scope: stored sealed, opened only where they are used."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import runtime
from core.adapters.keyring import Keyring
from core.db.tenancy import scope_of, utc_now
from core.ids import new_id
from core.models import Secret
from core.services.audit import write_audit


def put(session: Session, name: str, plain: bytes) -> None:
    """Store (or replace) a secret under ``name``, such as ``einvoice_sri.p12``; audited by name."""
    sealed = runtime.keyring().seal(plain, context=_context(session, name))
    row = insert(Secret).values(
        id=new_id(),
        tenant_id=scope_of(session).tenant_id,
        created_at=utc_now(),
        name=name,
        sealed=sealed,
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=["tenant_id", "name"], set_={"sealed": row.excluded.sealed}
        )
    )
    write_audit(session, action="secret.put", reason=name)


def get(session: Session, name: str) -> bytes | None:
    """The secret, or None. Raises ``SecretUnreadable`` when the master key is another one."""
    sealed = session.scalar(select(Secret.sealed).where(Secret.name == name))
    return (
        None if sealed is None else runtime.keyring().open(sealed, context=_context(session, name))
    )


def wipe(session: Session, name: str) -> bool:
    """Delete a secret; whether there was one."""
    tenant = scope_of(session).tenant_id
    gone = session.execute(
        delete(Secret).where(Secret.tenant_id == tenant, Secret.name == name).returning(Secret.id)
    ).all()
    write_audit(session, action="secret.wipe", reason=name)
    return bool(gone)


def rewrap_all(session: Session, keyring: Keyring) -> int:
    """Wrap every secret of the tenant with the keyring's first master key; how many there are."""
    rows = list(session.scalars(select(Secret).with_for_update()))
    for row in rows:
        row.sealed = keyring.rewrap(row.sealed, context=_context(session, row.name))
    return len(rows)


def _context(session: Session, name: str) -> str:
    return f"core_secret/{scope_of(session).tenant_id}/{name}"
