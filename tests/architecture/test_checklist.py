"""docs/checklist.md says what the marks on the tests say."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool() -> dict:
    """The names of tools/checklist."""
    return runpy.run_path(str(ROOT / "tools/checklist"), run_name="checklist")


def test_the_page_is_up_to_date():
    written = (ROOT / "docs/checklist.md").read_text()
    # in a process of its own: CPython 3.11 may refuse to parse hundreds of files below a deep stack
    script = "import runpy; print(runpy.run_path('tools/checklist', run_name='checklist')['page'](), end='')"
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert written == found, "run .venv/bin/python tools/checklist"


def test_every_row_of_the_licence_letter_has_words(tool):
    assert len(tool["LICENCE"]) == 35
    assert "| PW-35 | " in tool["page"]()


def test_marks_are_found_on_tests_and_on_modules(tool, tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_x.py").write_text(
        "import pytest\n"
        "pytestmark = [pytest.mark.browser, pytest.mark.checklist('PW-01')]\n"
        "@pytest.mark.checklist('SE-20', 'PW-02')\n"
        "def test_one(): ...\n"
        "def test_two(): ...\n"
    )
    tool["collect"].__globals__["ROOT"] = tmp_path
    try:
        one, two = "tests/test_x.py::test_one", "tests/test_x.py::test_two"
        assert tool["collect"]() == {"PW-01": [one, two], "SE-20": [one], "PW-02": [one]}
        (tmp_path / "tests/test_x.py").write_text(
            "@pytest.mark.checklist('PW-36')\ndef test_one(): ...\n"
        )
        with pytest.raises(ValueError, match="PW-36"):
            tool["collect"]()
    finally:
        tool["collect"].__globals__["ROOT"] = ROOT
