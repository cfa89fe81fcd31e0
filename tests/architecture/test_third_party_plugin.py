"""A third party's plugin: pip-installed from its own folder, with no change in this repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder into which pip installed the plugin."""
    source = tmp_path_factory.mktemp("source") / "testplugin"
    shutil.copytree(ROOT / "tests/testplugin", source)
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([*command, *options, str(source)], check=True, timeout=300)
    return target


def test_it_adds_a_table_a_page_a_job_a_command_and_hears_events(installed, database, tmp_path):
    env = {key: value for key, value in os.environ.items() if not key.startswith("YUPANA_")}
    env |= {
        "PYTHONPATH": f"{installed}{os.pathsep}{ROOT}",
        "DATABASE_URL": database.runtime_url,
        "DATABASE_OWNER_URL": database.owner_url,
        "YUPANA_HOME": str(tmp_path / "home"),
    }

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    assert "testplugin -> testplugin_0001" in run("-m", "core.cli", "db", "upgrade")
    page = run(str(ROOT / "tests/testplugin/drive.py"))
    assert "<li>cancelled 001-001-000000007</li>" in page
    assert "<li>by a job (" in page
    notes = run("-m", "core.cli", "notes", "1792205859001").splitlines()
    assert notes[0] == "cancelled 001-001-000000007"
    assert notes[1].startswith("by a job (")
