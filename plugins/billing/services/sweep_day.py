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
        policy = read_policy(session)
        keep, lifts = policy.keeps_issuing, policy.report_lifts
        if is_rehearsal:
            return preview_sweep(session, on=on, keep_issuing=keep, report_lifts=lifts)
        return sweep(session, on=on, now=now, keep_issuing=keep, report_lifts=lifts)
