"""The wheel holds everything the product needs, and works from a folder that holds nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ("billing", "customer_portal", "einvoice_sri", "licensing", "sales")


def pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The built wheel, made from a copy so that nothing is written into the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    flags = ("--no-build-isolation", "--no-deps", "--no-index")
    pip("wheel", *flags, "--wheel-dir", str(folder), str(ROOT))
    [made] = folder.glob("yupana-*.whl")
    return made


def test_the_wheel_holds_the_product_and_no_tests(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    for folder in (ROOT / "core", ROOT / "plugins"):
        wanted = {
            str(path.relative_to(ROOT))
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
        }
        assert wanted - held == set()
    for component in ("core", *(f"plugins/{name}" for name in PLUGINS)):
        for part in ("translations/es/LC_MESSAGES/messages.mo", "migrations/versions/"):
            assert any(one.startswith(f"{component}/{part}") for one in held), (component, part)
        assert any(one.startswith(f"{component}/templates/") for one in held), component
    assert any(one.startswith("core/static/") for one in held)
    for part, suffix in (("schemas", ".xsd"), ("wsdl", ".wsdl"), ("catalogs", "")):
        start = f"plugins/einvoice_sri/{part}/"
        assert any(one.startswith(start) and one.endswith(suffix) for one in held), part
    assert {one.split("/")[0] for one in held if ".dist-info/" not in one} == {"core", "plugins"}


def test_an_installed_wheel_finds_its_plugins(wheel, tmp_path):
    target, elsewhere = tmp_path / "site", tmp_path / "empty"
    elsewhere.mkdir()
    pip("install", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    code = (
        "import runpy, sys, importlib.util as u;"
        "print([u.find_spec(f'plugins.{n}.plugin').origin for n in sys.argv.pop().split(',')]);"
        "sys.argv[:] = ['yupana', 'plugins', 'list'];"
        "runpy.run_module('core.cli', run_name='__main__')"
    )
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(target), "YUPANA_HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, ",".join(PLUGINS)],
        cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    origins, listed = done.stdout.split("\n", 1)
    assert origins.count(str(target / "plugins")) == len(PLUGINS), origins
    for name in PLUGINS:
        assert name in listed
