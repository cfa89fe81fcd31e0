"""Where emitters are killed: a simulated SRI and a mail sink in this process, the emitter in another."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import func, select

from core.db.session import unit_of_work
from plugins.einvoice_sri.models.documents import DocumentMail, FiscalDocument
from plugins.einvoice_sri.services.request_documents import request_documents
from plugins.einvoice_sri.simulator.server import SimulatorServer, serving
from plugins.einvoice_sri.simulator.site import Site
from tests.factories.sri import invoice_request

ROOT = Path(__file__).resolve().parents[2]
STEPS = (
    "sri.after_sign",
    "sri.before_sign_commit",
    "sri.after_sign_commit",
    "sri.after_claim",
    "sri.before_send",
    "sri.after_send",
    "sri.before_ask",
    "sri.after_ask",
    "sri.before_record",
    "sri.before_record_commit",
    "sri.after_record",
    "sri.after_emit",
    "sri.before_mail",
    "sri.after_mail",
)
ROUND = timedelta(minutes=16)  # longer than any lease or pause
KILLED = 9


class MailSink(socketserver.ThreadingTCPServer):
    """An SMTP server that takes everything and remembers Message-ID and recipient."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Session)

    @property
    def url(self) -> str:
        """For ``YUPANA_SMTP_URL``."""
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Session(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client was killed: that is what happens here
            self._serve()

    def _serve(self) -> None:
        recipient = ""
        self._say("220 sink")
        for line in self.rfile:
            word = line[:4].upper()
            if word in (b"EHLO", b"HELO"):
                self._say("250 sink")
            elif word == b"RCPT":
                recipient = line.split(b"<")[1].split(b">")[0].decode()
                self._say("250 ok")
            elif word == b"DATA":
                self._say("354 go")
                self._take(recipient)
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take(self, recipient: str) -> None:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                found = message_from_bytes(b"".join(lines))
                self.server.taken.append((found["Message-ID"], recipient))
                self._say("250 taken")
                return
            lines.append(line)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


@dataclass
class Arena:
    """One company whose emitter is killed over and over."""

    scope: Any
    owner_url: str
    site: Site
    server: SimulatorServer
    sink: MailSink
    home: Path
    now: datetime
    emitter: subprocess.Popen[str]
    kills: Counter[str] = field(default_factory=Counter)

    def request(self, numbers: Sequence[int]) -> None:
        """Ask for facturas with these numbers, each to a receiver of its own."""
        with unit_of_work(self.scope) as session:
            request_documents(
                session,
                [invoice_request(one, email=f"r{one}@example.com") for one in numbers],
                now=self.now,
            )

    def emit(self, failpoint: str = "", kill_after: float | None = None) -> int:
        """Let a worker do what is due; returns the signal that ended it."""
        order = {"now": self.now.isoformat(), "failpoint": failpoint, "kill_after": kill_after}
        assert self.emitter.stdin is not None
        assert self.emitter.stdout is not None
        self.emitter.stdin.write(json.dumps(order) + "\n")
        self.emitter.stdin.flush()
        answer = json.loads(self.emitter.stdout.readline())
        if answer["signal"]:
            self.kills[failpoint.partition(":")[0] or "random"] += 1
        assert answer["signal"] or answer["code"] == 0, answer
        return int(answer["signal"])

    def reached(self) -> str:
        """At which step the worker killed itself; the note is taken away."""
        note = self.home / "failpoint"
        if not note.exists():
            return ""
        found = note.read_text()
        note.unlink()
        return found

    def recover(self) -> None:
        """What the job engine does for a dead worker's jobs, later on."""
        self.now += ROUND
        with psycopg.connect(self.owner_url.replace("+psycopg", "")) as connection:
            connection.execute("SET search_path = public, procrastinate")
            connection.execute(
                "UPDATE procrastinate.procrastinate_jobs SET status = 'todo' WHERE status = 'doing'"
            )

    def finish(self, rounds: int = 40) -> int:
        """Go on without kills until every document is authorised and mailed; how many rounds it took."""
        for number in range(rounds):
            self.recover()
            self.emit()
            if not self.open_count():
                return number + 1
        return rounds

    def open_count(self) -> int:
        """How many documents or mails are not at their end."""
        documents = select(func.count()).select_from(FiscalDocument)
        mails = select(func.count()).select_from(DocumentMail)
        with unit_of_work(self.scope) as session:
            waiting = session.scalar(documents.where(FiscalDocument.state != "authorized")) or 0
            unsent = session.scalar(mails.where(DocumentMail.state != "sent")) or 0
        return waiting + unsent

    def verdict(self) -> dict[str, Any]:
        """The counts that must hold, and those that are printed."""
        with unit_of_work(self.scope) as session:
            rows = session.execute(
                select(FiscalDocument.sequence, FiscalDocument.access_key, FiscalDocument.state)
            ).all()
        entries = self.site.engine.state.entries
        authorised = [
            sum(1 for one in found if one.estado == "AUTORIZADO") for found in entries.values()
        ]
        distinct = defaultdict(set)
        for message_id, recipient in self.sink.taken:
            distinct[recipient].add(message_id)
        sequences = sorted(row.sequence for row in rows)
        return {
            "documents": len(rows),
            "states": dict(Counter(row.state for row in rows)),
            "keys_at_sri": len(entries),
            "authorised_twice": sum(1 for one in authorised if one > 1),
            "keys_differ": len({row.access_key for row in rows} ^ set(entries)),
            "other_bytes": sum(1 for f in entries.values() if len({e.xml for e in f}) > 1),
            "gaps": [
                one for one in range(1, (sequences or [0])[-1] + 1) if one not in set(sequences)
            ],
            "receivers": len(distinct),
            "receivers_with_two_ids": sum(1 for one in distinct.values() if len(one) > 1),
            "mail_repeats": len(self.sink.taken) - len(set(self.sink.taken)),
            "kills": dict(self.kills),
            "receptions": self.site.engine.state.receptions,
            "questions": self.site.engine.state.questions,
        }

    def check(self, expected: int) -> dict[str, Any]:
        """Assert never two, never none; returns the counts."""
        found = self.verdict()
        assert found["states"] == {"authorized": expected}, found
        assert found["keys_at_sri"] == expected, found
        for name in (
            "authorised_twice",
            "keys_differ",
            "other_bytes",
            "receivers_with_two_ids",
        ):
            assert found[name] == 0, found
        assert found["gaps"] == [], found
        assert found["receivers"] == expected, found
        assert found["mail_repeats"] <= sum(self.kills.values()), found
        return found


@contextmanager
def arena(
    scope: Any, runtime_url: str, owner_url: str, site: Site, home: Path, now: datetime
) -> Iterator[Arena]:
    """Open the arena for a company that can sign."""
    sink = MailSink()
    listening = threading.Thread(target=sink.serve_forever, args=(0.05,), daemon=True)
    listening.start()
    home.mkdir(parents=True, exist_ok=True)
    with serving(site) as server:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("YUPANA_")},
            "DATABASE_URL": runtime_url,
            "YUPANA_HOME": str(home),
            "YUPANA_SRI_URL": server.url,
            "YUPANA_SMTP_URL": sink.url,
            "PYTHONPATH": str(ROOT),
        }
        with subprocess.Popen(
            [sys.executable, "-m", "tests.crash.emitter"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as emitter:
            assert emitter.stdout is not None
            assert json.loads(emitter.stdout.readline()) == {"ready": True}
            made = Arena(scope, owner_url, site, server, sink, home, now, emitter)
            site.clock = lambda: made.now
            try:
                yield made
            finally:
                assert emitter.stdin is not None
                emitter.stdin.close()
                emitter.wait(60)
    sink.shutdown()
    sink.server_close()
    listening.join()
