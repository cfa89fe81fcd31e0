"""How much an issuer may bring to SRI in a minute: one row per environment, whatever the workers."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.ids import new_id

MINUTE = timedelta(minutes=1)
# One statement decides: whoever waits for the row sees what the other has taken. A worker whose
# clock is a minute behind counts in the minute that has begun. The row stays locked until the
# caller commits.
_TAKE = text(
    "UPDATE sri_call_window AS w SET"
    " minute = CASE WHEN old.minute BETWEEN :minute AND :next THEN old.minute ELSE :minute END,"
    " calls = CASE WHEN old.minute BETWEEN :minute AND :next"
    " THEN GREATEST(old.calls, LEAST(old.calls + :wanted, :most)) ELSE LEAST(:wanted, :most) END"
    " FROM (SELECT id, minute, calls FROM sri_call_window"
    " WHERE tenant_id = :tenant AND environment = :environment FOR UPDATE) AS old"
    " WHERE w.id = old.id AND w.tenant_id = :tenant"
    " RETURNING w.calls"
    " - CASE WHEN old.minute BETWEEN :minute AND :next THEN old.calls ELSE 0 END"
)
_BEGIN = text(  # the first time: of several workers one inserts, the others wait for it
    "INSERT INTO sri_call_window (id, tenant_id, created_at, environment, minute, calls)"
    " VALUES (:id, :tenant, now(), :environment, :minute, 0)"
    " ON CONFLICT (tenant_id, environment) DO NOTHING"
)


def take_calls(session: Session, *, environment: int, wanted: int, most: int, now: datetime) -> int:
    """How many of ``wanted`` documents may go now when ``most`` go in a minute (0: no limit)."""
    if most <= 0 or wanted <= 0:
        return max(wanted, 0)
    minute = now.replace(second=0, microsecond=0)
    key = {
        "tenant": scope_of(session).tenant_id,
        "environment": environment,
        "minute": minute,
    }
    take = {**key, "next": minute + MINUTE, "wanted": wanted, "most": most}
    taken = session.execute(_TAKE, take).scalar()
    if taken is None:
        session.execute(_BEGIN, {**key, "id": new_id()})
        taken = session.execute(_TAKE, take).scalar_one()
    return int(taken)


def next_minute(now: datetime) -> datetime:
    """When the next allowance begins."""
    return now.replace(second=0, microsecond=0) + MINUTE
