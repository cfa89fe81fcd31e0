"""Damaged P12 files and XML: always a named error or a plain answer; never a crash, never a hang.

``YUPANA_FUZZ`` says how many inputs (default 2,000; ``make fuzz`` gives 100,000). The inputs are the
same in every run: number ``n`` is made from a generator seeded with ``n``.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import time

import pytest

from core.errors import DomainError
from plugins.einvoice_sri.domain.p12 import choose_par, open_p12
from plugins.einvoice_sri.domain.p12_errores import P12Error
from plugins.einvoice_sri.domain.verify import verify
from plugins.einvoice_sri.domain.verify_envelope import open_envelope
from plugins.einvoice_sri.domain.xades import SigningKey, sign
from tests.factories import certificates as made
from tests.factories.p12_shapes import write_p12
from tests.factories.signed_parts import says_the_same

COUNT = int(os.environ.get("YUPANA_FUZZ", "2000"))
LIMIT_CPU_SECONDS = 1.0
LIMIT_GROWTH_KB = 200_000
TOKENS = (
    b"<", b">", b"&", b"]]>", b"<!--", b"<!DOCTYPE a>", b"<![CDATA[", b"\x00", b"\xff\xfe", b"xmlns=", b"&#0;",
    b'Id="comprobante"', b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x02\x04\x7f\xff\xff\xff", b"\x24\x80", b"",
)  # fmt: skip


def mutated(original: bytes, number: int) -> bytes:
    """A few changes, sometimes very few: bytes, cuts, repeats, hostile tokens."""
    dice = random.Random(number)
    data = bytearray(original)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
        if not data:
            break
        at = dice.randrange(len(data))
        end = min(len(data), at + dice.choice((1, 2, 4, 16, 200)))
        match dice.randrange(6):
            case 0:
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                data[at] = dice.randrange(256)
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end] * dice.choice((1, 2, 50))
            case 4:
                data[at:end] = dice.choice(TOKENS)
            case _:
                data[at:at] = dice.choice(TOKENS) * dice.choice((1, 3, 300))
    return bytes(data)


def hammer(originals, attempt, *, count: int = COUNT, bend=mutated) -> dict[str, int]:
    """Try every mutation; how often each outcome came. Fails on a slow one or on memory growth."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes: dict[str, int] = {}
    longest = 0.0
    for number in range(count):
        data = bend(originals[number % len(originals)], number)
        begun = time.process_time()
        outcome = attempt(data)
        spent = time.process_time() - begun
        assert spent < LIMIT_CPU_SECONDS, f"input {number} took {spent:.2f} s of CPU"
        longest = max(longest, spent)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert "no sentence" not in outcomes
    assert grown < LIMIT_GROWTH_KB, f"memory grew by {grown} KB"
    tell({"inputs": count, "longest_cpu_ms": longest * 1000, "grown_kb": grown, **outcomes})
    return outcomes


def tell(counts: dict[str, object]) -> None:
    """One line of counts, seen under ``make fuzz``."""
    sys.stdout.write("\n" + json.dumps(counts, default=str) + "\n")


@pytest.fixture(scope="module")
def signed() -> bytes:
    one = made.signer()
    body = '<factura id="comprobante" version="1.1.0"><a n="ñ">10.00</a><b>&amp;</b></factura>'
    return sign(body.encode(), SigningKey.load(one.key_der, one.der), signing_time=made.NOW)


def test_p12_files():
    one = made.signer()
    other = made.authority().issue(key=made.rsa_key("other"), serial=5)
    cheap = {"iterations": 2, "mac_iterations": 2}
    originals = [
        write_p12([one], **cheap),
        write_p12([one, other], scheme="aes256", before=[made.authority().der], **cheap),
        write_p12([one], scheme="rc2-40", mac=False, **cheap),
        write_p12([one], mac=False, **cheap),
        write_p12([one], "", scheme="aes256", mac=False, **cheap),
    ]

    def attempt(data: bytes) -> str:
        try:
            choose_par(open_p12(data, "clave"), made.NOW)
        except P12Error as error:
            return error.code if error.sentence else "no sentence"
        return "opened"

    outcomes = hammer(originals, attempt)
    assert {"sri_p12_damaged", "sri_p12_wrong_password"} <= outcomes.keys()


def test_signed_documents(signed):
    envelope = (
        b"<autorizacion><estado>AUTORIZADO</estado><comprobante><![CDATA["
        + signed
        + b"]]></comprobante></autorizacion>"
    )

    def attempt(data: bytes) -> str:
        try:
            document = open_envelope(data).comprobante
            informe = verify(document, now=made.NOW)
        except DomainError as error:
            return error.code if error.sentence else "no sentence"
        if not informe.intact:
            return informe.hallazgos[0].code
        assert says_the_same(signed, document)
        return "intact"

    outcomes = hammer([signed, envelope], attempt)
    assert {"sri_xml_malformed", "digest_document"} <= outcomes.keys()


def test_documents_to_be_signed():
    one = made.signer()
    key = SigningKey.load(one.key_der, one.der)
    originals = [
        b'<?xml version="1.0" encoding="UTF-8"?>\n<f id="comprobante" xmlns:x="urn:x"><a x:b="c">1</a></f>',
        b'<f id="comprobante"><a>1</a><b n="v">2</b></f>',
    ]

    def attempt(data: bytes) -> str:
        try:
            made_now = sign(data, key, signing_time=made.NOW)
        except DomainError as error:
            return error.code
        assert verify(made_now).intact or b"Id=" in data or b"id=" in data
        return "signed"

    outcomes = hammer(originals, attempt)
    assert {"signed", "sri_xml_malformed"} <= outcomes.keys()
