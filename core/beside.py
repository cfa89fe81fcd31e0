"""Processes that are set up as this one: the same settings, plugins and database.

For work that Python, one core at a time, cannot do fast enough in threads. They end when this one ends,
however it does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess

from core import plugins, runtime, settings
from core.db import aside
from core.db.session import Database, bind, bound
from core.errors import SetupError
from core.processes import warm_up
from core.settings import Settings

# Of the process that was forked: its connections are not ours to close.
_left_alone: list[Database] = []


@contextmanager
def processes_beside(count: int) -> Iterator[ProcessPoolExecutor]:
    """``count`` processes that take calls while the block lasts."""
    may_fork = _is_alone()
    if not may_fork:
        warm_up()
    url = bound().engine.url.render_as_string(hide_password=False)
    pool = ProcessPoolExecutor(
        count,
        mp_context=multiprocessing.get_context("fork" if may_fork else "forkserver"),
        initializer=_set_up,
        initargs=(settings.current(), url),
    )
    try:
        pool.submit(os.getpid)  # now, before the caller has threads
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _is_alone() -> bool:
    """No other thread is at work here: a command, say. Such a process may fork itself, which saves
    importing the product (2 s); others have a process without threads forked (``core.preload``).
    """
    others = {*threading.enumerate()} - {threading.current_thread()}
    return all(one.name.startswith(aside.THREADS) for one in others)


def _set_up(given: Settings, url: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    runtime.use(runtime.assemble(settings.use(given)))
    plugins.load(given.plugins)
    with suppress(SetupError):
        _left_alone.append(bound())
    bind(Database(url))


def _end_with(parent: BaseProcess) -> None:
    """A parent that is killed says nothing; what was begun here rolls back."""
    parent.join()
    os._exit(1)
