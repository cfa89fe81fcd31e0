"""Who wants no reminders: a signed link in each of them, one click, and back again.

Suspension, end, price and cancellation are told all the same: they are no reminders.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import runtime
from core.db.tenancy import scope_of
from core.errors import NotFound
from plugins.billing.models import ReminderStop


def stop_path(session: Session, customer_id: UUID) -> str:
    """The path of the page on which a customer stops reminders."""
    tenant = scope_of(session).tenant_id
    return f"/recordatorios/{tenant}/{customer_id}/{_signature(tenant, customer_id)}"


def check_link(tenant_id: UUID, customer_id: UUID, signature: str) -> None:
    """Raise ``NotFound`` for a link that we did not write."""
    keys = runtime.keyring().derive_all(f"billing.reminders/{tenant_id}")
    good = [_sign(key, customer_id).encode() for key in keys]
    if not any(hmac.compare_digest(one, signature.encode()) for one in good):
        raise NotFound


def is_stopped(session: Session, customer_id: UUID) -> bool:
    """Does the customer want no reminders?"""
    query = select(ReminderStop.id).where(ReminderStop.customer_id == customer_id)
    return session.scalar(query) is not None


def choose(session: Session, customer_id: UUID, *, is_stopped: bool, now: datetime) -> None:
    """Stop reminders, or have them again."""
    if is_stopped:
        session.execute(
            insert(ReminderStop)
            .values(tenant_id=scope_of(session).tenant_id, customer_id=customer_id, stopped_at=now)
            .on_conflict_do_nothing()
        )
    else:
        session.execute(delete(ReminderStop).where(ReminderStop.customer_id == customer_id))


def _signature(tenant_id: UUID | None, customer_id: UUID) -> str:
    key = runtime.keyring().derive(f"billing.reminders/{tenant_id}")
    return _sign(key, customer_id)


def _sign(key: bytes, customer_id: UUID) -> str:
    return hmac.new(key, str(customer_id).encode(), sha256).hexdigest()[:40]
