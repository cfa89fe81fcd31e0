"""The calendar: one leader per installation turns due times into jobs, and only that.

The leader holds a PostgreSQL advisory lock on a connection of its own. A tick writes
``core_schedule_run`` (once per schedule and due time, whoever writes it) and defers the job in one
transaction. On taking the lead it looks what was missed: a machine that was off on day 25 still bills.
The same process gives the jobs of dead workers back.
"""

from __future__ import annotations

import calendar
import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from core import jobs, plugins, runtime
from core.adapters.clock import at_local, to_local_date
from core.contracts.schedule import Schedule
from core.db.session import unit_of_work
from core.ids import new_id
from core.models import ScheduleRun
from core.settings import Settings

LEADER_LOCK = 7_209_002
TICK_SECONDS = 1.0
LONGEST_BACKLOG = timedelta(days=62)  # a machine off for longer is looked after by a person
log = logging.getLogger("yupana.scheduler")


def schedules() -> list[Schedule]:
    """Everything on the calendar: core's and the plugins'."""
    from core.core_tasks import SCHEDULES

    theirs = [one for answer in plugins.call("register_schedules") for one in answer]
    return [*SCHEDULES, *theirs]


def due_times(schedule: Schedule, after: datetime, until: datetime) -> list[datetime]:
    """Due instants (aware UTC) in ``after < due <= until``, oldest first.

    ``at`` is a wall-clock time in America/Guayaquil on ``days`` of the month (a day that the month
    does not have is its last); without ``days`` daily. ``every_minutes`` counts from 1970.
    """
    if schedule.every_minutes:
        step = schedule.every_minutes * 60
        first = int(after.timestamp()) // step + 1
        last = int(until.timestamp()) // step
        return [datetime.fromtimestamp(n * step, UTC) for n in range(first, last + 1)]
    hour, minute = (int(part) for part in schedule.at.split(":"))
    instants = (
        at_local(day, hour, minute)
        for day in _days(schedule, to_local_date(after), to_local_date(until))
    )
    return [one for one in instants if after < one <= until]


def _days(schedule: Schedule, first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        length = calendar.monthrange(day.year, day.month)[1]
        if not schedule.days or day.day in {min(one, length) for one in schedule.days}:
            yield day
        day += timedelta(days=1)


def missed(schedule: Schedule, last_run: datetime | None, now: datetime) -> list[datetime]:
    """What should have been enqueued by ``now`` and was not.

    A schedule that never ran starts now (nothing is owed from before the installation). Without
    ``catch_up``, and for those of every few minutes, only the latest due time counts.
    """
    if last_run is None:
        return []
    due = due_times(schedule, max(last_run, now - LONGEST_BACKLOG), now)
    return due if schedule.catch_up and not schedule.every_minutes else due[-1:]


def tick(session: Session, calendar_: Sequence[Schedule], now: datetime) -> int:
    """Enqueue what is due at ``now``; how many jobs that makes. A second tick makes none.

    The very first time a schedule is seen, its beginning is noted and nothing is enqueued.
    """
    found = session.execute(
        select(ScheduleRun.schedule, func.max(ScheduleRun.due_at)).group_by(ScheduleRun.schedule)
    )
    last_runs = {row[0]: row[1] for row in found}
    enqueued = 0
    for schedule in calendar_:
        if schedule.name not in last_runs:
            _note(session, schedule, now)
            continue
        for due_at in missed(schedule, last_runs[schedule.name], now):
            if _note(session, schedule, due_at):
                args = {"schedule": schedule.name, "due_at": due_at.isoformat()}
                jobs.defer(session, schedule.task, args)
                log.info("%s was due at %s", schedule.name, due_at.isoformat())
                enqueued += 1
    return enqueued


def _note(session: Session, schedule: Schedule, due_at: datetime) -> bool:
    """Write the run; False when somebody has written it before."""
    row = insert(ScheduleRun).values(
        id=new_id(), schedule=schedule.name, due_at=due_at, created_at=datetime.now(UTC)
    )
    once = row.on_conflict_do_nothing(index_elements=["schedule", "due_at"])
    return session.scalar(once.returning(ScheduleRun.id)) is not None


def revive_stalled(session: Session, silent_for: int) -> int:
    """Put back the jobs of workers that have been silent for so many seconds; how many there were."""
    session.execute(
        text("SELECT set_config('search_path', :path, true)"), {"path": jobs.SEARCH_PATH}
    )
    found = session.execute(
        text(
            "SELECT procrastinate_retry_job_v2(j.id, now(), NULL, NULL, NULL)"
            " FROM (SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND (worker_id IS NULL"
            " OR worker_id IN (SELECT id FROM procrastinate_workers WHERE last_heartbeat"
            " < now() - make_interval(secs => :silent))) FOR UPDATE SKIP LOCKED) j"
        ),
        {"silent": silent_for},
    ).all()
    session.execute(
        text(
            "DELETE FROM procrastinate_workers WHERE last_heartbeat"
            " < now() - make_interval(secs => :silent)"
        ),
        {"silent": silent_for},
    )
    if found:
        log.warning("%s jobs of a worker that went silent are taken up again", len(found))
    return len(found)


class Leadership:
    """The advisory lock on a connection of its own: whoever has it leads."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None

    def is_held(self) -> bool:
        """Take the lead if it is free; whether this process leads now."""
        try:
            if self._connection is not None:
                self._connection.execute(
                    text("SELECT 1")
                )  # the lock lives as long as the connection
                return True
            self._connection = self._engine.connect()
            taken = self._connection.scalar(
                text("SELECT pg_try_advisory_lock(:key)"), {"key": LEADER_LOCK}
            )
        except OperationalError:
            taken = False
        if not taken:
            self.release()
        return bool(taken)

    def release(self) -> None:
        """Give the lead up."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Give the lead up and close."""
        self.release()
        self._engine.dispose()


def run(url: str, settings: Settings, stop: threading.Event) -> None:
    """Keep the calendar until ``stop``; one of several such processes leads, the others wait."""
    lead = Leadership(url)
    calendar_ = schedules()
    was_leader = False

    def beat() -> None:
        nonlocal was_leader
        is_leader = lead.is_held()
        if is_leader and not was_leader:
            log.info("leading: %s schedules on the calendar", len(calendar_))
        was_leader = is_leader
        if not is_leader:
            return
        try:
            with unit_of_work() as session:
                tick(session, calendar_, runtime.clock().now())
            with unit_of_work() as session:
                revive_stalled(session, settings.stalled_after_seconds)
        except OperationalError:
            log.warning("the database does not answer; trying again")

    engine: Any = BackgroundScheduler(
        timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1}
    )
    engine.add_job(
        beat,
        "interval",
        seconds=TICK_SECONDS,
        misfire_grace_time=None,
        next_run_time=datetime.now(UTC),
    )
    engine.start()
    try:
        stop.wait()
    finally:
        engine.shutdown(wait=True)
        lead.close()
