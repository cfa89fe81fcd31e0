"""Batches of a large run in processes of their own.

They are told which subscriptions to issue and answer what came of them. The process that runs keeps the
order, the counts and what another run held; of one that dies it sees to the batch itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from core.beside import ProcessEnded, Processes, processes_beside
from core.db.session import tenant_work
from plugins.billing.services.calendars import read_calendar
from plugins.billing.services.due import Periods
from plugins.billing.services.run_batches import Runner, RunResult

FROM = 20_000  # subscriptions: of fewer, the start takes longer than it saves
PROCESSES = 2
log = logging.getLogger("yupana.billing")


class Assignment(NamedTuple):
    """Which run a process helps with."""

    tenant_id: UUID
    run_id: UUID
    on: date
    issued_on: date
    now: datetime


@dataclass(frozen=True, slots=True)
class Beside:
    """``Elsewhere``: the processes beside this one."""

    assignment: Assignment
    processes: Processes
    threads: int = PROCESSES

    def issue(self, ids: Sequence[UUID]) -> tuple[RunResult, list[UUID]] | None:
        """Have these subscriptions issued. None when the process that had them is gone."""
        try:
            return self.processes.call(issue_assigned, self.assignment, ids)
        except ProcessEnded:
            return None


@contextmanager
def help_for(assignment: Assignment, expected: int) -> Iterator[Beside | None]:
    """Processes that help with the run while the block lasts; None of a run too small for it,
    or where none can be started.
    """
    with ExitStack() as opened:
        beside = None
        if expected >= FROM:
            try:
                processes = opened.enter_context(processes_beside(PROCESSES))
                beside = Beside(assignment, processes)
            except OSError:
                log.warning("no processes beside the run could be started", exc_info=True)
        yield beside


def issue_assigned(assignment: Assignment, ids: Sequence[UUID]) -> tuple[RunResult, list[UUID]]:
    """In a process beside: issue these subscriptions. Returns what came of it, and who was held."""
    runner = _runner(assignment)
    runner.result = RunResult(assignment.on, assignment.issued_on, run_id=assignment.run_id)
    runner.held = []
    runner.issue(only=ids)
    return runner.result, [one for some in runner.held for one in some]


@lru_cache(maxsize=1)
def _runner(assignment: Assignment) -> Runner:
    with tenant_work(assignment.tenant_id) as session:
        calendar = read_calendar(session)
    periods = Periods(calendar, on=assignment.on, issued_on=assignment.issued_on)
    result = RunResult(assignment.on, assignment.issued_on)
    return Runner(assignment.tenant_id, periods, result, assignment.now, lambda *_: None)
