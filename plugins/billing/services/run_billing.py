"""The run of a day: what is due becomes invoices, in batches of their own transactions.

Interrupted anywhere it is simply started again: each batch writes invoices, charges and the
subscriptions' next dates together, and what is done is no longer due.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.db.session import tenant_work
from core.domain.money import ZERO
from core.errors import Forbidden
from plugins.billing.models import Run, RunFailure
from plugins.billing.services.calendars import read_calendar
from plugins.billing.services.charging import group_by_invoice, read_terms
from plugins.billing.services.due import (
    Cursor,
    Periods,
    batch_size,
    count_due,
    read_due,
)
from plugins.billing.services.gates import check_day, refusal_to_run
from plugins.billing.services.run_batches import Progress, Runner, RunResult
from plugins.billing.services.run_beside import Assignment, help_for


def run_billing(
    tenant_id: UUID, *, on: date, now: datetime, progress: Progress | None = None
) -> RunResult:
    """Issue everything of the tenant that is due by ``on``; the emission date is always today.

    One subscription that cannot be invoiced is noted with its reason and does not stop the others.
    Raises ``Forbidden`` when the company's licence lets it issue nothing new, ``DomainError`` when the day
    is refused (see ``check_day``) or nothing at all can be issued.
    """
    refusal = refusal_to_run(tenant_id, now=now)
    if refusal is not None:
        raise Forbidden(refusal.sentence, code=refusal.code)
    today = to_local_date(now)
    with tenant_work(tenant_id) as session:
        check_day(session, on=on, today=today)
        periods = Periods(read_calendar(session), on=on, issued_on=today)
        read_terms(session, today)  # refuses before anything is begun
        expected, oldest = count_due(session, on)
        run_id = _begin(session, on, expected, now)
    result = RunResult(on, today, expected=expected, run_id=run_id)
    size = batch_size(on, oldest)
    assignment = Assignment(tenant_id, run_id, on, today, now)
    with help_for(assignment, expected) as beside:
        Runner(tenant_id, periods, result, now, progress or _silent, size, beside).issue_all()
    with tenant_work(tenant_id) as session:
        session.execute(
            update(Run).where(Run.id == result.run_id).values(state="done", finished_at=now)
        )
    return result


def _silent(done: int, expected: int) -> None:
    """No progress is shown."""


def rehearse(
    session: Session, *, on: date, now: datetime, keep: int = 200
) -> tuple[RunResult, list[Any]]:
    """What ``run_billing`` would do on ``on``, reading only: the sums, and the first ``keep`` charges."""
    periods = Periods(read_calendar(session), on=on, issued_on=on)
    result = RunResult(on, on, is_rehearsal=True, expected=count_due(session, on)[0])
    shown: list[Any] = []
    after: Cursor | None = None
    while True:
        batch = read_due(session, periods, after=after)
        if batch.last is None:
            return result, shown
        after = batch.last
        result.seen += batch.seen
        result.skipped += len(batch.blocked)
        groups = group_by_invoice(batch.charges)
        result.invoices += len(groups)
        result.charges += len(batch.charges)
        result.free += len(batch.charges) - sum(len(one) for one in groups.values())
        result.amount += sum((one.charge.amount for one in batch.charges), ZERO)
        shown += batch.charges[: max(0, keep - len(shown))]


def _begin(session: Session, on: date, expected: int, now: datetime) -> UUID:
    """The run's row: a new one, or the one of the same day again."""
    run = session.scalar(select(Run).where(Run.run_on == on).with_for_update())
    if run is None:
        run = Run(run_on=on, started_at=now, expected=expected)
        session.add(run)
        session.flush()
    else:
        run.state, run.finished_at = "running", None
        run.expected = run.seen + expected - run.skipped
        run.seen, run.skipped = run.seen - run.skipped, 0
        session.execute(delete(RunFailure).where(RunFailure.run_id == run.id))
    return run.id


def failures_of(session: Session, run_id: UUID) -> list[tuple[UUID, str]]:
    """The subscriptions that a run could not invoice, with the reason."""
    rows = session.execute(
        select(RunFailure.subscription_id, RunFailure.sentence)
        .where(RunFailure.run_id == run_id)
        .order_by(RunFailure.id)
    )
    return [(row.subscription_id, row.sentence) for row in rows]
