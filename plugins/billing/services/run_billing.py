"""The run of a day: what is due becomes invoices, in batches of their own transactions.

Threads take turns: while the database stores one batch, the next is read, worked out and staged.
Numbers are still given to one batch after another, since a series belongs to one transaction at a time.

Interrupted anywhere it is simply started again: each batch writes invoices, charges and the
subscriptions' next dates together, and what is done is no longer due.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from threading import Lock
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.db.arrays import array_text
from core.db.bulk import without_collector
from core.db.session import tenant_work
from core.domain.money import ZERO
from core.errors import DomainError
from core.failpoints import failpoint
from core.i18n import _
from core.services import settings
from plugins.billing.models import Run, RunFailure
from plugins.billing.services.calendars import read_calendar
from plugins.billing.services.charging import charge_batch, group_by_invoice, read_terms
from plugins.billing.services.due import (
    BATCH,
    Advance,
    Batch,
    Cursor,
    Periods,
    batch_size,
    count_due,
    read_due,
)

PRODUCTION, PRACTICE = 2, 3
THREADS = 3
SAME_FAILURES = 50  # in a row: the trouble is not with the subscriptions
log = logging.getLogger("yupana.billing")

# A planner that counts the seeks of a disk would join the whole table for each batch.
_BY_KEY = text(
    "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
)
_ADVANCE = text(
    "UPDATE billing_subscription s SET invoiced_through = u.upto, next_period_start = u.begin,"
    " next_issue_on = u.issue, plan_id = u.plan, price = u.price, next_plan_id = NULL, next_price = NULL"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:upto AS date[]), CAST(:begin AS date[]),"
    " CAST(:issue AS date[]), CAST(:plan AS uuid[]), CAST(:price AS numeric[]))"
    " AS u(id, upto, begin, issue, plan, price) WHERE s.id = u.id"
)
_APPLIED = text(
    "UPDATE billing_price_notice n SET is_applied = true FROM billing_subscription s,"
    " billing_price_version v WHERE n.subscription_id = s.id AND v.id = n.price_version_id"
    " AND s.id = ANY(CAST(:ids AS uuid[])) AND NOT n.is_applied AND v.price = s.price"
    " AND v.valid_from < s.next_period_start"
)


@dataclass(slots=True)
class RunResult:
    """What a run did (or, rehearsed, would do). ``issued_on`` is the emission date of its invoices."""

    run_on: date
    issued_on: date
    is_rehearsal: bool = False
    expected: int = 0
    seen: int = 0
    invoices: int = 0
    charges: int = 0
    free: int = 0
    skipped: int = 0
    amount: Decimal = ZERO
    failures: list[tuple[UUID, str]] = field(default_factory=list)
    run_id: UUID | None = None


Progress = Callable[[int, int], None]


def run_billing(
    tenant_id: UUID, *, on: date, now: datetime, progress: Progress | None = None
) -> RunResult:
    """Issue everything of the tenant that is due by ``on``; the emission date is always today.

    One subscription that cannot be invoiced is noted with its reason and does not stop the others.
    Raises ``DomainError`` when the day is refused (see ``check_day``) or nothing at all can be issued.
    """
    today = to_local_date(now)
    with tenant_work(tenant_id) as session:
        check_day(session, on=on, today=today)
        periods = Periods(read_calendar(session), on=on, issued_on=today)
        read_terms(session, today)  # refuses before anything is begun
        expected, oldest = count_due(session, on)
        result = RunResult(on, today, expected=expected)
        result.run_id = _begin(session, on, expected, now)
    size = batch_size(on, oldest)
    _Runner(tenant_id, periods, result, now, progress or _silent, size).issue_all()
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


def check_day(session: Session, *, on: date, today: date) -> None:
    """Against producción a run is for today, or catches up a missed day; never for a day to come. Who
    practises bills nobody: the periods are real.
    """
    environment = read_environment(session)
    if environment == PRACTICE:
        raise DomainError(
            _(
                "The company is practising, so nothing is billed. Leave practice in the settings; the run"
                " then catches up, or rehearse it with --dry-run."
            ),
            code="billing.run_practice",
        )
    if environment == PRODUCTION and on > today:
        raise DomainError(
            _(
                "In producción a run cannot be for a day to come: SRI takes no future emission date."
                " Run it on %(day)s, or rehearse it with --dry-run.",
                day=f"{on:%d/%m/%Y}",
            ),
            code="billing.run_in_future",
            field="on",
        )


def read_environment(session: Session) -> int:
    """SRI's environment of the company; 1 where no plugin knows environments."""
    try:
        settings.spec("einvoice_sri.environment")
    except KeyError:
        return 1
    return int(settings.read(session, "einvoice_sri.environment"))


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


@dataclass(slots=True)
class _Runner:
    """The batches of one run, one transaction each."""

    tenant_id: UUID
    periods: Periods
    result: RunResult
    now: datetime
    progress: Progress
    size: int = BATCH
    same_failures: int = 0
    last_failure: str = ""
    after: Cursor | None = None
    held: list[list[UUID]] = field(default_factory=list)
    is_stopped: bool = False
    reading: Lock = field(default_factory=Lock)
    counting: Lock = field(default_factory=Lock)

    def issue_all(self) -> None:
        """Issue batch after batch, with ``THREADS`` of them at work where there are several.

        What another run held is waited for in the end: that run may have been killed, and the
        database need not know it yet.
        """
        self._take_turns()
        for one in list(self.held):
            self._try(Batch(), only=one, wait=True)

    def _take_turns(self) -> None:
        if self.result.expected <= self.size:
            self._issue_batches()
            return
        with ThreadPoolExecutor(THREADS) as pool:
            try:
                working = [
                    pool.submit(copy_context().run, self._issue_batches) for _n in range(THREADS)
                ]
                for one in working:
                    one.result()
            finally:
                self.is_stopped = True

    def _issue_batches(self) -> None:
        try:
            while not self.is_stopped and self._try(Batch()).last is not None:
                pass
        except BaseException:
            self.is_stopped = True
            raise

    def _read(self, session: Session, only: Sequence[UUID] | None, *, wait: bool) -> Batch:
        """The next batch in turn, or what is due of ``only``; its rows are taken."""
        if only is not None:
            return read_due(session, self.periods, only=only, lock=True, wait=wait)
        with self.reading:
            batch = read_due(session, self.periods, after=self.after, lock=True, limit=self.size)
            self.after = batch.last or self.after
            if batch.held:
                self.held.append(batch.held)
        return batch

    def _try(
        self, known: Batch, *, only: Sequence[UUID] | None = None, wait: bool = False
    ) -> Batch:
        """Issue a batch. When it fails, the subscription at fault is found by halving."""
        batch = known
        try:
            with without_collector(), tenant_work(self.tenant_id) as session:
                batch = self._read(session, only, wait=wait)
                numbers = self._issue(session, batch)
                if batch.seen:
                    failpoint("billing.batch_written")
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            self._halve(batch, _refused_by_database(error))
        except (DomainError, ValueError, ArithmeticError) as error:
            self._halve(batch, str(error))
        else:
            self._count(numbers)
        return batch

    def _issue(self, session: Session, batch: Batch) -> dict[str, Any]:
        numbers: dict[str, Any] = {"seen": batch.seen, "skipped": len(batch.blocked)}
        if batch.charges:
            terms = read_terms(session, self.result.issued_on, run_id=self.result.run_id)
            advance(session, batch.advances)  # before the numbers, for which others wait
            done = charge_batch(session, batch.charges, terms, now=self.now)
            numbers |= {
                "invoices": len(done.invoices),
                "charges": done.charges,
                "free": done.free,
                "amount": done.amount,
            }
        if batch.seen:
            session.execute(
                update(Run)
                .where(Run.id == self.result.run_id)
                .values({name: getattr(Run, name) + value for name, value in numbers.items()})
                .returning(Run.id)
            ).one()  # the charges name it
        return numbers

    def _count(self, numbers: dict[str, Any]) -> None:
        with self.counting:
            self.same_failures = 0
            for name, value in numbers.items():
                setattr(self.result, name, getattr(self.result, name) + value)
            self.progress(self.result.seen, self.result.expected)

    def _halve(self, batch: Batch, sentence: str) -> None:
        if not batch.ids:
            raise DomainError(sentence, code="billing.run_failed")
        if batch.seen == 1:
            self._note(batch.ids[0], sentence)
            return
        for part in batch.halves():
            known = Batch(ids=part, payers=[batch.payers[batch.ids.index(one)] for one in part])
            self._try(known, only=part)

    def _note(self, subscription_id: UUID, sentence: str) -> None:
        log.warning("subscription %s was not invoiced: %s", subscription_id, sentence)
        with tenant_work(self.tenant_id) as session:
            session.execute(
                insert(RunFailure)
                .values(
                    tenant_id=self.tenant_id,
                    run_id=self.result.run_id,
                    subscription_id=subscription_id,
                    sentence=sentence[:500],
                )
                .on_conflict_do_nothing()
            )
            session.execute(
                update(Run).where(Run.id == self.result.run_id).values(seen=Run.seen + 1)
            )
        with self.counting:
            self.same_failures = self.same_failures + 1 if sentence == self.last_failure else 1
            self.last_failure = sentence
            self.result.seen += 1
            self.result.failures.append((subscription_id, sentence))
            self.progress(self.result.seen, self.result.expected)
            if self.same_failures >= SAME_FAILURES:
                raise DomainError(sentence, code="billing.run_failed")


def _refused_by_database(error: DBAPIError) -> str:
    code = getattr(error.orig, "sqlstate", None) or type(error.orig).__name__
    return str(_("The database refused the invoice (%(code)s). Tell support this code.", code=code))


def advance(session: Session, rows: Sequence[Advance]) -> None:
    """Write where the subscriptions now stand, in one statement."""
    ids = array_text(row.subscription_id for row in rows)
    session.execute(_BY_KEY)
    session.execute(
        _ADVANCE,
        {
            "ids": ids,
            "upto": array_text(row.invoiced_through for row in rows),
            "begin": array_text(row.next_period_start for row in rows),
            "issue": array_text(row.next_issue_on for row in rows),
            "plan": array_text(row.plan_id for row in rows),
            "price": array_text(row.price for row in rows),
        },
    )
    session.execute(_APPLIED, {"ids": ids})


def failures_of(session: Session, run_id: UUID) -> list[tuple[UUID, str]]:
    """The subscriptions that a run could not invoice, with the reason."""
    rows = session.execute(
        select(RunFailure.subscription_id, RunFailure.sentence)
        .where(RunFailure.run_id == run_id)
        .order_by(RunFailure.id)
    )
    return [(row.subscription_id, row.sentence) for row in rows]
