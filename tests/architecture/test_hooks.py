"""Hooks: documented, implemented, asked through one door, and tested by the test plugin."""

from __future__ import annotations

import ast
import inspect
import runpy
from pathlib import Path

import pytest

from core import hookspecs

ROOT = Path(__file__).resolve().parents[2]
HOOKS = {
    name: value
    for name, value in vars(hookspecs).items()
    if hasattr(value, f"{hookspecs.PROJECT}_spec")
}


@pytest.fixture(scope="module")
def reference(host):
    return runpy.run_path(str(ROOT / "tools" / "reference"), run_name="reference")["pages"]()


@pytest.mark.parametrize("page", ["docs/hooks.md", "docs/events.md", "docs/cli.md"])
def test_the_page_says_what_the_code_says(reference, page):
    written = (ROOT / page).read_text()
    assert written == reference[page], (
        f"{page} is out of date: run .venv/bin/python tools/reference"
    )


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_when_it_is_asked(name):
    spec = HOOKS[name]
    assert len(inspect.getdoc(spec) or "") > 40
    assert all(p.annotation is not p.empty for p in inspect.signature(spec).parameters.values())


def test_the_test_plugin_implements_every_hook():
    tree = ast.parse((ROOT / "tests/testplugin/yupana_testplugin/plugin.py").read_text())
    written = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert set(HOOKS) <= written


def test_every_hook_is_asked_by_somebody(reference):
    lonely = [
        block.splitlines()[0]
        for block in reference["docs/hooks.md"].split("\n## ")[1:]
        if "- asked by: —" in block
    ]
    assert lonely == []


def test_nobody_asks_around_the_host():
    offenders = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in [*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/**/*.py")]
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "hook"
    ]
    assert offenders == []
