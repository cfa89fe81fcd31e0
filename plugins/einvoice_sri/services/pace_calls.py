"""How much an issuer may bring to SRI in a minute: one row per environment, whatever the workers."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.ids import new_id

MINUTE = timedelta(minutes=1)
# The row stays locked until the caller commits, so that two workers never share an allowance.
_TAKE = text(
    "INSERT INTO sri_call_window AS w (id, tenant_id, created_at, environment, minute, calls)"
    " VALUES (:id, :tenant, now(), :environment, :minute, :wanted)"
    " ON CONFLICT (tenant_id, environment) DO UPDATE SET minute = :minute, calls = CASE"
    " WHEN w.minute = :minute THEN LEAST(w.calls + :wanted, :most) ELSE :wanted END"
    " RETURNING calls"
)
_USED = text(
    "SELECT calls FROM sri_call_window WHERE tenant_id = :tenant AND environment = :environment"
    " AND minute = :minute FOR UPDATE"
)


def take_calls(session: Session, *, environment: int, wanted: int, most: int, now: datetime) -> int:
    """How many of ``wanted`` documents may go now when ``most`` go in a minute (0: no limit)."""
    if most <= 0 or wanted <= 0:
        return max(wanted, 0)
    key = {
        "tenant": scope_of(session).tenant_id,
        "environment": environment,
        "minute": now.replace(second=0, microsecond=0),
    }
    used = session.execute(_USED, key).scalar() or 0
    allowed = min(wanted, max(most - used, 0))
    if allowed:
        session.execute(_TAKE, {**key, "id": new_id(), "wanted": allowed, "most": most})
    return allowed


def next_minute(now: datetime) -> datetime:
    """When the next allowance begins."""
    return now.replace(second=0, microsecond=0) + MINUTE
