"""Writing aside: the server stores what it was given while this process works on.

Whatever comes next on the connection, a statement, a savepoint or the commit, waits for it first and
raises what it met.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

_WRITING = "yupana.writing"
THREADS = "aside"  # what the names of its threads begin with
_pool = ThreadPoolExecutor(thread_name_prefix=THREADS)


def _begin_anew() -> None:
    """In a process forked from this one, which has none of its threads."""
    global _pool
    _pool = ThreadPoolExecutor(thread_name_prefix=THREADS)


os.register_at_fork(after_in_child=_begin_anew)


def write_aside(session: Session, connection: Connection, job: Callable[[], Any]) -> None:
    """Let ``job`` talk to the server on ``connection``, which the session holds, in another thread.
    What is being written already comes first.
    """
    finish_writing(connection)
    connection.info[_WRITING] = _pool.submit(job)
    session.info[_WRITING] = connection


def finish_writing(connection: Connection) -> None:
    """Wait for what is still being written on ``connection``. Raises what it met."""
    if connection.invalidated:  # lost, and with it whatever was on its way
        return
    writing: Future[Any] | None = connection.info.pop(_WRITING, None)
    if writing is not None:
        writing.result()


@event.listens_for(Engine, "before_cursor_execute")
def _before_statement(connection: Connection, *_: Any) -> None:
    finish_writing(connection)


@event.listens_for(Session, "before_commit")  # a savepoint's, too
def _before_release(session: Session) -> None:
    connection: Connection | None = session.info.pop(_WRITING, None)
    if connection is not None and not connection.closed:
        finish_writing(connection)


@event.listens_for(Engine, "commit")
def _before_commit(connection: Connection) -> None:
    finish_writing(connection)


@event.listens_for(Engine, "rollback")
@event.listens_for(Engine, "rollback_savepoint")
def _before_rollback(connection: Connection, *_: Any) -> None:
    with suppress(DBAPIError):
        finish_writing(connection)
