"""``yupana demo --check``: the whole chain without a person, over HTTP, the command line and SMTP."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import requests

from core import plugins
from core.contracts.hooks import DemoStep
from core.demo import cast
from core.demo.browser import Browser
from core.demo.mailbox import parsed
from core.processes import free_ports
from core.settings import Settings

PATIENCE_S = 180.0  # a busy machine may be slow; what comes ends the wait at once
PAUSE_S = 0.1
_T = TypeVar("_T")


@dataclass(slots=True)
class StepResult:
    """How a step went."""

    name: str
    ok: bool
    seconds: float
    error: str = ""


@dataclass(slots=True)
class Check:
    """What a step gets: an installation that runs, and the ways to act on it from outside.

    ``memo`` is shared by all steps; ``documents`` is what the receiver downloaded.
    """

    address: str
    mailbox: str
    simulator: str
    folder: Path  # files that the receiver downloads
    day: str  # the demo's day 25, ISO
    environment: dict[str, str]
    memo: dict[str, Any] = field(default_factory=dict)
    documents: list[dict[str, str]] = field(default_factory=list)
    _signed_in: dict[tuple[str, str], Browser] = field(default_factory=dict)
    _visitors: list[Browser] = field(default_factory=list)

    def browser(self, address: str | None = None) -> Browser:
        """The browser of somebody who is not signed in, at our address or another."""
        made = Browser(address or self.address)
        self._visitors.append(made)
        return made

    def signed_in(self, company: str, role: str) -> Browser:
        """The browser of a person of the cast, signed in to a company (keys as in ``cast``)."""
        if (company, role) not in self._signed_in:
            player = next(one for one in cast.PEOPLE if (company, role) in one.roles)
            tax_id = next(one.tax_id for one in cast.COMPANIES if one.key == company)
            visitor = self.browser()
            visitor.open("/sign-in")
            visitor.submit(
                form="sign-in",
                username=player.identification,
                password=cast.PASSWORD,
                company=tax_id,
            )
            if "/sign-in" in visitor.url:
                raise AssertionError(f"{player.first_name} ({role} of {company}) could not sign in")
            self._signed_in[company, role] = visitor
        return self._signed_in[company, role]

    def cli(self, *arguments: str) -> str:
        """Run ``yupana`` with these arguments; what it printed. A bad end is ``AssertionError``."""
        done = subprocess.run(  # noqa: S603  (our own Python and our own arguments)
            [sys.executable, "-m", "core.cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S * 2,
            check=False,
        )
        if done.returncode:
            raise AssertionError(
                f"yupana {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-500:]}"
            )
        return done.stdout

    def mails(self, to: str = "") -> list[dict[str, Any]]:
        """The mails in the mailbox, latest first: number, from, to, subject, date, attachments."""
        with Browser(self.mailbox) as page:
            listed = json.loads(page.download("/mails.json"))
        return [one for one in listed if to in one["to"]]

    def mail(self, number: int) -> EmailMessage:
        """A mail, read."""
        with Browser(self.mailbox) as page:
            return parsed(page.download(f"/{number}.eml"))

    def wait_for(
        self, what: str, probe: Callable[[], _T | None], *, seconds: float = PATIENCE_S
    ) -> _T:
        """Ask ``probe`` until it answers; after ``seconds`` an ``AssertionError`` that names ``what``."""
        deadline = time.monotonic() + seconds
        while True:
            answer = probe()
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come within {seconds:.0f} seconds")
            time.sleep(PAUSE_S)

    def add_document(self, access_key: str, state: str, xml: bytes, ride: bytes) -> None:
        """Keep a document as the receiver downloaded it."""
        xml_file, ride_file = (self.folder / f"{access_key}.{kind}" for kind in ("xml", "pdf"))
        xml_file.write_bytes(xml)
        ride_file.write_bytes(ride)
        self.documents.append(
            {"access_key": access_key, "state": state, "xml": str(xml_file), "ride": str(ride_file)}
        )

    def close(self) -> None:
        """Close every browser."""
        for visitor in self._visitors:
            visitor.close()


def run_check(
    settings: Settings, folder: Path, *, day: str, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Start a demo in ``folder``, walk all steps, stop it; ``{"ok", "steps", "documents"}``.

    Stops at the first step that fails; it is the last of ``steps``.
    """
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    home.chmod(0o755)
    downloads = folder / "downloads"
    downloads.mkdir(exist_ok=True)
    names = ("port", "mailbox_port", "mailbox_smtp_port", "sri_simulator_port")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("DATABASE_")},
        **{f"YUPANA_{name.upper()}": str(port) for name, port in ports.items()},
        "YUPANA_HOME": str(home),
        "YUPANA_PUBLIC_URL": "",
        "YUPANA_DEMO": "1",
        "YUPANA_WORKER_POLL_SECONDS": "0.1",
    }
    local = "http://127.0.0.1"
    check = Check(
        address=f"{local}:{ports['port']}",
        mailbox=f"{local}:{ports['mailbox_port']}",
        simulator=f"{local}:{ports['sri_simulator_port']}",
        folder=downloads,
        day=day,
        environment=environment,
    )
    log = (folder / "demo.log").open("wb")
    process = subprocess.Popen(  # noqa: S603  (our own Python and our own arguments)
        [sys.executable, "-m", "core.cli", "demo", "--on", day],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    results: list[StepResult] = []
    try:
        for step in (_start_step(process, folder / "demo.log"), *steps()):
            results.append(_run(step, check))
            tell(_line(results[-1]))
            if not results[-1].ok:
                break
    finally:
        check.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
    return {
        "ok": all(one.ok for one in results),
        "steps": [
            {"name": r.name, "ok": r.ok, "seconds": round(r.seconds, 2), "error": r.error}
            for r in results
        ],
        "documents": check.documents,
    }


def steps() -> list[DemoStep]:
    """Core's steps and the plugins', in order."""
    from core.demo.steps import STEPS

    theirs = [one for answer in plugins.call("demo_steps") for one in answer]
    return sorted([*STEPS, *theirs], key=lambda one: one.order)


def _start_step(process: subprocess.Popen[bytes], log: Path) -> DemoStep:
    def run(check: Check) -> None:
        def answers() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"the demo did not start: {log.read_text()[-600:]}")
            try:
                return all(
                    requests.get(url, timeout=5, proxies={"no_proxy": "*"}).status_code < 500
                    for url in (f"{check.address}/sign-in", f"{check.mailbox}/mails.json")
                )
            except requests.RequestException:
                return False

        check.wait_for("the demo's first page", answers, seconds=PATIENCE_S * 2)

    return DemoStep("start everything", 0, run)


def _run(step: DemoStep, check: Check) -> StepResult:
    began = time.monotonic()
    try:
        step.run(check)
    except Exception as error:  # noqa: BLE001  (whatever went wrong, the step is named and failed)
        words = (
            str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        )
        return StepResult(step.name, ok=False, seconds=time.monotonic() - began, error=words)
    return StepResult(step.name, ok=True, seconds=time.monotonic() - began)


def _line(result: StepResult) -> str:
    mark = "ok  " if result.ok else "FAIL"
    return f"{mark} {result.seconds:6.2f} s  {result.name}" + (
        f": {result.error}" if result.error else ""
    )
