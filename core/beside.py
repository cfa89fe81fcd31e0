"""Processes that are set up as this one: the same settings, plugins and database.

For work that Python, one core at a time, cannot do fast enough in threads. They end when this one ends,
however it does. Each has a pipe of its own and shares no lock with the others, so one that is killed
can neither stop them nor leave anybody waiting.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from core import plugins, runtime, settings
from core.adapters.embedded_postgres import WATCHER
from core.db import aside
from core.db.session import Database, bind, bound
from core.errors import SetupError
from core.processes import warm_up
from core.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
_PATIENCE_S = 10.0  # with one that has been told to end

# Of the process that was forked: its connections are not ours to close.
_left_alone: list[Database] = []


class ProcessEnded(Exception):
    """The process that had the call, or was to have it, is no more."""


class _Worker:
    def __init__(self, start_method: str) -> None:
        context: Any = multiprocessing.get_context(start_method)
        self._pipe, theirs = multiprocessing.Pipe()
        url = bound().engine.url.render_as_string(hide_password=False)
        self.process: BaseProcess = context.Process(
            target=_serve, args=(theirs, settings.current(), url), daemon=True
        )
        with theirs:
            self.process.start()

    def call(self, job: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        try:
            self._pipe.send((job, args, kwargs))
            wait([self._pipe, self.process.sentinel])
            if not self._pipe.poll():
                raise ProcessEnded(self.process.name)
            is_done, value = self._pipe.recv()
        except (OSError, EOFError) as error:
            raise ProcessEnded(self.process.name) from error
        except BaseException:  # its answer would be taken for that of the next call
            self.process.kill()
            raise
        if not is_done:
            raise value
        return value

    def end(self) -> None:
        with suppress(OSError):
            self._pipe.send(None)
        self.process.join(_PATIENCE_S)
        self.process.kill()
        self.process.join()
        self._pipe.close()


class Processes:
    """They take calls, one each at a time, from any thread."""

    def __init__(self, workers: list[_Worker]) -> None:
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for one in workers:
            self._idle.put(one)

    def call(self, job: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What ``job``, a function of a module, returns or raises there. Raises ``ProcessEnded``."""
        worker = self._idle.get()
        try:
            result: R = worker.call(job, args, kwargs)
            return result
        finally:
            self._idle.put(worker)  # one that has ended says so again, and nobody waits for it


@contextmanager
def processes_beside(count: int) -> Iterator[Processes]:
    """``count`` processes that take calls while the block lasts. Raises ``OSError`` when none can be
    started.
    """
    start_method = "fork" if _is_alone() else "forkserver"
    if start_method == "forkserver":
        warm_up()
    workers: list[_Worker] = []
    try:
        workers.extend(
            _Worker(start_method) for _ in range(count)
        )  # now: the caller has no threads yet
        yield Processes(workers)
    finally:
        for one in workers:
            one.end()


def _is_alone() -> bool:
    """No other thread is at work here: a command, say, whether or not it has started PostgreSQL. Such
    a process may fork itself, which saves importing the product (2 s); others have a process without
    threads forked (``core.preload``).
    """
    others = {*threading.enumerate()} - {threading.current_thread()}
    return all(one.name.startswith((aside.THREADS, WATCHER)) for one in others)


def _serve(pipe: Connection, given: Settings, url: str) -> None:
    """The life of such a process: one call after another, until it is told to end."""
    _set_up(given, url)
    while (asked := pipe.recv()) is not None:
        job, args, kwargs = asked
        try:
            answer = (True, job(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            error.add_note(traceback.format_exc())
            answer = (False, error)
        pipe.send(answer)


def _set_up(given: Settings, url: str) -> None:
    gc.freeze()  # what was loaded stays: no search for garbage need look at it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
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
