"""Where emitters are killed: a simulated SRI and a mail sink in this process, the emitter in another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import func, select

from core.adapters.clock import to_local_date
from core.db.session import unit_of_work
from plugins.einvoice_sri.models.documents import DocumentMail, FiscalDocument
from plugins.einvoice_sri.services.correct_document import correct_document
from plugins.einvoice_sri.services.pauses import open_pauses, resume
from plugins.einvoice_sri.services.request_documents import request_documents
from plugins.einvoice_sri.simulator.server import SimulatorServer, serving
from plugins.einvoice_sri.simulator.site import Site
from plugins.einvoice_sri.simulator.state import Entry
from tests.crash.behaviours import NO_SKEW, SKEWED_ROUNDS, Behaviour
from tests.crash.sink import MailSink, taking_mail
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
EMITTER = "yupana-crash-emitter"  # how its connections are named at the server
PATIENCE_S = 240.0  # a busy machine may be slow; what is waited for ends the wait at once
GOOD = Behaviour("")


@dataclass
class Arena:
    """One company whose emitter is killed over and over."""

    scope: Any
    owner: psycopg.Connection[Any]
    site: Site
    server: SimulatorServer
    sink: MailSink
    home: Path
    now: datetime
    emitter: subprocess.Popen[str]
    kills: Counter[str] = field(default_factory=Counter)
    kills_before_note: Counter[str] = field(default_factory=Counter)
    behaviour: Behaviour = GOOD
    rounds: int = 0
    settled: int = 0
    unnoted: int = 0  # mails taken by the server without a row that says so

    def behave(self, behaviour: Behaviour) -> None:
        """Let SRI and the clocks behave so in the rounds to come."""
        self.behaviour, self.rounds = behaviour, 0

    def skew(self, wanted: timedelta) -> timedelta:
        """How far a clock is off in this round."""
        return wanted if self.rounds < SKEWED_ROUNDS else NO_SKEW

    def request(self, numbers: Sequence[int]) -> None:
        """Ask for facturas with these numbers, each to a receiver of its own."""
        today = to_local_date(self.now)
        with unit_of_work(self.scope) as session:
            request_documents(
                session,
                [invoice_request(n, email=f"r{n}@example.com", issued_on=today) for n in numbers],
                now=self.now,
            )

    def emit(self, failpoint: str = "", kill_after: float | None = None) -> int:
        """Let a worker do what is due; returns the signal that ended it."""
        order = {
            "now": (self.now + self.skew(self.behaviour.own_clock)).isoformat(),
            "failpoint": failpoint,
            "kill_after": kill_after,
            "patience": self.behaviour.patience,
        }
        assert self.emitter.stdin is not None
        assert self.emitter.stdout is not None
        self.emitter.stdin.write(json.dumps(order) + "\n")
        self.emitter.stdin.flush()
        answer = json.loads(self.emitter.stdout.readline())
        assert answer["signal"] or answer["code"] == 0, answer
        self.rounds += 1
        where = failpoint.partition(":")[0] or "random"
        if answer["signal"]:
            self.kills[where] += 1
        self.account(where if answer["signal"] else "")
        return int(answer["signal"])

    def account(self, killed_at: str) -> None:
        """Mails that the server has taken and no row tells of: one more where the kill fell between the
        server's yes and our commit, none more by anything else.
        """
        before, self.unnoted = self.unnoted, self.count_unnoted()
        assert self.unnoted - before in ((0, 1) if killed_at else (0,)), (killed_at, before)
        self.kills_before_note[killed_at] += self.unnoted - before

    def count_unnoted(self) -> int:
        """Acceptances without a commit, now that nothing of the worker is left: its last words may
        still be on their way to the mail server, its last COMMIT to the database.
        """
        deadline = time.monotonic() + PATIENCE_S
        while self.sink.talking or self.has_backends():
            assert time.monotonic() < deadline, "the dead worker's connections stay open"
            time.sleep(0.005)
        with unit_of_work(self.scope) as session:
            sent = select(func.count()).where(DocumentMail.state == "sent")
            return len(self.sink.taken) - (session.scalar(sent) or 0)

    def has_backends(self) -> bool:
        """Does the database still serve the worker?"""
        query = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s LIMIT 1"
        return self.owner.execute(query, [EMITTER]).fetchone() is not None

    def settle(self) -> int:
        """What a person does: correct what was refused, lift the stops. Returns how many."""
        with unit_of_work(self.scope) as session:
            refused = session.scalars(
                select(FiscalDocument.id).where(FiscalDocument.state == "rejected")
            ).all()
            for one in refused:
                correct_document(session, one, now=self.now)
            stops = [one.id for one in open_pauses(session)]
            for one in stops:
                resume(session, one, now=self.now)
        return len(refused) + len(stops)

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
        self.now += self.behaviour.pause or ROUND
        self.owner.execute(
            "UPDATE procrastinate.procrastinate_jobs SET status = 'todo' WHERE status = 'doing'"
        )

    def finish(self, rounds: int = 40) -> int:
        """Go on without kills until every document is authorised and mailed; how many rounds it took."""
        for number in range(rounds):
            self.recover()
            if self.behaviour.is_person_needed:
                self.settled += self.settle()
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
            "other_bytes": sum(1 for found in entries.values() if len(_standing(found)) > 1),
            "gaps": [
                one for one in range(1, (sequences or [0])[-1] + 1) if one not in set(sequences)
            ],
            "receivers": len(distinct),
            "receivers_with_two_ids": sum(1 for one in distinct.values() if len(one) > 1),
            "mail_repeats": len(self.sink.taken) - len(set(self.sink.taken)),
            "kills": dict(self.kills),
            "kills_between_data_and_commit": dict(+self.kills_before_note),
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
        # every repeat has its kill between the mail server's yes and our commit
        assert found["mail_repeats"] <= sum(self.kills_before_note.values()), found
        return found


def _standing(entries: Sequence[Entry]) -> set[bytes]:
    """The bytes that SRI keeps under a key; what it refused was signed anew, as it must be."""
    return {one.xml for one in entries if one.estado != "NO AUTORIZADO"}


@contextmanager
def arena(
    scope: Any, runtime_url: str, owner_url: str, site: Site, home: Path, now: datetime
) -> Iterator[Arena]:
    """Open the arena for a company that can sign."""
    home.mkdir(parents=True, exist_ok=True)
    owner_dsn = owner_url.replace("+psycopg", "")
    with (
        taking_mail() as sink,
        serving(site) as server,
        psycopg.connect(
            owner_dsn, autocommit=True, options="-c search_path=public,procrastinate"
        ) as owner,
    ):
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("YUPANA_")},
            "DATABASE_URL": runtime_url,
            "YUPANA_HOME": str(home),
            "YUPANA_SRI_URL": server.url,
            "YUPANA_SMTP_URL": sink.url,
            "PGAPPNAME": EMITTER,
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
            made = Arena(scope, owner, site, server, sink, home, now, emitter)
            site.clock = lambda: made.now + made.skew(made.behaviour.sri_clock)
            try:
                yield made
            finally:
                assert emitter.stdin is not None
                emitter.stdin.close()
                emitter.wait(60)
