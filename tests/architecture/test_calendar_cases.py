"""docs/calendar_cases.md names a test for every open question and the setting of every choice."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_case_names_settings_and_tests_that_exist(host):
    page = (ROOT / "docs/calendar_cases.md").read_text()
    tests = "\n".join(one.read_text() for one in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", page)
    assert named
    assert [one for one in named if f"def {one}(" not in tests] == []
    keys = set(re.findall(r"`((?:billing|licensing)\.\w+)`", page))
    assert keys <= set(host.settings)
    cases = {int(one) for one in re.findall(r"A-(\d\d)", page)}
    assert cases | set(range(4, 10)) == set(range(1, 32))
