"""Identification numbers against numbers that exist (design, SRI's answers, upstream issues)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.tax_ids import (
    CEDULA,
    RUC,
    cedula_check_digit,
    check,
    type_of,
)

# Real company RUCs that fail the old modulo 11; SRI authorises their documents.
NEWER_RUCS = [
    "1793213150001",
    "1793189906001",
    "1793221293001",
    "0993366721001",
    "0993370026001",
    "0993381661001",
]


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [
        ("04", "1792205859001", ""),  # the RUC of the reference letter
        ("04", "179-220.585 9001", ""),  # typed with separators
        ("04", "1760001550001", ""),  # a public body
        ("04", "1710034065001", ""),  # a natural person
        ("04", "1710034066001", "ruc_cedula"),
        ("04", "179220585900", "ruc_length"),
        ("04", "17922058590012", "ruc_length"),
        ("04", "1792205859000", "establishment"),
        ("04", "2592205859001", "province"),
        ("04", "0092205859001", "province"),
        ("04", "1782205859001", "third_digit"),
        ("04", "9999999999999", "province"),  # the final consumer is no RUC
        ("05", "1710034065", ""),
        ("05", "1714325221", "check_digit"),  # the cédula of the reference letter is not one
        ("05", "171003406", "cedula_length"),
        ("05", "171003406A", "cedula_length"),
        ("05", "3110034065", "province"),
        ("06", "AB123456", ""),
        ("06", "ab 123456", ""),
        ("06", "A", "passport"),
        ("06", "A" * 21, "passport"),
        ("07", "9999999999999", ""),
        ("07", "9999999999", "final_consumer"),
        ("08", "20-12345678-9", ""),
        ("09", "1710034065", "type"),
    ],
)
def test_structure(kind, number, code):
    finding = check(kind, number)
    assert finding.code == code
    assert finding.is_valid is (code == "")
    assert bool(str(finding.sentence)) is (code != "")


@pytest.mark.parametrize("number", NEWER_RUCS)
def test_a_newer_company_is_warned_about_and_never_refused(number):
    finding = check(RUC, number)
    assert finding.is_valid
    assert finding.is_warning
    assert finding.code == "modulo_11"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("1792205859001", "04"),
        ("1710034065", "05"),
        ("AB123456", "06"),
        ("9999999999999", "07"),
        ("12", None),
        ("1714325221", None),
    ],
)
def test_the_type_is_guessed(number, kind):
    assert type_of(number) == kind


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 24), st.integers(0, 5), st.integers(0, 999_999), st.integers(1, 9))
def test_one_wrong_digit_never_passes(province, third, rest, slip):
    nine = f"{province:02d}{third}{rest:06d}"
    right = nine + str(cedula_check_digit(nine))
    assert check(CEDULA, right).is_valid
    for place in range(3, 10):
        wrong = right[:place] + str((int(right[place]) + slip) % 10) + right[place + 1 :]
        assert not check(CEDULA, wrong).is_valid
