"""Settings: every one documented, and read in one place only."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_says_what_the_code_says(host):
    pages = runpy.run_path(str(ROOT / "tools" / "reference"), run_name="reference")["pages"]()
    written = (ROOT / "docs/settings.md").read_text()
    assert written == pages["docs/settings.md"], "run .venv/bin/python tools/reference"


def test_every_setting_is_explained(host):
    assert [name for name, one in Settings.model_fields.items() if not one.description] == []
    assert [key for key, spec in host.settings.items() if not str(spec.help).strip()] == []
    for key, spec in host.settings.items():
        assert isinstance(spec.default, spec.type), key
        assert not spec.choices or spec.default in spec.choices, key


# Who may look at the environment: the reader of settings, and those who start other programs.
READERS = {
    "core/settings.py",
    "core/processes.py",
    "core/cli/at_work.py",
    "core/cli/serve.py",
    "core/demo/check.py",
    "core/adapters/postgres_binaries.py",
    "core/adapters/embedded_postgres.py",
    "core/adapters/postgres_child.py",
}


def test_nobody_else_reads_the_environment():
    found = {
        str(file.relative_to(ROOT))
        for file in [*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/**/*.py")]
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert {path for path in found if "/cli/bench" not in path} <= READERS
