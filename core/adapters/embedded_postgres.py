"""The database server that comes with Yupana: PostgreSQL in a folder, supervised by us.

One process holds the folder (``flock``), starts the server as its child and respawns it when it
dies. The server dies with its supervisor (Linux: parent-death signal; elsewhere the next start stops
the orphan). Committed rows survive a ``kill -9`` of either. It listens on loopback only and asks for
scram passwords. Why not the wheel's own start and stop: ADR 0001.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

import psycopg

from core.adapters.postgres_binaries import (
    Account,
    Binaries,
    account,
    find,
    reachable,
    within_reach,
)
from core.errors import SetupError
from core.i18n import _

DATABASE = "yupana"
SUPERUSER = "postgres"
OWNER = "yupana_owner"
RUNTIME = "yupana_app"
CHILD = Path(__file__).with_name("postgres_child.py")
WATCHER = "postgres"  # what the thread is called that starts the server and waits for its end
LOCK_PATIENCE_S = 1.0
START_PATIENCE_S = 600  # a crash recovery may be long; a dead process ends the wait at once


def _lock_at_last(file: IO[str]) -> None:
    """Take the lock; processes beside one that was killed hold it for a moment longer than it did.

    Raises ``BlockingIOError`` when another keeps it.
    """
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _cache_mb() -> int:
    """A sixteenth of the machine's memory, from 128 to 512 MB: a run of 100,000 invoices writes more
    than PostgreSQL's 128, and its processes would have to make room for each other.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return max(128, min(512, memory // 16))


class EmbeddedPostgres:
    """A PostgreSQL server in ``home``. ``durable=False`` (tests) trades safety for speed."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home.resolve()  # its programs run in another working folder
        self.durable = durable
        self._account: Account = account()
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None
        self._stopping = threading.Event()
        self._spawned = threading.Event()
        self._failure: str | None = None
        self._port = 0
        self._words: dict[str, str] = {}

    # -- addresses ---------------------------------------------------------------------------

    @property
    def runtime_url(self) -> str:
        """``DATABASE_URL``: the run-time login (not owner, not superuser)."""
        return self.url_for(RUNTIME)

    @property
    def owner_url(self) -> str:
        """``DATABASE_OWNER_URL``: the owner of the schema."""
        return self.url_for(OWNER)

    def url_for(self, login: str, database: str = DATABASE) -> str:
        """The SQLAlchemy address of a login on this server."""
        return (
            f"postgresql+psycopg://{login}:{self._words[login]}@127.0.0.1:{self._port}/{database}"
        )

    # -- life --------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start (and on the first time create) the server; returns when it answers.

        Raises ``SetupError`` when the folder is in use, the disk is full, or the server refuses.
        """
        root = self._root()
        self._take_lock(root)
        try:
            binaries = within_reach(find(), self._account, root)
            data = root / "data"
            if not data.exists():
                self._create(binaries, root, data)
            self._check_version(data, binaries)
            self._words = json.loads((root / "passwords.json").read_text())
            self._stop_orphan(binaries, data)
            self._port = _free_port()
            self._watcher = threading.Thread(
                target=self._watch, args=(binaries, root, data), name=WATCHER, daemon=True
            )
            self._watcher.start()
            self._await_answer(root)
            self._create_roles()
            (root / "running.json").write_text(json.dumps({"port": self._port, "pid": os.getpid()}))
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError) and _is_disk_full(error):
                raise SetupError(_disk_full(root)) from error
            raise
        return self

    def stop(self) -> None:
        """Stop the server (fast shutdown) and release the folder; safe to call twice."""
        self._stopping.set()
        self._spawned.wait(5 if self._watcher else 0)
        process = self._process
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        if self._lock is not None:
            with suppress(FileNotFoundError):
                (self._root() / "running.json").unlink()
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    # -- parts -------------------------------------------------------------------------------

    def _root(self) -> Path:
        """The folder of the server: ``home/postgres``, or a place its user can reach."""
        wanted = self.home / "postgres"
        wanted.mkdir(parents=True, exist_ok=True)
        if reachable(wanted / "data", self._account):
            return wanted
        name = hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:16]
        elsewhere = Path("/var/lib/yupana") / name
        elsewhere.mkdir(parents=True, exist_ok=True)
        return elsewhere

    def _take_lock(self, root: Path) -> None:
        self._lock = (root / "lock").open("w")
        try:
            _lock_at_last(self._lock)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise SetupError(
                _(
                    "Another Yupana is already running on the folder %(folder)s: stop it first, "
                    "or choose another folder with --home.",
                    folder=str(self.home),
                )
            ) from None

    def _create(self, binaries: Binaries, root: Path, data: Path) -> None:
        words = {name: secrets.token_urlsafe(24) for name in (SUPERUSER, OWNER, RUNTIME)}
        _write_private(root / "passwords.json", json.dumps(words))
        fresh = root / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        pwfile = root / "initial-password"
        _write_private(pwfile, words[SUPERUSER])
        if self._account.drops_root:
            os.chown(fresh, self._account.uid, self._account.gid)
            os.chown(pwfile, self._account.uid, self._account.gid)
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if binaries.major >= 17
            else ["--locale=C"]
        )
        try:
            done = subprocess.run(  # noqa: S603
                self._as_user(
                    binaries.program("initdb"),
                    ["-D", str(fresh), "-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8"]
                    + [f"--pwfile={pwfile}", "--no-instructions", *locale]
                    + ([] if self.durable else ["--no-sync"]),
                ),
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
            )
        finally:
            pwfile.unlink()
        if done.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            words_said = done.stdout + done.stderr
            if "No space left" in words_said:
                raise SetupError(_disk_full(root))
            raise SetupError(
                _("The database could not be created: %(reason)s", reason=_last_line(words_said))
            )
        fresh.rename(data)

    def _check_version(self, data: Path, binaries: Binaries) -> None:
        major = int((data / "PG_VERSION").read_text())
        if major != binaries.major:
            raise SetupError(
                _(
                    "The database folder was made by PostgreSQL %(old)d and the programs here are "
                    "%(new)d: upgrade it with pg_upgrade, or install the former version.",
                    old=major,
                    new=binaries.major,
                )
            )

    def _as_user(self, program: str, arguments: list[str]) -> list[str]:
        who = self._account
        head = [
            sys.executable,
            "-I",
            "-S",
            str(CHILD),
            str(who.uid),
            str(who.gid),
            str(os.getpid()),
        ]
        return [*head, program, *arguments]

    def _stop_orphan(self, binaries: Binaries, data: Path) -> None:
        """A server whose supervisor was killed is dying or (elsewhere than Linux) still there."""
        if not (data / "postmaster.pid").exists():
            return
        subprocess.run(  # noqa: S603
            self._as_user(
                binaries.program("pg_ctl"), ["stop", "-D", str(data), "-m", "immediate", "-t", "60"]
            ),
            capture_output=True,
            check=False,
            cwd="/",
        )

    def _watch(self, binaries: Binaries, root: Path, data: Path) -> None:
        """Keep one server running; the thread that starts it must live as long as it does."""
        options = [
            "-D", str(data), "-h", "127.0.0.1", "-p", str(self._port), "-k", "",
            "-c", "max_connections=200", "-c", f"shared_buffers={_cache_mb()}MB",
            "-c", "password_encryption=scram-sha-256", "-c", "timezone=UTC",
        ]  # fmt: skip
        if not self.durable:
            options += [
                "-c",
                "fsync=off",
                "-c",
                "synchronous_commit=off",
                "-c",
                "full_page_writes=off",
            ]
        while not self._stopping.is_set():
            with (root / "server.log").open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603
                    self._as_user(binaries.program("postgres"), options),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    cwd="/",
                )
            self._spawned.set()
            if self._stopping.is_set():
                self._process.send_signal(signal.SIGINT)
            started = time.monotonic()
            code = self._process.wait()
            if not self._stopping.is_set() and time.monotonic() - started < 1:
                self._failure = self._failure or f"exit {code}"
                self._stopping.wait(0.5)

    def _await_answer(self, root: Path) -> None:
        deadline = time.monotonic() + START_PATIENCE_S
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError), self._superuser("postgres"):
                return
            if self._failure:
                said = _tail(root / "server.log")
                if "No space left" in said:
                    raise SetupError(_disk_full(root))
                raise SetupError(
                    _("The database server does not start: %(reason)s", reason=_last_line(said))
                )
            time.sleep(0.02)
        raise SetupError(
            _("The database server does not answer; see %(log)s.", log=str(root / "server.log"))
        )

    def _superuser(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self._port,
            user=SUPERUSER,
            password=self._words[SUPERUSER],
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def _create_roles(self) -> None:
        from core.db.roles import statements

        with self._superuser("postgres") as connection:
            known = {
                row[0] for row in connection.execute("SELECT rolname FROM pg_roles").fetchall()
            }
            if {OWNER, RUNTIME} <= known:
                return
            for statement in statements(
                owner=OWNER,
                runtime=RUNTIME,
                database=DATABASE,
                passwords=self._words,
                server_version=connection.info.server_version,
            ):
                connection.execute(statement.encode())


@contextmanager
def opened(home: Path) -> Iterator[EmbeddedPostgres]:
    """The server of ``home``: the one that runs there already, or one started for this block."""
    server = EmbeddedPostgres(home)
    running = server._root() / "running.json"  # noqa: SLF001
    with suppress(FileNotFoundError, ValueError):
        facts = json.loads(running.read_text())
        server._words = json.loads((running.parent / "passwords.json").read_text())  # noqa: SLF001
        server._port = facts["port"]  # noqa: SLF001
        try:
            server._superuser("postgres").close()  # noqa: SLF001
        except psycopg.OperationalError:
            pass
        else:
            yield server
            return
    with EmbeddedPostgres(home) as started:
        yield started


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _is_disk_full(error: OSError) -> bool:
    """Of one file, or of one among many that were copied (``shutil.Error`` has their words only)."""
    return error.errno == errno.ENOSPC or f"[Errno {errno.ENOSPC}]" in str(error)


def _disk_full(folder: Path) -> str:
    return _("The disk of %(folder)s is full: free some space and start again.", folder=str(folder))


def _tail(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text(errors="replace")[-4000:]
    return ""


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "?"
