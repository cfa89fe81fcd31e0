"""The glossary names what exists: Spanish names inside einvoice_sri, English ones outside, XML tags."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
SRI = ROOT / "plugins/einvoice_sri"
OUTSIDE = [ROOT / "core", *(p for p in sorted((ROOT / "plugins").iterdir()) if p != SRI)]
NAME = re.compile(r"`(\w+)`")


def rows() -> list[list[str]]:
    """The cells of the table's body."""
    lines = (ROOT / "docs/glossary.md").read_text().splitlines()
    table = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    return [[cell.strip() for cell in cells] for cells in table[2:]]


@cache
def names_in(*folders: Path) -> frozenset[str]:
    """Every name that the Python files of these folders define: classes, functions, arguments,
    variables, attributes, modules.
    """
    found = set()
    for path in (one for folder in folders for one in folder.rglob("*.py")):
        found.add(path.stem)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return frozenset(found)


@cache
def schema_names() -> frozenset[str]:
    """Every element and attribute that the shipped schemas declare."""
    found = set()
    for path in (SRI / "schemas").glob("*.xsd"):
        found |= {node.get("name") for node in etree.parse(path).iter() if node.get("name")}
    return frozenset(found)


def test_every_row_has_five_cells_and_a_meaning():
    assert len(rows()) > 20
    assert [cells[0] for cells in rows() if len(cells) != 5 or not cells[4]] == []


@pytest.mark.parametrize("cells", rows(), ids=lambda cells: cells[0])
def test_what_a_row_names_exists(cells):
    assert set(NAME.findall(cells[1])) <= schema_names()
    assert set(NAME.findall(cells[2])) <= names_in(SRI)
    assert set(NAME.findall(cells[3])) <= names_in(*OUTSIDE)
    assert NAME.findall(cells[2]), "no name inside einvoice_sri"
