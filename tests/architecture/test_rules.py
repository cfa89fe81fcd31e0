"""House rules that no linter knows, read from the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    file
    for file in sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/**/*.py")])
    if "migrations" not in file.parts
]
TREES = {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in FILES}


def calls(path: str) -> Iterator[tuple[str, str, int]]:
    """(what it is called on, name, line) of every call in a file."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                owner = node.func.value
                on = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                yield on, node.func.attr, node.lineno
            elif isinstance(node.func, ast.Name):
                yield "", node.func.id, node.lineno


def found(allowed, wanted, *, within="") -> list[str]:
    return [
        f"{path}:{line}"
        for path in TREES
        if within in path and not path.startswith(allowed)
        for on, name, line in calls(path)
        if wanted(on, name)
    ]


def test_only_the_database_layer_commits():
    assert found(("core/db/",), lambda _, name: name == "commit") == []


def test_money_is_never_a_float():
    assert found((), lambda on, name: not on and name == "float", within="/domain/") == []


def test_below_the_edge_nobody_asks_what_time_it_is():
    """Time is an argument (``core/db/tenancy.py`` stamps rows, ``core/ids.py`` makes keys)."""
    asks = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}
    for layer in ("/domain/", "/services/", "core/contracts/"):
        assert found((), lambda on, name: (on, name) in asks, within=layer) == []


def test_ids_come_from_one_source():
    assert found(("core/ids.py",), lambda _, name: name in ("uuid4", "uuid1")) == []


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "misc"])
def test_no_drawer_for_everything(word):
    assert [path for path in TREES if Path(path).stem == word or f"/{word}/" in path] == []


def test_no_file_is_a_book():
    """About 300 lines are enough for one purpose; data and tables may be longer."""
    long = {
        path: n
        for path in TREES
        if (n := len((ROOT / path).read_text().splitlines())) > 420
        and not path.endswith(("_data.py", "models.py"))
    }
    assert long == {}


def test_the_init_of_a_plugin_only_says_what_it_is_for():
    for path, tree in TREES.items():
        parts = Path(path).parts
        if parts[0] == "plugins" and len(parts) == 3 and parts[2] == "__init__.py":
            assert [type(node) for node in tree.body] == [ast.Expr], path


def test_no_bare_swallowing():
    """``except Exception: pass`` hides what the caller must know."""
    silent = [
        f"{path}:{node.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
        and all(isinstance(inner, ast.Pass) for inner in node.body)
    ]
    assert silent == []
