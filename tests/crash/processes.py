"""Starts real processes of the product on a test's database, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240.0  # a busy machine may be slow; a condition that is met ends the wait at once


def wait_until(what: str, probe: Callable[[], Any], *, seconds: float = PATIENCE_S) -> Any:
    """Ask ``probe`` until it answers something true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.05)
    return answer


@contextmanager
def running(
    *arguments: str, url: str, home: Path, **settings: object
) -> Iterator[subprocess.Popen[bytes]]:
    """``yupana <arguments>`` on a database, in a process of its own; killed at the end if need be.

    ``settings`` are those of the installation: ``worker_threads=1``, ``failpoint="sri.after_sign"``.
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith("YUPANA_")}
    env |= {f"YUPANA_{name.upper()}": str(value) for name, value in settings.items()}
    env |= {"DATABASE_URL": url, "YUPANA_HOME": str(home), "PYTHONPATH": str(ROOT)}
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{arguments[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.cli", *arguments],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=ROOT,
        )
        try:
            yield process
        except AssertionError as failure:
            log.flush()
            raise AssertionError(f"{failure}\n{Path(log.name).read_text()[-2000:]}") from failure
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()
