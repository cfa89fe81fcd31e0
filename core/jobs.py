"""Work for the workers: deferred in the business transaction, run by Procrastinate.

``defer`` writes on the session's own connection, so a job exists if and only if the session commits.
A job is a task's name and JSON arguments (ids, never personal data). At least once: a task's effect
and the record that it happened belong into one transaction.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from procrastinate import App, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import plugins, runtime
from core.contracts.hooks import Task
from core.errors import TryLater

SCHEMA = "procrastinate"
SEARCH_PATH = f"public, {SCHEMA}"
LONGEST_PAUSE = 600  # seconds between tries
log = logging.getLogger("yupana.jobs")

_DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(array_agg(ROW(j.queue_name, j.task_name, j.priority, j.lock,"
    " j.queueing_lock, j.args, j.scheduled_at)::procrastinate_job_to_defer_v1 ORDER BY j.nth))"
    " FROM jsonb_to_recordset(CAST(:jobs AS jsonb)) AS j(nth int, queue_name varchar, task_name varchar,"
    " priority int, lock text, queueing_lock text, args jsonb, scheduled_at timestamptz)"
    " WHERE j.queueing_lock IS NULL OR NOT EXISTS (SELECT FROM procrastinate_jobs w"
    " WHERE w.queueing_lock = j.queueing_lock AND w.status = 'todo') HAVING count(*) > 0"
)
_TAKE = text(
    "UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (SELECT j.id FROM procrastinate_jobs j"
    " WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= :now)"
    " AND (j.lock IS NULL OR NOT EXISTS (SELECT FROM procrastinate_jobs o WHERE o.lock = j.lock"
    " AND (o.status = 'doing' OR (o.status = 'todo' AND (o.priority > j.priority"
    " OR (o.priority = j.priority AND o.id < j.id))))))"
    " ORDER BY j.priority DESC, j.id LIMIT 1 FOR UPDATE OF j SKIP LOCKED)"
    " RETURNING id, task_name, args, attempts"
)


@dataclass(frozen=True, slots=True)
class Deferral:
    """One job to be deferred; see ``defer``."""

    task: str
    args: Mapping[str, Any]
    at: datetime | None = None
    priority: int = 0
    lock: str | None = None
    queueing_lock: str | None = None


def defer(
    session: Session,
    task: str,
    args: Mapping[str, Any],
    *,
    at: datetime | None = None,
    priority: int = 0,
    lock: str | None = None,
    queueing_lock: str | None = None,
) -> None:
    """Add one job in the transaction at hand; a larger ``priority`` goes first.

    ``lock``: jobs of one lock run one after another. Caution: one that waits for its ``at`` blocks
    the others of its lock. ``queueing_lock``: while a job of this name waits, another is not added.
    """
    defer_many(session, [Deferral(task, args, at, priority, lock, queueing_lock)])


def defer_many(session: Session, jobs: Sequence[Deferral]) -> None:
    """Add jobs in the transaction at hand, in one statement."""
    if not jobs:
        return
    clock = runtime.clock()
    rows = [
        {
            "nth": nth,
            "queue_name": _queue(job.task),
            "task_name": job.task,
            "priority": job.priority,
            "lock": job.lock,
            "queueing_lock": job.queueing_lock,
            "args": dict(job.args),
            "scheduled_at": None if job.at is None else clock.machine_time(job.at).isoformat(),
        }
        for nth, job in enumerate(jobs)
    ]
    with _engine_tables(session):
        if all(job.queueing_lock is None for job in jobs):
            session.execute(_DEFER, {"jobs": json.dumps(rows)})
            return
        for row in rows:
            try:
                with session.begin_nested():
                    session.execute(_DEFER, {"jobs": json.dumps([row])})
            except IntegrityError as error:
                if "queueing_lock" not in str(error):
                    raise


def bring_forward(session: Session, step: timedelta) -> None:
    """The clock has jumped ahead by ``step``: jobs that wait for a time by it come due that earlier.

    Whoever is adding jobs by the old clock is waited for.
    """
    with _engine_tables(session):
        session.execute(text("LOCK TABLE procrastinate_jobs IN SHARE ROW EXCLUSIVE MODE"))
        session.execute(
            text(
                "UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - :step"
                " WHERE status = 'todo' AND scheduled_at IS NOT NULL"
            ),
            {"step": step},
        )


def tasks() -> dict[str, Task]:
    """Every task that workers of this process know: core's and the plugins'."""
    from core.core_tasks import TASKS

    return {one.name: one for one in TASKS} | plugins.host().tasks


def run_task(name: str, args: dict[str, Any]) -> None:
    """Run one task now, by the clock of this process. Raises what the task raises."""
    with plugins.remembering_entitlements():
        tasks()[name].run(args, runtime.clock().now())


def pause(error: BaseException, task: Task, attempts: int) -> timedelta | None:
    """How long to wait before the next try; None: give up. ``attempts`` counts the earlier tries."""
    if attempts + 1 >= task.max_attempts:
        return None
    if isinstance(error, TryLater):
        return timedelta(seconds=error.seconds)
    return timedelta(seconds=min(2**attempts, LONGEST_PAUSE))


class _Retry(BaseRetryStrategy):
    def __init__(self, task: Task) -> None:
        self._task = task

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        wait = pause(exception, self._task, job.attempts)
        return (
            None if wait is None else RetryDecision(retry_in={"seconds": int(wait.total_seconds())})
        )


def procrastinate_app(url: str, *, heartbeat: float, stalled_after: float) -> App:
    """Procrastinate's application with every known task, on connections of its own."""
    conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connector = PsycopgConnector(
        conninfo=conninfo,
        kwargs={"options": f"-c search_path={SEARCH_PATH.replace(' ', '')}"},
        min_size=1,
        max_size=6,
        timeout=5,
    )
    app = App(
        connector=connector,
        worker_defaults={
            "update_heartbeat_interval": heartbeat,
            "stalled_worker_timeout": stalled_after,
        },
    )
    for task in tasks().values():
        _declare(app, task)
    return app


def _declare(app: App, task: Task) -> None:
    def run(**args: Any) -> None:
        try:
            run_task(task.name, args)
        except TryLater as error:
            log.info("%s waits %s s: %s", task.name, error.seconds, error)
            raise
        except Exception:
            log.exception("%s failed", task.name)
            raise

    app.task(name=task.name, queue=task.queue, retry=_Retry(task))(run)


def run_due(engine: Engine, *, until: int = 10_000) -> int:
    """Run what is due by the clock of this process, one job after another, in this thread.

    For tests and simulations of months, where no worker runs: the scheduler of a running installation
    would take these jobs for stalled ones. Returns how many jobs were run, at most ``until``. A task
    that fails is put back as a worker would.
    """
    done = 0
    while done < until and _run_one(engine):
        done += 1
    return done


def _run_one(engine: Engine) -> bool:
    with _queue_connection(engine) as execute:
        now = runtime.clock().machine_time(runtime.clock().now())
        row = execute(_TAKE, {"now": now}).one_or_none()
    if row is None:
        return False
    finish, values = (
        "SELECT procrastinate_finish_job_v1(:id, 'succeeded', true)",
        {"id": row.id},
    )
    try:
        run_task(row.task_name, dict(row.args))
    except Exception as error:
        log.exception("job %s (%s) failed", row.id, row.task_name)
        wait = pause(error, tasks()[row.task_name], row.attempts)
        if wait is None:
            finish = "SELECT procrastinate_finish_job_v1(:id, 'failed', false)"
        else:
            finish = "SELECT procrastinate_retry_job_v2(:id, :at, NULL, NULL, NULL)"
            values["at"] = now + wait
    with _queue_connection(engine) as execute:
        execute(text(finish), values)
    return True


@contextmanager
def _queue_connection(engine: Engine) -> Iterator[Any]:
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL search_path = {SEARCH_PATH}"))
        yield connection.execute


@contextmanager
def _engine_tables(session: Session) -> Iterator[None]:
    """Procrastinate's functions name its tables without a schema; show them to this transaction."""
    session.execute(text("SELECT set_config('search_path', :path, true)"), {"path": SEARCH_PATH})
    yield


def _queue(name: str) -> str:
    known = tasks().get(name)
    return known.queue if known else "default"
