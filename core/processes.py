"""All processes of an installation under one parent: start, watch, start again, stop together."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import runpy
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess

from core.errors import SetupError
from core.i18n import _
from core.system_words import why

PARENT = "YUPANA_PARENT_PID"
STOP_PATIENCE_S = 25.0
HEALTHY_AFTER_S = 10.0
HEAD_START_S = 1.5  # of the web process: somebody waits for the page, nobody for the calendar
LONGEST_PAUSE_S = 15.0
_PR_SET_PDEATHSIG = 1
log = logging.getLogger("yupana.processes")


@dataclass(slots=True)
class Child:
    """One process: its name and the arguments after ``yupana`` (or ``-m module …``)."""

    name: str
    arguments: tuple[str, ...]
    process: BaseProcess | None = None
    started_at: float = 0.0
    failures: int = 0
    start_again_at: float = field(default=0.0)


class ProcessGroup:
    """Starts children, watches them and stops them when it stops.

    A child that dies is started again, after a pause that grows while it keeps dying at once. All are
    forked from one process that has imported the product and has neither threads nor connections: they
    share its memory, and a start waits for one import instead of five.
    """

    def __init__(
        self, children: Sequence[tuple[str, tuple[str, ...]]], env: Mapping[str, str]
    ) -> None:
        self.children = [Child(name, arguments) for name, arguments in children]
        self._env = {**os.environ, **env}
        self._stop = threading.Event()

    def start(self) -> None:
        """Start the first child at once; ``watch`` starts the others when it has had a head start."""
        self._spawn(self.children[0])
        for child in self.children[1:]:
            child.start_again_at = time.monotonic() + HEAD_START_S

    def ask_to_stop(self) -> None:
        """Make ``watch`` return (from a signal handler or another thread)."""
        self._stop.set()

    def watch(self) -> None:
        """Look after the children until asked to stop."""
        while not self._stop.wait(0.2):
            for child in self.children:
                self._look_after(child)

    def stop(self) -> None:
        """Ask every child to end its work, and end those that do not in 25 seconds."""
        self._stop.set()
        running = [c.process for c in self.children if c.process and c.process.is_alive()]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_PATIENCE_S
        for process in running:
            process.join(max(0.1, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()

    def pid(self, name: str) -> int:
        """The process id of a child that runs. Raises ``KeyError``."""
        for child in self.children:
            if child.name == name and child.process is not None and child.process.pid:
                return child.process.pid
        raise KeyError(name)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_again_at:
                self._spawn(child)
            return
        if child.process.is_alive():
            return
        code = child.process.exitcode
        lived = now - child.started_at
        child.failures = 0 if lived > HEALTHY_AFTER_S else child.failures + 1
        pause = min(LONGEST_PAUSE_S, 0.2 * 2**child.failures)
        log.warning("%s ended with %s; starting it again", child.name, code)
        child.process, child.start_again_at = None, now + pause

    def _spawn(self, child: Child) -> None:
        child.process = multiprocessing.get_context("forkserver").Process(
            target=_run, args=(child.arguments, self._env), name=child.name
        )
        child.process.start()
        child.started_at = time.monotonic()


def warm_up() -> None:
    """Begin now to import, beside this process, what the children will need; returns at once."""
    forkserver.set_forkserver_preload(["core.preload"])
    forkserver.ensure_running()


def _run(arguments: tuple[str, ...], env: Mapping[str, str]) -> None:
    """The life of a child: ``yupana`` with these arguments, or a module."""
    os.environ.clear()
    os.environ.update({**env, PARENT: str(os.getppid())})
    if arguments[0] == "-m":
        sys.argv = list(arguments[1:])
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    from core.cli import main

    main(list(arguments), prog_name="yupana")


def follow_parent() -> None:
    """In a child: end when the parent ends, even when that one is killed (Linux only)."""
    parent = os.environ.pop(PARENT, "")
    if not parent or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it ended before we asked
        raise SystemExit(0)


def require_free_port(host: str, port: int) -> None:
    """Raises ``SetupError`` when somebody listens at the address (port 0: any will do)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SetupError(
                _(
                    "The address %(host)s:%(port)d cannot be used (%(why)s): stop what listens there, or choose another with --port.",
                    host=host,
                    port=port,
                    why=why(error),
                )
            ) from None


def free_port() -> int:
    """A port on which nobody listens now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many ports on which nobody listens now, no two alike."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
