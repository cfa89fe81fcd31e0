"""The sweep records turns that time has brought: it blocks nobody, access does that by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from core.adapters.clock import to_local_date
from core.db.session import platform_scope, tenant_work, unit_of_work
from core.jobs import Deferral, defer_many
from plugins.licensing.models import Licence
from plugins.licensing.services.standing import refresh

CHUNK = 200
REFRESH = "licensing.refresh"


def find_turned(now: datetime) -> list[UUID]:
    """Clients whose next turn is due, by the note that ``refresh`` left."""
    today = to_local_date(now)
    with platform_scope("sweep the licences") as session:
        due = select(Licence.tenant_id).where(Licence.next_check_on <= today)
        return list(session.scalars(due.order_by(Licence.tenant_id)))


def start_sweep(now: datetime) -> int:
    """Defer the work in chunks of clients; returns how many there are."""
    clients = find_turned(now)
    chunks = [clients[start : start + CHUNK] for start in range(0, len(clients), CHUNK)]
    with unit_of_work() as session:
        defer_many(
            session,
            [Deferral(REFRESH, {"tenants": [str(one) for one in chunk]}) for chunk in chunks],
        )
    return len(clients)


def refresh_clients(tenants: Sequence[UUID], now: datetime) -> None:
    """Record the turns of these clients, each in a transaction of its own."""
    for tenant in tenants:
        with tenant_work(tenant) as session:
            refresh(session, now=now)
