"""Who a receiver is."""

from __future__ import annotations

import pytest

from plugins.customer_portal.domain.answers import TRANSITIONS, NoSuchStep, next_answer
from plugins.customer_portal.domain.identities import canonical, identity_of, masked


@pytest.mark.parametrize(
    ("tax_id", "stands_for"),
    [
        ("1710034065", "1710034065"),
        ("1710034065001", "1710034065"),
        ("171003406-5001", "1710034065"),
        ("1792205859001", "1792205859001"),
        ("1760001550001", "1760001550001"),  # public: third digit 6
        ("ab123456", "AB123456"),
        ("9999999999999", None),
        ("", None),
    ],
)
def test_a_natural_persons_ruc_counts_as_the_cedula(tax_id, stands_for):
    assert canonical(tax_id) == stands_for


def test_one_person_is_one_identity_and_two_are_two():
    assert identity_of("1710034065001") == identity_of("1710034065")
    assert identity_of("1710034065") != identity_of("1792205859001")
    assert identity_of("9999999999999") is None


def test_an_address_is_masked():
    assert masked("juana@dominio.ec") == "j•••@d•••.ec"


@pytest.mark.parametrize("state", ["", "accepted", "disputed"])
@pytest.mark.parametrize("action", ["accept", "dispute", "ignore"])
def test_answers_follow_the_table(state, action):
    if (state, action) in TRANSITIONS:
        assert next_answer(state, action) == TRANSITIONS[state, action]
    else:
        with pytest.raises(NoSuchStep):
            next_answer(state, action)
