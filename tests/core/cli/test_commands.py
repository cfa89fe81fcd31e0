"""Commands: one sentence and exit 2 when something is wrong, never a trace."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from contextlib import nullcontext
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from sqlalchemy import text

from core import runtime, settings
from core.adapters.clock import SharedClock, at_local
from core.cli import Yupana, main
from core.cli import at_work as at_work_module
from core.cli.at_work import at_work
from core.db.scope import NOBODY
from core.db.session import bind, unit_of_work
from core.errors import DomainError, SetupError

ROOT = Path(__file__).resolve().parents[3]


def yupana(*arguments, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("YUPANA_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, "-m", "core.cli", *arguments],
        env=clean | {"PYTHONPATH": str(ROOT)} | {k: str(v) for k, v in env.items()},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def is_one_sentence(done, *words):
    told = [line for line in done.stderr.splitlines() if "is left out" not in line]
    assert done.returncode == 2, done.stderr
    assert len(told) == 1, done.stderr
    assert told[0].startswith("yupana: ")
    for word in words:
        assert word in told[0]


def test_a_port_that_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = yupana("serve", "--all", YUPANA_PORT=port, YUPANA_HOME=tmp_path / "home")
    is_one_sentence(done, str(port), "la usa otro programa", "--port")
    assert not (tmp_path / "home" / "postgres").exists()


def test_a_plugin_that_nobody_installed(tmp_path):
    done = yupana("worker", YUPANA_PLUGINS="sales,nowhere", YUPANA_HOME=tmp_path / "home")
    is_one_sentence(done, "nowhere", "sales")


def test_a_database_that_is_away(tmp_path):
    url = "postgresql+psycopg://a:secret@127.0.0.1:1/x"
    done = yupana("worker", DATABASE_URL=url, YUPANA_HOME=tmp_path / "home")
    is_one_sentence(done, "127.0.0.1:1")
    assert "secret" not in done.stderr


def test_a_setting_that_is_wrong(tmp_path):
    done = yupana("serve", YUPANA_PORT="many", YUPANA_HOME=tmp_path / "home")
    is_one_sentence(done, "YUPANA_PORT", "(many)")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SetupError("do this"), 2, "yupana: do this"),
        (
            NotADirectoryError(errno.ENOTDIR, "Not a directory", "/x/y"),
            2,
            "yupana: /x/y: una parte de la ruta es un archivo, no una carpeta.",
        ),
        (DomainError("the RUC is wrong", code="x"), 2, "yupana: the RUC is wrong"),
        (
            RuntimeError("a bug\nwith lines"),
            1,
            "yupana: un error del programa, RuntimeError: a bug. Repítalo",
        ),
    ],
)
def test_what_a_command_raises_is_told(error, code, words, capsys):
    group = Yupana(name="yupana")
    group._is_loaded = True

    @group.command("fail")
    def fail():
        raise error

    with pytest.raises(SystemExit) as ended:
        group.main(["fail"], prog_name="yupana")
    assert ended.value.code == code
    told = capsys.readouterr().err
    assert told.startswith(words)
    assert "Traceback" not in told


@pytest.fixture
def command(host, database, tmp_path):
    """Runs a command in this process on the test's database."""
    from pydantic import SecretStr

    mine = settings.read_settings(
        home=tmp_path / "cli", database_url=SecretStr(database.runtime_url)
    )

    def run(*arguments):
        settings.use(mine)
        return CliRunner().invoke(main, arguments, prog_name="yupana")

    yield run
    bind(None)


def test_every_command_explains_itself(command):
    listed = command("--help")
    assert listed.exit_code == 0
    for name in (
        "serve",
        "worker",
        "scheduler",
        "demo",
        "db",
        "plugins",
        "doctor",
        "bench",
        "operator",
        "secrets",
    ):
        assert name in listed.output
        assert command(name, "--help").exit_code == 0


def test_operator_secrets_plugins_and_doctor(command, database):
    given = [
        "operator", "create", "--ruc", "1792205859001", "--name", "Andina S.A.", "--identification",
        "1710034065", "--first-name", "Ana", "--last-name", "Paz", "--email", "ana@example.com",
    ]  # fmt: skip
    made = command(*given)
    assert made.exit_code == 0, made.output
    assert "/activate/" in made.output
    assert command(*given).exit_code == 2

    rotated = command("secrets", "rotate")
    assert rotated.exit_code == 0, rotated.output

    listed = command("plugins", "list")
    assert listed.exit_code == 0
    assert "sales" in listed.output
    assert command("plugins", "catch-up", "sales").exit_code == 0
    assert command("plugins", "catch-up", "nowhere").exit_code == 2

    sick = command("doctor")
    assert sick.exit_code == 1
    assert "YUPANA_SMTP_URL" in sick.output
    bind(database.database)
    with unit_of_work(NOBODY) as session:
        assert session.scalar(text("SELECT kind FROM core_tenant")) == "operator"


def test_where_no_installation_is_nothing_is_created(tmp_path):
    nowhere = tmp_path / "nope"
    given = settings.current().model_copy(update={"home": nowhere, "database_url": SecretStr("")})
    with pytest.raises(SetupError, match="No hay una instalación en"), at_work(given):
        pass
    assert not nowhere.exists()


@pytest.mark.parametrize(("address", "on_the_demos_day"), [("", True), ("given", False)])
def test_a_command_beside_a_demo_lives_on_its_day(
    tmp_path, monkeypatch, database, address, on_the_demos_day
):
    """``yupana billing run`` in a second terminal: the day of the demo's pages, not the machine's. Who
    gives a database works on that, whatever lies in the folder.
    """
    day = at_local(date(2031, 3, 25), 9)
    given = settings.current().model_copy(
        update={"home": tmp_path, "database_url": SecretStr(address), "demo": False}
    )
    (tmp_path / "postgres").mkdir()
    SharedClock(given.clock_file).set(day)
    monkeypatch.setattr(
        at_work_module, "database_url", lambda _given: nullcontext("postgresql://x")
    )
    monkeypatch.setattr(at_work_module, "preflight", lambda *_given: None)
    before = runtime._current
    try:
        with at_work(given) as made:
            assert (abs((made.clock.now() - day).total_seconds()) < 3600) is on_the_demos_day
    finally:
        bind(database.database)
        runtime.use(before)
