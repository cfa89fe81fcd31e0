"""Processes beside: set up as the one that starts them, and gone when it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text

from core import plugins
from core.beside import processes_beside
from core.db.session import tenant_work

STARTS_ONE = """
import os, sys, time
from core import plugins, settings
from core.beside import processes_beside
from core.db.session import Database, bind

if __name__ == "__main__":
    settings.use(settings.read_settings(plugins=("sales",)))
    plugins.load(("sales",))
    bind(Database(sys.argv[1]))
    with processes_beside(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(300)
"""


def what_it_sees(tenant_id):
    """In the process beside: its plugins, and the company of the scope that it opens."""
    with tenant_work(tenant_id) as session:
        seen = session.execute(text("SELECT id FROM core_company_profile")).scalars().all()
    return os.getpid(), [one.name for one in plugins.host().plugins], len(seen)


def test_it_works_with_the_same_settings_plugins_and_database(tenant):
    with processes_beside(1) as pool:
        pid, names, seen = pool.submit(what_it_sees, tenant.id).result()
    assert pid != os.getpid()
    assert names == [one.name for one in plugins.host().plugins]
    assert seen == 1


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


def is_alive(pid: int) -> bool:
    """It runs; one that has ended and that nobody has asked about (a zombie) does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
