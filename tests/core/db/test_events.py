"""Events and jobs: written with the transaction, handled at least once, each effect once."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import settings as fuzz
from hypothesis import strategies as st
from sqlalchemy import text

from core import jobs, plugins
from core.contracts import events as contracts
from core.contracts.codec import from_json, to_json, to_texts
from core.contracts.fiscal import FiscalLine, FiscalTax, InvoiceRequest
from core.contracts.hooks import PluginInfo, Task
from core.contracts.sales import CustomerData
from core.db import events
from core.db.session import unit_of_work
from core.errors import TryLater
from core.hookspecs import hookimpl

PLAIN = {
    UUID: st.uuids(),
    str: st.text(max_size=20),
    int: st.integers(-(10**9), 10**9),
    bool: st.booleans(),
    type(None): st.none(),
    date: st.dates(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=2),
}


def values(hint):
    """What a field of this type may hold."""
    inner = get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if get_origin(hint) is tuple and inner[1:] == (Ellipsis,):
        return st.lists(values(inner[0]), max_size=3).map(tuple)
    if get_origin(hint) is tuple:
        return st.tuples(*map(values, inner))
    if dataclasses.is_dataclass(hint):
        return built(hint)
    return st.one_of(*map(values, inner))


def built(kind):
    """Any instance of a dataclass."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{f.name: values(hints[f.name]) for f in dataclasses.fields(kind)})


EVENTS = [
    value
    for value in vars(contracts).values()
    if isinstance(value, type)
    and issubclass(value, contracts.Event)
    and value is not contracts.Event
]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@fuzz(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_event_survives_the_journey(kind, data):
    event = data.draw(built(kind))
    assert from_json(kind, to_json(event)) == event
    assert from_json(kind, json.loads(to_texts([event])[0])) == event


def test_nested_requests_survive_the_journey():
    tax = FiscalTax("2", "4", Decimal("15.00"), Decimal("13.33"), Decimal("2.00"))
    line = FiscalLine(
        "A", "Ñandú", Decimal("1.000000"), Decimal("13.33"), Decimal("0.00"), Decimal("13.33"),
        (tax,), details=(("Mes", "mayo"), ("Días", "20")),
    )  # fmt: skip
    request = InvoiceRequest(
        uuid4(), "001", "002", 7, date(2026, 4, 25), CustomerData("05", "1710034065", "Ana"),
        additional_info=(("Correo", "a@b.ec"),), lines=(line,),
    )  # fmt: skip
    assert from_json(InvoiceRequest, to_json(request)) == request
    assert from_json(InvoiceRequest, json.loads(to_texts([request])[0])) == request
    [shorter] = to_texts([request], without=("sequence", "counterpart.tax_id"))
    left_out = to_json(request)
    del left_out["sequence"], left_out["counterpart"]["tax_id"]
    assert json.loads(shorter) == left_out


def cancelled(number="001-001-000000001"):
    return contracts.InvoiceCancelled(uuid4(), number, "till", "k")


class Listener:
    """A plugin that listens to cancelled invoices."""

    info = PluginInfo(name="listener", label="Listener", table_prefix="listen_")

    def __init__(self):
        self.seen, self.fails = [], {}

    @hookimpl
    def subscribed_events(self):
        return (contracts.InvoiceCancelled,)

    @hookimpl
    def handle_event(self, event, context):
        if self.fails.get(event.number, 0):
            self.fails[event.number] -= 1
            raise TryLater("not yet", seconds=5)
        context.session.execute(text("SELECT 1"))
        self.seen.append((event, context.tenant_id, context.now))


@pytest.fixture
def listening(host, monkeypatch):
    """Only the given plugin is loaded."""

    def load(made):
        plugin = plugins.Plugin("listener", "test", implementation=made, package="core")
        alone = plugins.start([plugin])
        assert alone.names == ("listener",)
        return made

    yield load
    monkeypatch.setattr(plugins, "_host", host)


@pytest.fixture
def listener(listening):
    """A plugin that is asked event by event."""
    return listening(Listener())


def queued():
    with unit_of_work() as session:
        return session.scalar(text("SELECT count(*) FROM procrastinate.procrastinate_jobs"))


def stored(table="core_event"):
    return text(f"SELECT count(*) FROM {table}")


def test_nothing_is_told_when_the_transaction_fails(listener, tenant, now, drain):
    with pytest.raises(RuntimeError), unit_of_work(tenant.scope) as session:
        events.emit(session, cancelled(), now=now)
        jobs.defer(session, "core.prune_events", {})
        raise RuntimeError("no")
    assert queued() == 0
    with unit_of_work(tenant.scope) as session:
        events.emit(session, cancelled("kept"), now=now)
        with pytest.raises(RuntimeError), session.begin_nested():
            events.emit(session, cancelled("lost"), now=now)
            raise RuntimeError("only the savepoint")
        with session.begin_nested():
            events.emit(session, cancelled("kept too"), now=now)
    assert drain() == 1
    assert [event.number for event, _, _ in listener.seen] == ["kept", "kept too"]


def test_an_event_goes_to_its_destination_only(listener, tenant, other_tenant, now, drain):
    with unit_of_work(tenant.scope) as session:
        events.emit(session, cancelled("ours"), now=now)
        events.emit(session, cancelled("theirs"), to=other_tenant.id, now=now)
        session.execute(text("SELECT 1"))
    assert queued() == 2
    assert drain() == 2
    assert {(e.number, t) for e, t, _ in listener.seen} == {
        ("ours", tenant.id),
        ("theirs", other_tenant.id),
    }
    for scope in (tenant.scope, other_tenant.scope):
        with unit_of_work(scope) as session:
            assert session.scalar(stored()) == session.scalar(stored("core_event_done")) == 1
    with unit_of_work() as session, pytest.raises(ValueError, match="destination"):
        events.emit(session, cancelled(), now=now)


def test_a_chunk_holds_500_and_its_job_no_personal_data(listener, tenant, now, drain):
    with unit_of_work(tenant.scope) as session:
        for n in range(1_001):
            events.emit(session, cancelled(f"Ana {n}"), now=now)
    with unit_of_work() as session:
        found = session.execute(
            text(
                "SELECT task_name, jsonb_array_length(args->'events') AS n, args::text AS words"
                " FROM procrastinate.procrastinate_jobs ORDER BY id"
            )
        ).all()
    assert [(row.task_name, row.n) for row in found] == [
        ("core.handle_events", 500),
        ("core.handle_events", 500),
        ("core.handle_events", 1),
    ]
    assert not any("Ana" in row.words for row in found)
    assert drain() == 3
    assert len(listener.seen) == 1_001
    assert queued() == 0


def test_a_failing_event_is_tried_alone_and_the_others_are_done_once(
    listener, tenant, now, clock, drain
):
    listener.fails = {"bad": 2}  # in the chunk, then alone
    with unit_of_work(tenant.scope) as session:
        for number in ("a", "bad", "b"):
            events.emit(session, cancelled(number), now=now)
    drain()
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(stored("core_event_done")) == 2
    assert queued() == 1
    clock.set(now + timedelta(seconds=6))
    drain()
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(stored("core_event_done")) == 3
    assert queued() == 0
    # the chunk was undone once and handled again; the effects in the database happened once
    assert [e.number for e, _, _ in listener.seen][-1] == "bad"


class Crowd(Listener):
    """The same, for all events of a chunk at once."""

    def __init__(self):
        super().__init__()
        self.chunks = []

    @hookimpl
    def handle_events(self, events):
        self.chunks.append([event.number for event, _context in events])
        for event, context in events:
            self.handle_event(event, context)


@pytest.mark.parametrize("fails", [{}, {"bad": 1}])
def test_a_chunk_is_handed_over_whole_and_one_by_one_when_it_fails(
    listening, tenant, now, drain, fails
):
    crowd = listening(Crowd())
    crowd.fails = dict(fails)
    with unit_of_work(tenant.scope) as session:
        for number in ("a", "bad", "b"):
            events.emit(session, cancelled(number), now=now)
    drain()
    assert crowd.chunks == [["a", "bad", "b"]]
    assert [e.number for e, _, _ in crowd.seen][-3:] == ["a", "bad", "b"]
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(stored("core_event_done")) == 3
    assert queued() == 0


def test_the_same_job_twice_does_nothing(listener, tenant, now):
    with unit_of_work(tenant.scope) as session:
        event_id = events.emit(session, cancelled(), now=now)
    args = {"tenant": str(tenant.id), "subscriber": "listener", "events": [str(event_id)]}
    events.handle_events(args, now)
    events.handle_events(args, now)
    assert len(listener.seen) == 1


def test_a_plugin_enabled_later_catches_up(listener, tenant, now, drain):
    with unit_of_work(tenant.scope) as session:
        for n in range(3):
            events.emit(session, cancelled(str(n)), now=now + timedelta(seconds=n))
    with unit_of_work() as session:
        session.execute(text("DELETE FROM procrastinate.procrastinate_jobs"))
    assert events.catch_up(tenant.id, "listener") == 3
    drain()
    assert [e.number for e, _, _ in listener.seen] == ["0", "1", "2"]
    assert events.catch_up(tenant.id, "listener") == 0


def test_5000_events_are_written_in_one_transaction_quickly(listener, tenant, now):
    made = [cancelled(str(n)) for n in range(5_000)]
    began = time.process_time()
    with unit_of_work(tenant.scope) as session:
        for event in made:
            events.emit(session, event, now=now)
    spent = time.process_time() - began  # CPU of this process, so a busy machine does not matter
    assert spent < 5, f"{spent:.2f} s for 5,000 events"


# -- jobs --------------------------------------------------------------------------------------------


@pytest.fixture
def work(host, monkeypatch):
    """A task that notes its arguments; ``fail`` decides what happens."""
    done = []

    def run(args, now):
        done.append(args["n"])
        if args.get("later"):
            raise TryLater("later", seconds=60)
        if args.get("fail"):
            raise RuntimeError("broken")

    task = Task("core.test", run, max_attempts=3)
    monkeypatch.setattr(jobs, "tasks", lambda: {"core.test": task})
    return done


def put(n, **given):
    extra = {key: given.pop(key) for key in ("later", "fail") if key in given}
    with unit_of_work() as session:
        jobs.defer(session, "core.test", {"n": n} | extra, **given)


def test_priority_time_and_locks_are_kept(database, work, now, clock, drain):
    put("low", priority=-1)
    put("normal")
    put("high", priority=100)
    put("tomorrow", at=now + timedelta(days=1))
    put("first of lock", lock="x")
    put("second of lock", lock="x")
    put("once", queueing_lock="q")
    put("twice", queueing_lock="q")
    assert drain() == 6
    assert work == ["high", "normal", "first of lock", "second of lock", "once", "low"]
    clock.set(now + timedelta(days=1))
    assert drain() == 1
    assert work[-1] == "tomorrow"


def test_attempts_are_counted_and_pauses_honoured(database, work, now, clock, drain):
    put("x", fail=True)
    put("y", later=True)
    assert drain() == 2
    assert drain() == 0
    clock.set(now + timedelta(seconds=30))
    drain()
    clock.set(now + timedelta(seconds=61))
    drain()
    clock.set(now + timedelta(days=1))
    drain()
    assert (work.count("x"), work.count("y")) == (3, 3)
    with unit_of_work() as session:
        states = session.scalars(text("SELECT status FROM procrastinate.procrastinate_jobs")).all()
    assert states == ["failed", "failed"]


def test_a_queueing_lock_survives_a_race(database, work):
    start = threading.Barrier(4)

    def ask():
        start.wait()
        put("once", queueing_lock="race")

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for one in askers:
        one.start()
    for one in askers:
        one.join()
    assert queued() == 1


def test_time_is_the_demo_clocks(database, work, tmp_path, monkeypatch):
    """A demo that lives on another day defers for its own future, not for the machine's."""
    from core import runtime
    from core.adapters.clock import SharedClock
    from core.demo.clock import put_forward

    clock = SharedClock(tmp_path / "clock")
    clock.set(datetime(2031, 4, 25, 13, tzinfo=UTC))
    monkeypatch.setattr(runtime, "clock", lambda: clock)
    put("soon", at=clock.now() + timedelta(minutes=5))
    with unit_of_work() as session:
        wait = session.scalar(
            text("SELECT scheduled_at - now() FROM procrastinate.procrastinate_jobs")
        )
    assert timedelta(minutes=1) < wait < timedelta(minutes=6)
    put_forward(clock, clock.now() + timedelta(minutes=4))
    put_forward(clock, clock.now() - timedelta(days=1))  # a demo's clock never goes back
    with unit_of_work() as session:
        wait = session.scalar(
            text("SELECT scheduled_at - now() FROM procrastinate.procrastinate_jobs")
        )
    assert timedelta(seconds=0) < wait < timedelta(minutes=2)
    assert datetime(2031, 4, 25, 13, 4, tzinfo=UTC) <= clock.now()
