"""The core's own work for workers and the calendar."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from core.contracts.hooks import Task
from core.contracts.schedule import Schedule
from core.db import events
from core.db.session import tenant_work, unit_of_work
from core.models import StoredEvent, Tenant

EVENTS_KEPT = timedelta(days=90)


def prune_events(args: dict[str, Any], now: datetime) -> None:
    """Task ``core.prune_events``: drop events older than 90 days, tenant by tenant."""
    with unit_of_work() as session:
        tenants = list(session.scalars(select(Tenant.id)))
    for tenant in tenants:
        with tenant_work(tenant) as session:
            old = delete(StoredEvent).where(
                StoredEvent.tenant_id == tenant, StoredEvent.occurred_at < now - EVENTS_KEPT
            )
            session.execute(old, execution_options={"synchronize_session": False})


TASKS = (events.TASK, Task("core.prune_events", prune_events, max_attempts=3))
SCHEDULES = (Schedule("core.prune_events", "core.prune_events", at="03:30", catch_up=False),)
