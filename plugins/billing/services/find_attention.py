"""What billing asks of the person who comes home: the coming run, and what the last one left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.hooks import Attention, SetupStep
from core.i18n import _, lazy, ngettext
from plugins.billing.models import Plan, Run, RunFailure, Subscription
from plugins.billing.services.chart_figures import next_run_day
from plugins.billing.services.due import count_due

OFFICE = ("owner", "operator")
AHEAD = timedelta(days=3)


def attention(session: Session, role: str, now: datetime) -> Sequence[Attention]:
    """Failures of the last run, and the rehearsal from three days before the 25th."""
    if role not in OFFICE:
        return []
    found = []
    last = session.scalar(select(Run).order_by(Run.run_on.desc()).limit(1))
    if last is not None:
        failed = session.scalar(
            select(func.count()).select_from(RunFailure).where(RunFailure.run_id == last.id)
        )
        if failed:
            sentence = ngettext(
                "%(num)s subscription could not be invoiced in the last run.",
                "%(num)s subscriptions could not be invoiced in the last run.",
                failed,
            )
            found.append(Attention(sentence, f"/billing/runs/{last.id}", order=20, tone="bad"))
    today = to_local_date(now)
    coming = next_run_day(today)
    if coming - today <= AHEAD:
        due = count_due(session, coming)[0]
        if due:
            sentence = _(
                "On %(day)s the run will invoice %(count)s subscriptions: see the rehearsal.",
                day=f"{coming:%d/%m/%Y}",
                count=due,
            )
            found.append(Attention(sentence, "/billing/runs/rehearsal", order=60, tone="wait"))
    return found


def setup_steps(session: Session) -> Sequence[SetupStep]:
    """For a company that has a plan: sell it. Who bills nothing by the month sees no step."""
    if session.scalar(select(Plan.id).limit(1)) is None:
        return ()
    has_one = session.scalar(select(Subscription.id).limit(1)) is not None
    step = lazy("Contract the first subscription")
    return (SetupStep("subscription", step, has_one, "/billing/subscriptions/new", 120),)
