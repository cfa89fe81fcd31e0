"""Processes beside: set up as the one that starts them, and gone when it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from core import plugins
from core.adapters.embedded_postgres import WATCHER
from core.beside import ProcessEnded, processes_beside
from core.db.session import tenant_work
from core.errors import DomainError

STARTS_ONE = """
import os, sys, time
from core import plugins, settings
from core.beside import processes_beside
from core.db.session import Database, bind

if __name__ == "__main__":
    settings.use(settings.read_settings(plugins=("sales",)))
    plugins.load(("sales",))
    bind(Database(sys.argv[1]))
    with processes_beside(1) as processes:
        print(processes.call(os.getpid), flush=True)
        time.sleep(300)
"""


STARTS_ONE_AMONG_THREADS = """
import os, sys, threading
from core import plugins, settings
from core.beside import processes_beside
from core.db.session import Database, bind

if __name__ == "__main__":
    settings.use(settings.read_settings(plugins=("sales",)))
    plugins.load(("sales",))
    bind(Database(sys.argv[1]))
    waiting = threading.Event()
    threading.Thread(target=waiting.wait, name=sys.argv[2], daemon=True).start()
    with processes_beside(1) as processes:
        print(processes.call(os.getppid) == os.getpid())
"""


def what_it_sees(tenant_id):
    """In the process beside: its plugins, and the company of the scope that it opens."""
    with tenant_work(tenant_id) as session:
        seen = session.execute(text("SELECT id FROM core_company_profile")).scalars().all()
    return os.getpid(), [one.name for one in plugins.host().plugins], len(seen)


def test_it_works_with_the_same_settings_plugins_and_database(tenant):
    with processes_beside(1) as processes:
        pid, names, seen = processes.call(what_it_sees, tenant.id)
    assert pid != os.getpid()
    assert names == [one.name for one in plugins.host().plugins]
    assert seen == 1


def refuse(what):
    """In the process beside."""
    raise DomainError(what, code="test.refused")


@pytest.mark.usefixtures("tenant")
def test_errors_arrive_with_the_place_where_they_were_met():
    with processes_beside(1) as processes:
        with pytest.raises(DomainError, match="not today") as met:
            processes.call(refuse, "not today")
        assert processes.call(os.getpid) != os.getpid()  # it lives on
    assert "in refuse" in "".join(met.value.__notes__)


def answer_or_die(number):
    """In the process beside."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.usefixtures("tenant")
def test_one_that_is_killed_leaves_nobody_waiting():
    with processes_beside(2) as processes, ThreadPoolExecutor(8) as threads:
        calls = {one: threads.submit(processes.call, answer_or_die, one) for one in range(200)}
        met = {number: call.exception(timeout=60) for number, call in calls.items()}
        again = [threads.submit(processes.call, answer_or_die, one) for one in (200, 201)]
        after = [one.exception(timeout=60) for one in again]  # they take turns: one call for each
    ended = [number for number, error in met.items() if isinstance(error, ProcessEnded)]
    answered = [number for number, error in met.items() if error is None]
    assert 3 in ended
    assert sorted(map(type, after), key=str) == [type(None), ProcessEnded], "the other answers on"
    assert all(calls[number].result() == number for number in answered)
    assert len(ended) + len(answered) == 200


def test_it_ends_with_the_process_that_is_killed(database, tmp_path):
    script = tmp_path / "starts_one.py"
    script.write_text(STARTS_ONE)
    url = database.runtime_url
    env = {**os.environ, "YUPANA_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, str(script), url], env=env, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        beside = int(starter.stdout.readline())
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    deadline = time.monotonic() + 60
    while is_alive(beside) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(beside)


@pytest.mark.parametrize(("thread", "is_forked"), [(WATCHER, True), ("another", False)])
def test_a_command_that_has_started_postgresql_forks_itself(database, tmp_path, thread, is_forked):
    script = tmp_path / "starts_one.py"
    script.write_text(STARTS_ONE_AMONG_THREADS)
    env = {**os.environ, "YUPANA_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, str(script), database.runtime_url, thread],
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.strip() == str(is_forked)


def is_alive(pid: int) -> bool:
    """It runs; one that has ended and that nobody has asked about (a zombie) does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
