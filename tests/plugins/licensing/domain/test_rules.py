"""Support hours, entitlements, orders, the table of actions and the signed document."""

from __future__ import annotations

import base64
import json
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.payment_codes import ORDER, find_codes
from core.errors import Conflict
from core.ids import uuid7_from
from plugins.licensing.domain.document import LicenceDocument, sign, verify
from plugins.licensing.domain.entitlements import Entitlements, level
from plugins.licensing.domain.lifecycle import ACTIONS, STATES, after, allows
from plugins.licensing.domain.orders import lapses_on, payment_code
from plugins.licensing.domain.support import charge_ticket

IVA = Decimal(15)


@pytest.mark.checklist("PW-32", "PW-33")
@pytest.mark.parametrize(
    ("minutes", "wallet", "net", "total"),
    [
        (0, 0, "0.00", "0.00"),
        (1, 0, "25.00", "28.75"),
        (60, 0, "25.00", "28.75"),
        (61, 0, "50.00", "57.50"),
        (61, 30, "25.00", "28.75"),
        (30, 30, "0.00", "0.00"),
        (31, 120, "0.00", "0.00"),
        (120, 0, "50.00", "57.50"),
    ],
)
def test_support_costs_what_the_vectors_say(minutes, wallet, net, total):
    charge = charge_ticket(minutes, wallet, tax_rate=IVA)
    assert (charge.net, charge.total) == (Decimal(net), Decimal(total))
    assert charge.from_wallet + charge.chargeable == minutes
    assert charge.from_wallet <= wallet


def test_hours_may_accumulate_over_a_day():
    """A-25 ``per_day``: 20 + 20 + 30 minutes are 70 of one day: two started hours, not three."""
    assert [
        charge_ticket(minutes, 0, tax_rate=IVA, so_far=so_far).hours
        for minutes, so_far in ((20, (0, 0)), (20, (20, 1)), (30, (40, 1)))
    ] == [1, 0, 1]


def test_negative_minutes_are_refused():
    with pytest.raises(ValueError):
        charge_ticket(-1, 0, tax_rate=IVA)


@pytest.mark.parametrize(
    ("used", "limit", "expected"),
    [
        (0, None, "free"),
        (79, 100, "free"),
        (80, 100, "near"),
        (99, 100, "near"),
        (100, 100, "full"),
        (101, 100, "full"),
        (0, 0, "full"),
        (2, 3, "free"),
        (4, 5, "near"),
    ],
)
def test_a_limit_warns_before_it_holds(used, limit, expected):
    assert level(used, limit) == expected


def test_entitlements_survive_json():
    made = Entitlements(("sales", "einvoice_sri"), documents=100, users=3)
    assert Entitlements.from_json(json.loads(json.dumps(made.to_json()))) == made
    assert Entitlements.from_json({}) == Entitlements()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10), st.data())
def test_a_payment_code_reads_back_and_one_wrong_sign_shows(millis, noise, data):
    code = payment_code(uuid7_from(millis, noise))
    assert list(find_codes(code.lower().replace("-", " "), ORDER)) == [code]
    assert list(find_codes(code)) == []  # no customer's
    place = data.draw(st.integers(3, len(code) - 1))
    signs = "23456789ABCDEFGHJKMNPQRSTVWXY"
    other = data.draw(st.sampled_from(signs).filter(lambda sign: sign != code[place]))
    assert list(find_codes(code[:place] + other + code[place + 1 :], ORDER)) == []


def test_an_order_lapses_after_fifteen_days():
    assert lapses_on(date(2028, 2, 20)) == date(2028, 3, 6)


@pytest.mark.parametrize(
    ("state", "action", "expected"),
    [
        ("order", "enable", "active"),
        ("due", "report", "reported"),
        ("suspended", "report", "reported"),
        ("expired", "report", "expired"),
        ("reported", "confirm", "active"),
        ("reported", "reject", "due"),
        ("active", "cancel", "cancelled"),
        ("cancelled", "keep", "active"),
        ("expired", "reenter", "order"),
    ],
)
def test_actions_lead_where_the_table_says(state, action, expected):
    assert after(state, action) == expected


def test_everything_else_is_refused_in_a_sentence():
    actions = {action for _, action in ACTIONS}
    for state in STATES:
        for action in actions:
            if allows(state, action):
                assert after(state, action) in STATES
            else:
                with pytest.raises(Conflict) as refused:
                    after(state, action)
                assert refused.value.sentence.endswith(".")


KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
LICENCE = LicenceDocument(
    licence_id=str(UUID(int=7)),
    tax_id="1792205859001",
    legal_name="Gimnasio Ñandú Cía. Ltda.",
    plan="Comercio",
    paid_through=date(2026, 4, 30),
    issued_on=date(2026, 4, 1),
    grace_days=7,
    entitlements=Entitlements(("sales",), documents=100).to_json(),
)


@pytest.mark.parametrize(
    ("today", "code"),
    [
        (date(2026, 4, 30), "ok"),
        (date(2026, 5, 1), "grace"),
        (date(2026, 5, 7), "grace"),
        (date(2026, 5, 8), "expired"),
    ],
)
def test_a_signed_licence_verifies_offline_until_its_grace_is_over(today, code):
    verdict = verify(sign(LICENCE, KEY), KEY.public_key(), today=today)
    assert (verdict.code, verdict.licence) == (code, LICENCE)
    assert verdict.is_valid == (code in ("ok", "grace"))


def test_the_signature_is_plain_ed25519_over_canonical_json():
    envelope = json.loads(sign(LICENCE, KEY))
    body = json.dumps(
        envelope["licence"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    KEY.public_key().verify(base64.b64decode(envelope["signature"]), body)
    assert envelope["licence"]["legal_name"] == "Gimnasio Ñandú Cía. Ltda."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("paid_through", "2027-04-30"),
        ("tax_id", "1790000000001"),
        ("grace_days", 900),
        ("entitlements", {"plugins": []}),
    ],
)
def test_a_changed_licence_does_not_verify(field, value):
    envelope = json.loads(sign(LICENCE, KEY))
    envelope["licence"][field] = value
    verdict = verify(json.dumps(envelope).encode(), KEY.public_key(), today=date(2026, 4, 2))
    assert (verdict.code, verdict.is_valid) == ("signature", False)


def test_a_licence_of_another_vendor_is_not_ours():
    assert verify(sign(LICENCE, OTHER), KEY.public_key(), today=date(2026, 4, 2)).code == "key"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 70000,
        b"{" * 5000,
        b'{"licence": 1, "signature": "AA=="}',
    ],
    ids=["empty", "object", "list", "null", "bytes", "large", "deep", "odd"],
)
def test_whatever_is_no_licence_is_said_so(content):
    assert verify(content, KEY.public_key(), today=date(2026, 4, 2)).code == "format"
