"""The sweep of one company's day, under its own policy."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from core.db.session import tenant_work
from plugins.billing.services.calendars import read_policy
from plugins.billing.services.sweep import Swept, preview_sweep, sweep


def sweep_day(tenant_id: UUID, *, on: date, now: datetime, is_rehearsal: bool = False) -> Swept:
    """Record (or only count) what a day brings, in one transaction."""
    with tenant_work(tenant_id) as session:
        keep = read_policy(session).suspended_at_run == "keep_issuing"
        if is_rehearsal:
            return preview_sweep(session, on=on, keep_issuing=keep)
        return sweep(session, on=on, now=now, keep_issuing=keep)
