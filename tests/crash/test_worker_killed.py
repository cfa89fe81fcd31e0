"""A worker dies in the middle of a job: the job is taken up again, its effect happens once."""

from __future__ import annotations

import signal

import pytest
from sqlalchemy import text

from core import jobs
from core.db.session import unit_of_work
from tests.crash.processes import running, wait_until

# a worker that a busy machine keeps waiting for some seconds must not pass for dead
FAST = {"worker_threads": 2, "worker_poll_seconds": 0.1, "stalled_after_seconds": 8}


def jobs_by_state():
    with unit_of_work() as session:
        rows = session.execute(
            text("SELECT status, attempts FROM procrastinate.procrastinate_jobs ORDER BY id")
        ).all()
    return [(row.status, row.attempts) for row in rows]


@pytest.fixture
def slow_task(database):
    """A job that takes hold of a row lock which the test keeps: it is surely in the middle."""
    with unit_of_work() as session:
        session.execute(
            text(
                "INSERT INTO core_schedule_run (id, schedule, due_at, created_at) VALUES"
                " (gen_random_uuid(), 'held', '2020-01-01Z', now()),"
                " (gen_random_uuid(), 'held', '2020-01-02Z', now())"
            )
        )
        jobs.defer(session, "core.prune_schedule_runs", {})


@pytest.mark.slow
def test_a_killed_workers_job_is_taken_up_again(slow_task, database, tmp_path):
    home, url = tmp_path / "home", database.runtime_url
    engine = database.database.engine
    with engine.connect() as holder:
        holder.execute(text("SELECT 1 FROM core_schedule_run WHERE schedule = 'held' FOR UPDATE"))
        with running("worker", url=url, home=home, **FAST) as first:
            wait_until("the job is being done", lambda: jobs_by_state() == [("doing", 0)])

            def is_waiting_for_us():
                with engine.connect() as looker:
                    found = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    return looker.scalar(text(found)) > 0

            wait_until("its transaction waits in the middle", is_waiting_for_us)
            first.send_signal(signal.SIGKILL)
            assert first.wait(30) == -signal.SIGKILL
        assert jobs_by_state() == [("doing", 0)]
        holder.rollback()
    with (
        running("scheduler", url=url, home=home, **FAST),
        running("worker", url=url, home=home, **FAST) as second,
    ):
        wait_until("the job is done", lambda: jobs_by_state() == [])
        second.send_signal(signal.SIGTERM)
        assert second.wait(60) == 0, "a worker told to stop ends well"
    with unit_of_work() as session:
        left = session.scalar(
            text("SELECT count(*) FROM core_schedule_run WHERE schedule = 'held'")
        )
    assert left == 1  # the effect of prune_schedule_runs: each schedule keeps its latest


@pytest.mark.slow
def test_a_worker_told_to_stop_ends_its_job_first(slow_task, database, tmp_path):
    engine = database.database.engine
    with (
        engine.connect() as holder,
        running("worker", url=database.runtime_url, home=tmp_path / "home", **FAST) as worker,
    ):
        holder.execute(text("SELECT 1 FROM core_schedule_run WHERE schedule = 'held' FOR UPDATE"))
        wait_until("the job is being done", lambda: jobs_by_state() == [("doing", 0)])
        worker.send_signal(signal.SIGTERM)
        assert worker.poll() is None
        holder.rollback()
        assert worker.wait(60) == 0
        assert jobs_by_state() == []
