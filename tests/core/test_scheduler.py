"""The calendar: due times in Ecuador, missed days, one leader, one tick."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core import jobs
from core.contracts.hooks import Task
from core.contracts.schedule import Schedule
from core.db.session import unit_of_work
from core.scheduler import Leadership, due_times, missed, revive_stalled, schedules, tick

RUN = Schedule("core.test_run", "core.test", at="02:00", days=(25,))
DAILY = Schedule("core.test_day", "core.test", at="00:05")


def utc(text_):
    return datetime.fromisoformat(text_).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "until", "expected"),
    [
        # two in the morning in Guayaquil is seven UTC
        (RUN, "2026-04-25T06:59:59", "2026-04-25T07:00:00", ["2026-04-25T07:00"]),
        (RUN, "2026-04-25T07:00:00", "2026-05-25T06:59:59", []),
        (RUN, "2026-01-01T00:00:00", "2026-03-31T00:00:00",
         ["2026-01-25T07:00", "2026-02-25T07:00", "2026-03-25T07:00"]),
        (Schedule("x", "x", at="08:00", days=(31,)), "2026-02-01T00:00:00", "2026-05-01T00:00:00",
         ["2026-02-28T13:00", "2026-03-31T13:00", "2026-04-30T13:00"]),
        (DAILY, "2026-04-24T05:05:00", "2026-04-26T05:05:00", ["2026-04-25T05:05", "2026-04-26T05:05"]),
        (Schedule("x", "x", every_minutes=30), "2026-04-25T07:00:00", "2026-04-25T08:10:00",
         ["2026-04-25T07:30", "2026-04-25T08:00"]),
    ],
)  # fmt: skip
def test_due_times_are_wall_clock_times_in_ecuador(schedule, after, until, expected):
    assert due_times(schedule, utc(after), utc(until)) == [utc(f"{one}:00") for one in expected]


def test_what_was_missed():
    now = utc("2026-05-26T12:00:00")
    assert missed(RUN, None, now) == []
    assert missed(RUN, utc("2026-04-01T00:00:00"), now) == [
        utc("2026-04-25T07:00:00"),
        utc("2026-05-25T07:00:00"),
    ]
    once = Schedule("x", "x", at="00:05", catch_up=False)
    assert missed(once, now - timedelta(days=9), now) == [utc("2026-05-26T05:05:00")]
    often = Schedule("x", "x", every_minutes=1)
    assert missed(often, now - timedelta(hours=5), now) == [now]
    # a machine off for a year is not flooded
    assert len(missed(DAILY, now - timedelta(days=365), now)) == 62


@pytest.fixture
def work(host, monkeypatch):
    done = []
    task = Task("core.test", lambda args, now: done.append(args["due_at"]))
    monkeypatch.setattr(jobs, "tasks", lambda: {"core.test": task})
    return done


def beat(now):
    with unit_of_work() as session:
        return tick(session, [RUN], now)


def test_a_machine_that_was_off_on_day_25_still_bills_once(database, work, drain):
    assert beat(utc("2026-04-20T12:00:00")) == 0  # installed: nothing is owed from before
    assert beat(utc("2026-04-20T12:00:01")) == 0
    assert beat(utc("2026-04-27T15:00:00")) == 1  # off until the 27th
    assert beat(utc("2026-04-27T15:00:01")) == 0  # a second tick does nothing
    assert beat(utc("2026-06-26T00:00:00")) == 2
    drain()
    assert work == [f"2026-{month}-25T07:00:00+00:00" for month in ("04", "05", "06")]


def test_a_tick_that_fails_is_made_again(database, work, drain, monkeypatch):
    beat(utc("2026-04-20T12:00:00"))
    monkeypatch.setattr(jobs, "defer", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        beat(utc("2026-04-25T12:00:00"))
    monkeypatch.undo()
    with unit_of_work() as session:
        assert tick(session, [RUN], utc("2026-04-25T12:00:01")) == 1


def test_one_leads_and_the_next_takes_over(database):
    first, second = Leadership(database.runtime_url), Leadership(database.runtime_url)
    try:
        assert first.is_held()
        assert first.is_held()
        assert not second.is_held()
        first.close()
        assert second.is_held()
    finally:
        first.close()
        second.close()


def test_jobs_of_a_silent_worker_come_back(database, work):
    with unit_of_work() as session:
        jobs.defer(session, "core.test", {"due_at": ""})
        jobs.defer(session, "core.test", {"due_at": ""})
    with unit_of_work() as session:
        for age in ("1 second", "10 minutes"):
            session.execute(
                text(
                    "WITH w AS (INSERT INTO procrastinate.procrastinate_workers (last_heartbeat)"
                    " VALUES (now() - CAST(:age AS interval)) RETURNING id)"
                    " UPDATE procrastinate.procrastinate_jobs SET status = 'doing', worker_id = w.id"
                    " FROM w WHERE procrastinate_jobs.id = (SELECT min(id) FROM"
                    " procrastinate.procrastinate_jobs WHERE status = 'todo')"
                ).bindparams(age=age)
            )
    with unit_of_work() as session:
        assert revive_stalled(session, 60) == 1
    with unit_of_work() as session:
        rows = session.execute(
            text("SELECT status, attempts FROM procrastinate.procrastinate_jobs ORDER BY id")
        ).all()
        assert [tuple(row) for row in rows] == [("doing", 0), ("todo", 1)]
        assert revive_stalled(session, 60) == 0


def test_everything_on_the_calendar_names_a_task_and_a_time(host):
    known = jobs.tasks()
    listed = schedules()
    assert len({one.name for one in listed}) == len(listed)
    for one in listed:
        assert one.task in known, one.name
        assert bool(one.at) != bool(one.every_minutes), one.name
