"""The core's own work for workers and the calendar."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from core.contracts.hooks import Task
from core.contracts.schedule import Schedule
from core.db import events
from core.db.session import tenant_work, unit_of_work
from core.models import ApiRequest, ScheduleRun, StoredEvent, Tenant
from core.security import link_mail

KEPT = timedelta(days=90)


def prune_events(args: dict[str, Any], now: datetime) -> None:
    """Task ``core.prune_events``: drop events older than 90 days, tenant by tenant."""
    _drop_old(StoredEvent, StoredEvent.occurred_at, now)


def prune_requests(args: dict[str, Any], now: datetime) -> None:
    """Task ``core.prune_requests``: forget ``Idempotency-Key`` older than 90 days, tenant by tenant."""
    _drop_old(ApiRequest, ApiRequest.created_at, now)


def _drop_old(model: Any, instant: Any, now: datetime) -> None:
    with unit_of_work() as session:
        tenants = list(session.scalars(select(Tenant.id)))
    for tenant in tenants:
        with tenant_work(tenant) as session:
            old = delete(model).where(model.tenant_id == tenant, instant < now - KEPT)
            session.execute(old, execution_options={"synchronize_session": False})


def prune_schedule_runs(args: dict[str, Any], now: datetime) -> None:
    """Task ``core.prune_schedule_runs``: drop old due times; each schedule keeps its latest."""
    latest = select(func.max(ScheduleRun.due_at)).group_by(ScheduleRun.schedule)
    with unit_of_work() as session:
        old = delete(ScheduleRun).where(
            ScheduleRun.due_at < now - KEPT, ScheduleRun.due_at.not_in(latest)
        )
        session.execute(old, execution_options={"synchronize_session": False})


TASKS = (
    events.TASK,
    link_mail.TASK,
    Task("core.prune_events", prune_events, max_attempts=3),
    Task("core.prune_requests", prune_requests, max_attempts=3),
    Task("core.prune_schedule_runs", prune_schedule_runs, max_attempts=3),
)
SCHEDULES = (
    Schedule("core.prune_events", "core.prune_events", at="03:30", catch_up=False),
    Schedule("core.prune_requests", "core.prune_requests", at="03:35", catch_up=False),
    Schedule("core.prune_schedule_runs", "core.prune_schedule_runs", at="03:40", catch_up=False),
)
