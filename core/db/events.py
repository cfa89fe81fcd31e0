"""Events: told in the transaction at hand, handled later by each subscriber, at least once.

``emit`` keeps events in memory; just before the commit they become ``core_event`` rows of their
destination and **one job per subscriber and chunk of at most 500 ids**. A rolled-back transaction or
savepoint takes its events along.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, select, text
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.orm import Session, SessionTransaction

from core import jobs, plugins
from core.contracts.codec import from_json, to_texts
from core.contracts.events import Event
from core.contracts.hooks import EventContext, Task
from core.db.arrays import among, insert_rows
from core.db.bulk import copy_rows, insert_each
from core.db.copy_text import JsonText
from core.db.session import tenant_work
from core.db.tenancy import scope_of
from core.errors import TryLater
from core.ids import new_id, new_ids
from core.models import EventDone, StoredEvent

CHUNK = 500
HANDLE = "core.handle_events"
ATTEMPTS = 25
log = logging.getLogger("yupana.events")

_COLUMNS = ("id", "tenant_id", "name", "version", "payload", "occurred_at", "created_at")


class _Waiting(NamedTuple):
    id: UUID
    tenant_id: UUID
    event: Event
    occurred_at: datetime


def emit(session: Session, event: Event, *, to: UUID | None = None, now: datetime) -> UUID:
    """Say that something has happened; returns the event's id.

    ``to`` is the tenant whose subscribers hear it (default: the one in scope). Nothing is written
    before the commit, and nothing at all when the transaction or the savepoint rolls back.
    """
    tenant = to if to is not None else scope_of(session).tenant_id
    if tenant is None:
        raise ValueError(f"{type(event).__name__} has no destination: no tenant is in scope")
    waiting = _Waiting(new_id(), tenant, event, now)
    session.info.setdefault("events", []).append(waiting)
    return waiting.id


def emit_all(session: Session, events: Iterable[Event], *, now: datetime) -> None:
    """``emit`` for many events of the tenant in scope."""
    tenant = scope_of(session).tenant_id
    if tenant is None:
        raise ValueError("events without a destination: no tenant is in scope")
    waiting = session.info.setdefault("events", [])
    told = list(events)
    ids = new_ids(len(told))
    waiting += [_Waiting(i, tenant, event, now) for i, event in zip(ids, told, strict=True)]


@sqlalchemy_event.listens_for(Session, "before_commit")
def _write_events(session: Session) -> None:
    if session.in_nested_transaction() or not session.info.get("events"):
        return
    session.flush()
    waiting: list[_Waiting] = session.info.pop("events")
    own = scope_of(session).tenant_id
    for tenant in dict.fromkeys(one.tenant_id for one in waiting):
        if tenant != own:
            _show_scope(session, tenant)
        _insert(session, [one for one in waiting if one.tenant_id == tenant])
        if tenant != own:
            _show_scope(session, own)
    jobs.defer_many(session, list(_deferrals(waiting)))


def _show_scope(session: Session, tenant: UUID | None) -> None:
    """Row-level security lets a row into the scope at hand only; an event goes to its destination's."""
    session.execute(
        text("SELECT set_config('app.tenant_id', :tenant, true)"),
        {"tenant": "" if tenant is None else str(tenant)},
    )


def _insert(session: Session, waiting: Sequence[_Waiting]) -> None:
    made = datetime.now(UTC)
    payloads = map(JsonText, to_texts([one.event for one in waiting]))
    rows = [
        (
            one.id,
            one.tenant_id,
            type(one.event).__name__,
            one.event.version,
            payload,
            one.occurred_at,
            made,
        )
        for one, payload in zip(waiting, payloads, strict=True)
    ]
    table = cast(Table, StoredEvent.__table__)
    if waiting[0].tenant_id == scope_of(session).tenant_id:
        copy_rows(session, table, _COLUMNS, rows)
    else:
        insert_each(session, table, _COLUMNS, rows)


def _deferrals(waiting: Sequence[_Waiting]) -> Iterator[jobs.Deferral]:
    host = plugins.host()
    names = {type(one.event).__name__ for one in waiting}
    listening = {name: host.subscribers(name) for name in names}
    ids: dict[tuple[UUID, str], list[UUID]] = defaultdict(list)
    for one in waiting:
        for subscriber in listening[type(one.event).__name__]:
            ids[one.tenant_id, subscriber].append(one.id)
    for (tenant, subscriber), all_ids in ids.items():
        yield from _chunks(tenant, subscriber, all_ids)


def _chunks(tenant: UUID, subscriber: str, ids: Sequence[UUID]) -> Iterator[jobs.Deferral]:
    for start in range(0, len(ids), CHUNK):
        yield jobs.Deferral(HANDLE, _args(tenant, subscriber, ids[start : start + CHUNK]))


def _args(tenant: UUID, subscriber: str, ids: Sequence[UUID]) -> dict[str, Any]:
    return {"tenant": str(tenant), "subscriber": subscriber, "events": [str(one) for one in ids]}


@sqlalchemy_event.listens_for(Session, "after_transaction_create")
def _mark_savepoint(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        marks = session.info.setdefault("event_marks", {})
        marks[id(transaction)] = len(session.info.get("events", ()))


@sqlalchemy_event.listens_for(Session, "after_soft_rollback")
def _forget_events(session: Session, transaction: SessionTransaction) -> None:
    waiting = session.info.get("events")
    if waiting:
        mark = session.info.get("event_marks", {}).get(id(transaction), 0)
        if transaction.nested or transaction.parent is None:
            del waiting[mark:]


@sqlalchemy_event.listens_for(Session, "after_transaction_end")
def _drop_marks(session: Session, transaction: SessionTransaction) -> None:
    # a savepoint ends before its rollback is told, so its mark stays until the whole ends
    if transaction.parent is None:
        session.info.pop("event_marks", None)


# -- the other side: a worker hands a chunk to its subscriber ---------------------------------------


def handle_events(args: dict[str, Any], now: datetime) -> None:
    """Task ``core.handle_events``: let one subscriber react to a chunk of events of one tenant.

    All of them in one transaction when all goes well; otherwise again with a savepoint each, and
    those that fail are tried later, each in a job of its own. Events the subscriber has marked as
    done are left out, so running a job twice does nothing.
    """
    tenant, subscriber = UUID(args["tenant"]), args["subscriber"]
    ids = [UUID(one) for one in args["events"]]
    if subscriber not in plugins.host():
        log.warning(
            "the plugin %s is not loaded; its events wait for `yupana plugins catch-up`", subscriber
        )
        return
    try:
        with tenant_work(tenant) as session:
            _react(session, subscriber, _open_events(session, subscriber, ids), now)
    except Exception:
        if len(ids) == 1:
            raise
        log.info("a chunk of %s events is handled one by one for %s", len(ids), subscriber)
        _handle_one_by_one(tenant, subscriber, ids, now)


def _handle_one_by_one(tenant: UUID, subscriber: str, ids: Sequence[UUID], now: datetime) -> None:
    with tenant_work(tenant) as session:
        for stored in _open_events(session, subscriber, ids):
            try:
                with session.begin_nested():
                    _react(session, subscriber, [stored], now)
            except Exception as error:
                log.exception("%s failed on %s %s", subscriber, stored.name, stored.id)
                wait = error.seconds if isinstance(error, TryLater) else 1
                jobs.defer(
                    session,
                    HANDLE,
                    _args(tenant, subscriber, [stored.id]),
                    at=now + timedelta(seconds=wait),
                )


def _open_events(session: Session, subscriber: str, ids: Sequence[UUID]) -> list[Any]:
    """Those that the subscriber has not handled, in the order they were told."""
    done = select(EventDone.event_id).where(
        EventDone.subscriber == subscriber, among(EventDone.event_id, ids)
    )
    handled = set(session.scalars(done))
    wanted = [one for one in ids if one not in handled]
    rows = session.execute(
        select(
            StoredEvent.id,
            StoredEvent.tenant_id,
            StoredEvent.name,
            StoredEvent.payload,
            StoredEvent.occurred_at,
        ).where(among(StoredEvent.id, wanted))
    )
    found = {one.id: one for one in rows}
    return [found[one] for one in wanted if one in found]


def _react(session: Session, subscriber: str, stored: Sequence[Any], now: datetime) -> None:
    """Let the subscriber react to events, and note that it has."""
    host = plugins.host()
    told = [
        (
            from_json(host.event_class(one.name), one.payload),
            EventContext(session, one.tenant_id, one.id, one.occurred_at, now),
        )
        for one in stored
    ]
    if len(told) > 1 and host.has_hook(subscriber, "handle_events"):
        host.ask(subscriber, "handle_events", events=told)
    else:
        for event, context in told:
            host.ask(subscriber, "handle_event", event=event, context=context)
    done = [{"event_id": one.id, "subscriber": subscriber} for one in stored]
    insert_rows(session, EventDone, done)


def catch_up(tenant: UUID, subscriber: str) -> int:
    """Defer the events of a tenant that a (newly enabled) plugin listens to and has not handled.

    Returns how many events that are.
    """
    names = [event.__name__ for event in plugins.host()[subscriber].listens_to]
    handled = select(EventDone.event_id).where(EventDone.subscriber == subscriber)
    missed = select(StoredEvent.id).where(
        StoredEvent.name.in_(names), StoredEvent.id.not_in(handled)
    )
    with tenant_work(tenant) as session:
        ids = list(session.scalars(missed.order_by(StoredEvent.occurred_at, StoredEvent.id)))
        jobs.defer_many(session, list(_chunks(tenant, subscriber, ids)))
    return len(ids)


TASK = Task(HANDLE, handle_events, max_attempts=ATTEMPTS)
