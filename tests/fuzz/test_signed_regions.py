"""Every region of a signed document of every kind is changed; nothing that changes it passes.

A change may pass only where ``tests/factories/signed_parts.py`` (lxml alone) finds that every covered
part is the same in canonical form. Regions: each byte; each element's name, text, tail, place and
existence; each attribute's name, value and existence.
"""

from __future__ import annotations

import base64
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from lxml import etree

from plugins.einvoice_sri.domain import xml
from plugins.einvoice_sri.domain.canonical import XmlRefused
from plugins.einvoice_sri.domain.from_request import comprobante
from plugins.einvoice_sri.domain.verify import verify
from plugins.einvoice_sri.domain.verify_chain import read_authorities
from plugins.einvoice_sri.domain.xades import SigningKey, sign, sign_canonical
from tests.factories import certificates as made
from tests.factories.signed_parts import DS, covered, says_the_same
from tests.plugins.einvoice_sri.domain.peticiones import EMISOR, TODAS

INPUTS = int(os.environ.get("YUPANA_FUZZ", "2000"))
KINDS = [type(one).__name__ for one in TODAS]


def key() -> SigningKey:
    return SigningKey.load(made.signer().key_der, made.signer().der)


@pytest.fixture(scope="module")
def signed() -> list[bytes]:
    """One document of each of the six kinds, as the product builds and signs it."""
    return [
        sign_canonical(xml.build(comprobante(one, EMISOR)), key(), signing_time=made.NOW)
        for one in TODAS
    ]


def passes(content: bytes) -> bool:
    try:
        return verify(content, authorities=ANCHORS, now=made.NOW).intact
    except XmlRefused:
        return False


ANCHORS = read_authorities(made.authority().pem)
Change = Callable[[Any], Any]


def text_changes() -> dict[str, Change]:
    def put(text: str | None) -> Change:
        return lambda one: setattr(one, "text", text)

    def tail(one: Any) -> None:
        one.tail = (one.tail or "") + "x"

    def line(one: Any) -> None:
        if one.getparent() is not None:  # behind the root there is no document any more
            one.tail = (one.tail or "") + "\n"

    return {
        "text longer": lambda one: setattr(one, "text", (one.text or "") + "0"),
        "text shorter": lambda one: setattr(one, "text", (one.text or "")[:-1] or None),
        "text emptied": put(None),
        "text of spaces": put(" "),
        "blank before": lambda one: setattr(one, "text", " " + (one.text or "")),
        "text behind": tail,
        "line behind": line,
    }


def place_changes() -> dict[str, Change]:
    def swap(one: Any) -> None:
        if one.getnext() is not None:
            one.addprevious(one.getnext())

    def deeper(one: Any) -> None:
        if one.getprevious() is not None:
            one.getprevious().append(one)

    def higher(one: Any) -> None:
        if one.getparent().getparent() is not None:
            one.getparent().addnext(one)

    return {
        "removed": lambda one: one.getparent().remove(one),
        "twice": lambda one: one.addnext(etree.fromstring(etree.tostring(one, with_tail=False))),
        "swapped": swap,
        "into the one before": deeper,
        "out of its parent": higher,
        "another name": lambda one: setattr(one, "tag", f"{one.tag}x"),
        "another namespace": lambda one: setattr(
            one, "tag", f"{{urn:x}}{etree.QName(one).localname}"
        ),
        "an attribute more": lambda one: one.set("extra", "1"),
        "a namespace more": lambda one: one.append(etree.fromstring('<a xmlns:n="urn:n"/>')),
        "a comment inside": lambda one: one.insert(0, etree.Comment("x")),
        "an instruction inside": lambda one: one.insert(0, etree.PI("x")),
    }


def attribute_changes() -> dict[str, Callable[[Any, str], Any]]:
    def rename(one: Any, name: str) -> None:
        one.set(f"{name}x", one.attrib.pop(name))

    return {
        "value longer": lambda one, name: one.set(name, one.get(name) + "0"),
        "value shorter": lambda one, name: one.set(name, one.get(name)[:-1]),
        "value of another case": lambda one, name: one.set(name, one.get(name).swapcase()),
        "attribute removed": lambda one, name: one.attrib.pop(name),
        "attribute renamed": rename,
    }


def mutants(content: bytes) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """Every element and attribute under every change: (change, where, how to make it)."""
    tree = etree.fromstring(content).getroottree()

    def changed(nth: int, change: Change) -> bytes:
        root = etree.fromstring(content)
        change(next(one for at, one in enumerate(root.iter()) if at == nth))
        return etree.tostring(root)

    for nth, original in enumerate(tree.iter()):
        where = tree.getpath(original)
        for name, change in (text_changes() | (place_changes() if nth else {})).items():
            yield name, where, partial(changed, nth, change)
        for attribute in original.attrib:
            for name, change_it in attribute_changes().items():
                change = partial(_on_attribute, change_it, attribute)
                yield name, f"{where}/@{attribute}", partial(changed, nth, change)


def _on_attribute(change: Callable[[Any, str], Any], attribute: str, one: Any) -> None:
    change(one, attribute)


_LOOSE = ("an attribute more",)
_BLANKS = ("text of spaces", "blank before", "line behind")
_ID = tuple(attribute_changes())
#: What passes: attributes and blanks that no part of a XAdES signature covers, on these elements.
INSIGNIFICANT = {
    (tag, change)
    for tag, changes in {
        "Signature": (*_LOOSE, *_BLANKS[:2]),
        "SignedInfo": _BLANKS[2:],
        "SignatureValue": (*_LOOSE, *_BLANKS[1:], *_ID),
        "KeyInfo": _BLANKS[2:],
        "Object": (*_LOOSE, *_BLANKS, *_ID),
        "QualifyingProperties": (*_LOOSE, *_BLANKS),
        "SignedProperties": _BLANKS[2:],
    }.items()
    for change in changes
}


@pytest.mark.parametrize("kind", range(len(TODAS)), ids=KINDS)
def test_every_element_and_attribute_of_every_kind(signed, kind):
    """Every third change of a factura and every fifteenth of the others; all in the long form."""
    content = signed[kind]
    assert passes(content)
    every = 1 if INPUTS > 2000 else 15 if kind else 3
    unchanged = etree.tostring(etree.fromstring(content))
    tried: Counter[str] = Counter()
    passed = set()
    for number, (change, where, make) in enumerate(mutants(content)):
        tried[change] += 1
        if number % every or (changed := make()) == unchanged:
            continue
        if passes(changed):
            assert says_the_same(content, changed), (change, where)
            passed.add((re.sub(r".*[:/]|\[.*", "", where.split("/@")[0]), change))
    elements = list(etree.fromstring(content).iter())
    assert tried["removed"] == tried["twice"] == tried["another name"] == len(elements) - 1
    assert tried["text longer"] == len(elements)
    assert tried["attribute removed"] == sum(len(one.attrib) for one in elements)
    assert passed == INSIGNIFICANT if every == 1 else passed <= INSIGNIFICANT


@pytest.mark.parametrize("kind", range(len(TODAS)), ids=KINDS)
def test_every_byte_of_every_kind(signed, kind):
    """Each byte (each n-th in the suite) under each single bit, taken away, and doubled."""
    content = signed[kind]
    every = len(content) * 10
    for number in range(kind, every, max(1, every // max(1, INPUTS // len(TODAS)))):
        at, what = divmod(number, 10)
        byte = content[at]
        piece = bytes([byte ^ 1 << what]) if what < 8 else bytes([byte]) * (2 * (what - 8))
        changed = content[:at] + piece + content[at + 1 :]
        if passes(changed):
            assert says_the_same(content, changed), (at, what, content[max(at - 30, 0) : at + 30])


def test_the_signature_anywhere_else(signed):
    """Below every element of the document, in front of it and behind it."""
    content = signed[0]
    for nth in range(1, sum(1 for _one in etree.fromstring(content).iter())):
        for put in ("append", "addnext", "addprevious"):
            root = etree.fromstring(content)
            signature = root.find(f"{DS}Signature")
            one = next(one for at, one in enumerate(root.iter()) if at == nth)
            if one is signature or signature in one.iterancestors():
                continue
            getattr(one, put)(signature)
            changed = etree.tostring(root)
            assert not passes(changed) or says_the_same(content, changed), (put, one.tag)


def test_a_false_document_around_the_signed_one(signed):
    """The signed document, whole or without its signature, hidden at every place of a false one."""
    content = signed[0]
    false = content.replace(b"<importeTotal>23.00", b"<importeTotal>1.00")
    assert false != content
    for nth in range(sum(1 for _one in etree.fromstring(content).iter())):
        for is_whole in (True, False):
            outer, inner = etree.fromstring(false), etree.fromstring(content)
            if not is_whole:
                inner.remove(inner.find(f"{DS}Signature"))
            next(one for at, one in enumerate(outer.iter()) if at == nth).append(inner)
            assert not passes(etree.tostring(outer)), nth


def test_another_signer_in_the_name_of_the_first(signed):
    """All of it signed anew by somebody with a certificate of his own making and the same names."""
    content = signed[0]
    body = etree.fromstring(content)
    body.remove(body.find(f"{DS}Signature"))
    mine, theirs = made.signer(), made.rsa_key("thief")
    forged = made.Authority(theirs, made.authority().certificate).issue(
        key=theirs, subject=mine.certificate.subject, serial=mine.certificate.serial_number
    )
    assert forged.certificate.issuer == mine.certificate.issuer
    again = sign(
        etree.tostring(body), SigningKey.load(forged.key_der, forged.der), signing_time=made.NOW
    )
    informe = verify(again, authorities=ANCHORS, now=made.NOW)
    assert {one.code for one in informe.hallazgos} == {"untrusted"}
    assert not informe.intact


@pytest.mark.parametrize("tag", ["Modulus", "Exponent"])
def test_every_byte_of_the_key_value(signed, tag):
    """RSAKeyValue says another key, every byte of it once, and the forms a number may be written in."""
    content = signed[0]
    found = re.search(rf"<ds:{tag}>([^<]*)".encode(), content)
    number = base64.b64decode(found.group(1))
    others = [number[:at] + bytes([number[at] ^ 1]) + number[at + 1 :] for at in range(len(number))]
    for other in (*others, b"\0" + number, number + b"\0", number[::-1] + b"\1", b"\1"):
        text = base64.b64encode(other)
        assert not passes(content[: found.start(1)] + text + content[found.end(1) :])


def test_the_judge_sees_what_a_signature_covers(signed):
    content = signed[0]
    assert says_the_same(content, etree.tostring(etree.fromstring(content)))
    assert all(len(found) == 1 for name, found in covered(content).items() if name != "tags")
    for old, new in (
        (b"23.00", b"23.01"),
        (b"<ds:KeyInfo", b'<ds:KeyInfo a="b"'),
        (b"#sha1", b"#sha2"),
    ):
        assert old in content
        assert not says_the_same(content, content.replace(old, new, 1))
