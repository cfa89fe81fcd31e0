"""All processes of an installation under one parent: start, watch, start again, stop together."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import SetupError
from core.i18n import _

PARENT = "YUPANA_PARENT_PID"
STOP_PATIENCE_S = 25.0
HEALTHY_AFTER_S = 10.0
LONGEST_PAUSE_S = 15.0
_PR_SET_PDEATHSIG = 1
log = logging.getLogger("yupana.processes")


@dataclass(slots=True)
class Child:
    """One process: its name and the arguments after ``yupana`` (or ``-m module …``)."""

    name: str
    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    start_again_at: float = field(default=0.0)


class ProcessGroup:
    """Starts children with this Python, watches them and stops them when it stops.

    A child that dies is started again, after a pause that grows while it keeps dying at once.
    """

    def __init__(
        self, children: Sequence[tuple[str, tuple[str, ...]]], env: Mapping[str, str]
    ) -> None:
        self.children = [Child(name, arguments) for name, arguments in children]
        self._env = {**os.environ, **env, PARENT: str(os.getpid())}
        self._stop = threading.Event()

    def start(self) -> None:
        """Start every child. Call it in the main thread: children end when their starter does."""
        for child in self.children:
            self._spawn(child)

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
        running = [c.process for c in self.children if c.process and c.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_PATIENCE_S
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def pid(self, name: str) -> int:
        """The process id of a child that runs. Raises ``KeyError``."""
        for child in self.children:
            if child.name == name and child.process is not None:
                return child.process.pid
        raise KeyError(name)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_again_at:
                self._spawn(child)
            return
        code = child.process.poll()
        if code is None:
            return
        lived = now - child.started_at
        child.failures = 0 if lived > HEALTHY_AFTER_S else child.failures + 1
        pause = min(LONGEST_PAUSE_S, 0.2 * 2**child.failures)
        log.warning("%s ended with %s; starting it again", child.name, code)
        child.process, child.start_again_at = None, now + pause

    def _spawn(self, child: Child) -> None:
        is_module = child.arguments[0] == "-m"
        what = child.arguments if is_module else ("-m", "core.cli", *child.arguments)
        child.process = subprocess.Popen(  # noqa: S603  (our own Python and our own arguments)
            [sys.executable, *what],
            env=self._env,
            stdin=subprocess.DEVNULL,
        )
        child.started_at = time.monotonic()


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
                    why=error.strerror or "",
                )
            ) from None


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
