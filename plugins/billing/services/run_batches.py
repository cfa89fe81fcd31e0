"""The batches of a run, each in a transaction of its own.

Several are at work at once: while the database stores one, the next is read, worked out and staged, in
threads of this process and, of a large run, in processes of their own (``Elsewhere``). Numbers are still
given to one batch after another, since a series belongs to one transaction at a time.
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
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.db.arrays import array_text
from core.db.bulk import without_collector
from core.db.session import tenant_work
from core.domain.money import ZERO
from core.errors import DomainError
from core.failpoints import failpoint
from core.i18n import _
from plugins.billing.models import Run, RunFailure
from plugins.billing.services.charging import charge_batch, read_terms
from plugins.billing.services.due import BATCH, Advance, Batch, Cursor, Periods, next_ids, read_due

THREADS = 3
NO_IDS = "{}"
SAME_FAILURES = 50  # in a row: the trouble is not with the subscriptions
log = logging.getLogger("yupana.billing")

# A planner that counts the seeks of a disk would join the whole table for each batch.
_PLANS = text(
    "SELECT set_config('enable_hashjoin', :joins, true),"
    " set_config('enable_mergejoin', :joins, true)"
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

    def add(self, other: RunResult) -> None:
        """Count what came of a part of the run."""
        self.seen += other.seen
        self.invoices += other.invoices
        self.charges += other.charges
        self.free += other.free
        self.skipped += other.skipped
        self.amount += other.amount
        self.failures += other.failures


Progress = Callable[[int, int], None]


class Elsewhere(Protocol):
    """Other processes that issue batches of the run."""

    @property
    def threads(self) -> int:
        """How many threads of this process give them batches and wait."""

    def issue(self, ids: Sequence[UUID]) -> tuple[RunResult, list[UUID]] | None:
        """What came of these subscriptions, and those that another run held. None: who had them is
        gone, and nobody is to be asked again.
        """


@dataclass(slots=True)
class Runner:
    """The batches of one run, one transaction each."""

    tenant_id: UUID
    periods: Periods
    result: RunResult
    now: datetime
    progress: Progress
    size: int = BATCH
    elsewhere: Elsewhere | None = None
    same_failures: int = 0
    last_failure: str = ""
    after: Cursor | None = None
    held: list[list[UUID]] = field(default_factory=list)
    is_stopped: bool = False
    reading: Lock = field(default_factory=Lock)
    counting: Lock = field(default_factory=Lock)

    def issue_all(self) -> None:
        """Issue batch after batch, three of them at work where there are several.

        What another run held is waited for in the end: that run may have been killed, and the
        database need not know it yet.
        """
        self._take_turns()
        for one in list(self.held):
            self.issue(only=one, wait=True)

    def _take_turns(self) -> None:
        if self.result.expected <= self.size:
            self._issue_batches(self._issue_here)
            return
        steps = [self._issue_here] * THREADS
        if self.elsewhere is not None:
            steps = [self._issue_here] + [self._issue_elsewhere] * self.elsewhere.threads
        with ThreadPoolExecutor(len(steps)) as pool:
            try:
                working = [
                    pool.submit(copy_context().run, self._issue_batches, step) for step in steps
                ]
                for one in working:
                    one.result()
            finally:
                self.is_stopped = True

    def _issue_batches(self, step: Callable[[], bool]) -> None:
        try:
            while not self.is_stopped and step():
                pass
        except BaseException:
            self.is_stopped = True
            raise

    def _issue_here(self) -> bool:
        return self.issue().last is not None

    def _issue_elsewhere(self) -> bool:
        """Have a batch issued by another process; where that one is gone, see to it here, and so on."""
        if self.elsewhere is None:
            return self._issue_here()
        try:
            with self.reading, tenant_work(self.tenant_id) as session:
                ids, last = next_ids(session, self.periods.on, self.after, self.size)
                self.after = last or self.after
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            raise DomainError(_refused_by_database(error), code="billing.run_failed") from error
        if last is None:
            return False
        done = self.elsewhere.issue(ids)
        if done is None:
            log.warning("a process beside the run has ended; it goes on without them")
            self.elsewhere = None
            self.issue(only=ids, wait=True)
            return True
        result, held = done
        self._count(result)
        if held:
            self.held.append(held)
        return True

    def _read(self, session: Session, only: Sequence[UUID] | None, *, wait: bool) -> Batch:
        """The next batch in turn, or what is due of ``only``; its rows are taken."""
        if only is not None:
            batch = read_due(session, self.periods, only=only, lock=True, wait=wait)
        else:
            with self.reading:
                batch = read_due(
                    session, self.periods, after=self.after, lock=True, limit=self.size
                )
                self.after = batch.last or self.after
        if batch.held:
            self.held.append(batch.held)
        return batch

    def issue(
        self,
        *,
        only: Sequence[UUID] | None = None,
        wait: bool = False,
        known: Batch | None = None,
    ) -> Batch:
        """Issue the next batch, or what is due of ``only``. The subscription at fault when it fails is
        found by halving.
        """
        batch = known or Batch()
        try:
            with without_collector(), tenant_work(self.tenant_id) as session:
                batch = self._read(session, only, wait=wait)
                done = self._issue(session, batch)
                if batch.seen:
                    failpoint("billing.batch_written")
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            self._halve(batch, _refused_by_database(error))
        except (DomainError, ValueError, ArithmeticError) as error:
            self._halve(batch, str(error))
        else:
            self._count(done)
        return batch

    def _issue(self, session: Session, batch: Batch) -> RunResult:
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
        return RunResult(self.result.run_on, self.result.issued_on, **numbers)

    def _count(self, done: RunResult) -> None:
        with self.counting:
            self.same_failures = 0
            self.result.add(done)
            self.progress(self.result.seen, self.result.expected)

    def _halve(self, batch: Batch, sentence: str) -> None:
        if not batch.ids:
            raise DomainError(sentence, code="billing.run_failed")
        if batch.seen == 1:
            self._note(batch.ids[0], sentence)
            return
        payers = dict(zip(batch.ids, batch.payers, strict=True))
        for part in batch.halves():
            known = Batch(ids=part, payers=[payers[one] for one in part])
            self.issue(only=part, known=known)

    def _note(self, subscription_id: UUID, sentence: str) -> None:
        log.warning("subscription %s was not invoiced: %s", subscription_id, sentence)
        with tenant_work(self.tenant_id) as session:
            noted = session.execute(
                insert(RunFailure)
                .values(
                    tenant_id=self.tenant_id,
                    run_id=self.result.run_id,
                    subscription_id=subscription_id,
                    sentence=sentence[:500],
                )
                .on_conflict_do_nothing()
                .returning(RunFailure.id)
            )
            if noted.first() is not None:  # else by a process that ended before it could tell
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
    session.execute(_PLANS, {"joins": "off"})
    session.execute(
        _ADVANCE,
        {
            "ids": array_text(row.subscription_id for row in rows),
            "upto": array_text(row.invoiced_through for row in rows),
            "begin": array_text(row.next_period_start for row in rows),
            "issue": array_text(row.next_issue_on for row in rows),
            "plan": array_text(row.plan_id for row in rows),
            "price": array_text(row.price for row in rows),
        },
    )
    told = array_text(row.subscription_id for row in rows if row.is_told)
    if told != NO_IDS:
        session.execute(_APPLIED, {"ids": told})
    session.execute(_PLANS, {"joins": "on"})
