"""One Chromium and one running demo for all browser tests of this process."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

from core.demo.cast import PEOPLE
from core.processes import free_ports

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("YUPANA_CHROMIUM", "/usr/bin/chromium")
START_SECONDS = 420  # generous: a loaded machine with two cores
WAY_IN = re.compile(r"^\s+(\w+)\s+(\d{10})\s+(\d{13})\s", re.MULTILINE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless; a second ``sync_playwright`` in the process would fail."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM if Path(CHROMIUM).exists() else None, args=["--no-sandbox"]
        )
        yield opened
        opened.close()


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: its address, everybody's password, its folder, and (role, user, RUC) of each way in."""

    address: str
    password: str
    home: Path
    ways: list[tuple[str, str, str]] = field(default_factory=list)

    def way(self, role: str) -> tuple[str, str]:
        """(user, RUC) of the first person with a role."""
        return next((user, ruc) for name, user, ruc in self.ways if name == role)


def die_with_parent() -> None:
    """Have the kernel stop the demo when this process is killed (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """``yupana demo`` on a folder of its own; stopped at the end."""
    folder = tmp_path_factory.mktemp("demo")
    for parent in (folder, *folder.parents[:3]):
        if parent.owner() == folder.owner() and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)  # PostgreSQL runs as another user when we are root
    log = folder / "log"
    port, mailbox, smtp, simulator = free_ports(4)
    environment = os.environ | {
        "YUPANA_MAILBOX_PORT": str(mailbox),
        "YUPANA_MAILBOX_SMTP_PORT": str(smtp),
        "YUPANA_SRI_SIMULATOR_PORT": str(simulator),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "core.cli", "demo", "--home", str(folder / "home")]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--on", "2026-04-25"],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509  (no thread of ours runs at this point)
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/sign-in", process, log)
        words = all_told(log)
        password = re.search(r"Clave de todas las personas: (\S+)", words)
        assert password, words
        yield Demo(address, password[1], folder / "home", WAY_IN.findall(words))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the page answers 200; fails with the log when the demo ends or never answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the demo ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.3)
    pytest.fail(f"the demo did not answer in {START_SECONDS} s:\n{log.read_text()[-4000:]}")


def all_told(log: Path) -> str:
    """What the demo has said, once everybody's way in is there: the page may answer before."""
    last = PEOPLE[-1].identification
    deadline = time.monotonic() + START_SECONDS
    while last not in (words := log.read_text()):
        assert time.monotonic() < deadline, words
        time.sleep(0.1)
    return words


@pytest.fixture
def address(app, database) -> Iterator[str]:
    """The application behind a real port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
