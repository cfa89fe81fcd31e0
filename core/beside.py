"""Processes that are set up as this one: the same settings, plugins and database.

For work that Python, one core at a time, cannot do fast enough in threads. They are forked from a
process that has imported the product (``core.preload``), and end when this one ends, however it does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

from core import plugins, runtime, settings
from core.db.session import Database, bind, bound
from core.processes import warm_up
from core.settings import Settings


@contextmanager
def processes_beside(count: int) -> Iterator[ProcessPoolExecutor]:
    """``count`` processes that take calls while the block lasts. They start with their first call."""
    warm_up()
    url = bound().engine.url.render_as_string(hide_password=False)
    pool = ProcessPoolExecutor(
        count,
        mp_context=multiprocessing.get_context("forkserver"),
        initializer=_set_up,
        initargs=(settings.current(), url),
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _set_up(given: Settings, url: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    runtime.use(runtime.assemble(settings.use(given)))
    plugins.load(given.plugins)
    bind(Database(url))


def _end_with(parent: BaseProcess) -> None:
    """A parent that is killed says nothing; what was begun here rolls back."""
    parent.join()
    os._exit(1)
