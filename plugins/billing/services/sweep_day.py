"""The sweep of one company's day, under its own policy."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from core.adapters.clock import to_local_date
from core.db.session import tenant_work
from plugins.billing.services.calendars import read_policy
from plugins.billing.services.gates import check_sweep_day
from plugins.billing.services.sweep import Swept, preview_sweep, sweep


def sweep_day(tenant_id: UUID, *, on: date, now: datetime, is_rehearsal: bool = False) -> Swept:
    """Record (or only count) what a day brings, in one transaction.

    A missed day is caught up without its reminders, whose words ("tomorrow") are not true any more.
    Raises ``DomainError`` for a day to come where subscriptions are real; it may be counted.
    """
    today = to_local_date(now)
    with tenant_work(tenant_id) as session:
        policy = read_policy(session)
        keep, reminds = policy.keeps_issuing, on >= today
        lifts, honours = policy.report_lifts, policy.honours_paid_days
        if is_rehearsal:
            return preview_sweep(
                session,
                on=on,
                keep_issuing=keep,
                report_lifts=lifts,
                honours_paid=honours,
                reminds=reminds,
            )
        check_sweep_day(session, on=on, today=today)
        return sweep(
            session,
            on=on,
            now=now,
            keep_issuing=keep,
            report_lifts=lifts,
            honours_paid=honours,
            reminds=reminds,
        )
