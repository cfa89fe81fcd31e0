"""Good signatures pass, and nothing that anybody changed does."""

from __future__ import annotations

import base64
import contextlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from signxml import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from plugins.einvoice_sri.domain.canonical import XmlRefused
from plugins.einvoice_sri.domain.verify import verify
from plugins.einvoice_sri.domain.verify_chain import is_trusted, read_authorities
from plugins.einvoice_sri.domain.verify_envelope import open_envelope
from plugins.einvoice_sri.domain.xades import SigningKey, sign
from plugins.einvoice_sri.domain.xades_template import SignatureIds
from tests.factories import certificates as made

SHARED = Path(__file__).resolve().parents[5] / "shared" / "sri"
AT = made.NOW
BODY = '<factura id="comprobante" version="1.1.0"><a n="ñ">total 10.00</a><b>&amp;</b></factura>'.encode()


def key_of(one: made.Signer) -> SigningKey:
    return SigningKey.load(one.key_der, one.der)


@pytest.fixture(scope="module")
def signed() -> bytes:
    return sign(BODY, key_of(made.signer()), signing_time=AT)


@pytest.fixture(scope="module")
def anchors():
    return read_authorities(made.authority().pem)


def codes(xml: bytes, **options) -> set[str]:
    return {one.code for one in verify(xml, **options).hallazgos}


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
@pytest.mark.parametrize(
    "body",
    [
        BODY,
        b'<f id="comprobante" xml:lang="es"><a/></f>',
        b'<f id="comprobante" xmlns:xsi="urn:x" xsi:a="b"><a/>\n</f>\n',
        b'<f xmlns="urn:f" id="otro"><a/></f>',
    ],
)
def test_what_we_sign_is_spotless(anchors, hash_name, body):
    xml = sign(body, key_of(made.signer()), signing_time=AT, hash=hash_name)
    informe = verify(xml, authorities=anchors, now=AT)
    assert informe.hallazgos == ()
    assert (informe.intact, informe.spotless, informe.chain) == (True, True, "trusted")
    assert informe.signing_time == AT
    assert informe.certificado.der == made.signer().der
    assert hash_name in informe.method


@pytest.mark.parametrize("hash_name", ["SHA1", "SHA256"])
def test_a_maintained_library_agrees(hash_name):
    xml = sign(BODY, key_of(made.signer()), signing_time=AT, hash=hash_name.lower())
    wanted = SignatureConfiguration(
        require_x509=True,
        expect_references=3,
        signature_methods=frozenset({SignatureMethod[f"RSA_{hash_name}"]}),
        digest_algorithms=frozenset({DigestAlgorithm[hash_name]}),
    )
    verified = XMLVerifier().verify(xml, x509_cert=made.signer().certificate, expect_config=wanted)
    assert len(verified) == 3


@pytest.mark.skipif(not SHARED.is_dir(), reason="the samples are not beside the project")
@pytest.mark.parametrize(
    "sample",
    ["factura_1.1.0", "notaCredito_1.1.0", "notaDebito_1.0.0", "comprobanteRetencion_1.0.0"],
)
def test_signatures_of_another_program_pass(sample):
    xml = (SHARED / "samples" / "synthetic" / f"{sample}.xml").read_bytes()
    assert verify(xml).hallazgos == ()


def test_every_changed_byte_is_noticed(signed, anchors):
    # Two tags carry an Id that no part of a XAdES signature covers; they mean nothing.
    free = [
        at
        for found in re.finditer(rb"<ds:(?:SignatureValue|Object) [^>]*>", signed)
        for at in range(*found.span())
    ]
    start = signed.index(b"<factura")
    end = signed.rindex(b">") + 1
    missed = []
    for at in range(start, end):
        changed = bytearray(signed)
        changed[at] ^= 1
        try:
            intact = verify(bytes(changed), authorities=anchors, now=AT).intact
        except XmlRefused:
            continue
        if intact and at not in free:
            missed.append((at, signed[max(at - 20, 0) : at + 20]))
    assert missed == []


@pytest.mark.parametrize("piece", [b"<x/>", b"x", b"<!-- c -->", b"<?p i?>"])
def test_nothing_can_be_slipped_in(signed, piece):
    places = [found.start() for found in re.finditer(rb"<", signed)][2:]
    for at in places:
        changed = signed[:at] + piece + signed[at:]
        with contextlib.suppress(XmlRefused):
            assert not verify(changed).intact, changed[max(at - 30, 0) : at + 30]


def test_no_element_can_be_removed(signed):
    for at, _element in enumerate(etree.fromstring(signed).iter()):
        root = etree.fromstring(signed)
        victim = list(root.iter())[at]
        if victim is root:
            continue
        victim.getparent().remove(victim)
        assert not verify(etree.tostring(root)).intact, victim.tag


def test_a_wrapped_document_is_refused(signed):
    original = etree.fromstring(signed)
    signature = original[-1]
    evil = etree.fromstring(BODY.replace(b"10.00", b"99.00"))
    inner = etree.fromstring(signed)
    inner.remove(inner[-1])
    # The signed original hidden inside the object, the evil root in its place, same ids.
    signature[-1].append(inner)
    evil.append(signature)
    assert not verify(etree.tostring(evil)).intact
    # The signed document below another root.
    outer = etree.Element("factura", id="otro")
    outer.append(etree.fromstring(signed))
    assert codes(etree.tostring(outer)) == {"signature_place"}
    # Original first and signature last, so that the ids collide.
    outer = etree.fromstring(BODY.replace(b"10.00", b"99.00"))
    whole = etree.fromstring(signed)
    last = whole[-1]
    outer.append(whole)
    outer.append(last)
    assert codes(etree.tostring(outer)) == {"duplicate_id"}


def test_a_second_signature_is_refused(signed):
    root = etree.fromstring(signed)
    root.append(etree.fromstring(etree.tostring(root[-1])))
    assert codes(etree.tostring(root)) == {"signature_place"}


@pytest.mark.parametrize(
    ("element", "extra", "code"),
    [
        ("infoA", b'<infoA id="comprobante"/>', "duplicate_id"),
        ("infoA", b'<infoA Id="Certificate"/>', "duplicate_id"),
        ("infoA", b'<infoA ID="Signature-SignedProperties"/>', "duplicate_id"),
        ("infoA", b'<infoA xml:id="Signature"/>', "duplicate_id"),
    ],
)
def test_duplicate_ids_are_refused(signed, element, extra, code):
    assert codes(signed.replace(b"<ds:Signature ", extra + b"<ds:Signature ", 1)) == {code}


def test_a_swapped_certificate_is_refused(signed):
    other = made.authority().issue(key=made.rsa_key("thief"), serial=99)
    mine = base64.b64encode(made.signer().der)
    swapped = signed.replace(mine, base64.b64encode(other.der))
    assert {"digest_key", "signature_value", "key_value", "certificate_digest"} <= codes(swapped)
    # Same key, another certificate: only the signed digest tells.
    twin = made.authority().issue(serial=99)
    assert {"digest_key", "certificate_digest"} <= codes(
        signed.replace(mine, base64.b64encode(twin.der))
    )


def test_a_wrong_key_value_is_refused():
    """Signed by somebody who holds the key but writes another RSAKeyValue: all digests are right."""
    key = key_of(made.signer())
    sign(BODY, key, signing_time=AT)
    other = made.rsa_key("other").public_key().public_numbers().n
    wrong = SigningKey(
        key.private,
        type(key.certificado)(
            **{
                name: getattr(key.certificado, name)
                for name in key.certificado.__dataclass_fields__
                if name != "modulus"
            },
            modulus=other,
        ),
    )
    assert codes(sign(BODY, wrong, signing_time=AT)) == {"key_value"}


def issue(**options) -> SigningKey:
    return key_of(made.authority().issue(**options))


@pytest.mark.parametrize(
    ("options", "found", "intact"),
    [
        ({"not_after": AT - timedelta(days=1)}, {"expired"}, False),
        ({"not_before": AT + timedelta(days=1)}, {"not_yet_valid"}, False),
        ({"key_usage": made.usage("key_encipherment")}, {"key_usage"}, True),
        ({}, set(), True),
    ],
)
def test_dates_and_usage(options, found, intact):
    xml = sign(BODY, issue(**options), signing_time=AT)
    assert codes(xml) == found
    assert verify(xml).intact is intact


def test_a_signing_time_in_the_future_is_refused(signed):
    assert codes(signed, now=AT - timedelta(hours=1)) == {"signed_in_future"}
    assert codes(signed, now=AT - timedelta(minutes=4)) == set()


def test_the_chain(signed, anchors):
    informe = verify(signed, authorities=read_authorities(made.authority("comma").pem))
    assert (informe.chain, informe.intact) == ("untrusted", False)
    assert verify(signed).chain == "not checked"
    assert verify(signed, authorities=[]).chain == "untrusted"
    middle = made.authority().issue(
        subject=made.subject_of("AC INTERMEDIA"),
        key=made.rsa_key("middle"),
        key_usage=made.usage("key_cert_sign"),
        is_ca=True,
        serial=7,
    )
    below = made.Authority(middle.key, middle.certificate).issue(serial=8)
    xml = sign(BODY, key_of(below), signing_time=AT)
    both = read_authorities(made.authority().pem + middle.pem)
    assert verify(xml, authorities=both).chain == "trusted"
    assert verify(xml, authorities=anchors).chain == "untrusted"  # the link is missing
    leaf = verify(xml).certificado
    assert is_trusted(leaf, anchors=anchors, others=both[1:], at=AT)
    assert not is_trusted(
        leaf, anchors=anchors, others=both[1:], at=datetime(2029, 1, 1, tzinfo=UTC)
    )


def test_a_signer_cannot_issue_certificates(anchors):
    below = made.Authority(made.signer().key, made.signer().certificate).issue(
        key=made.rsa_key("thief"), serial=5
    )
    others = read_authorities(made.signer().pem)
    leaf = read_authorities(below.pem)[0]
    assert not is_trusted(leaf, anchors=anchors, others=others, at=AT)


@pytest.mark.parametrize(
    ("xml", "found"),
    [
        (BODY, {"no_signature"}),
        (b"<a/>", {"no_signature"}),
        (b'<a xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Signature/></a>', {"signature_shape"}),
        (b'<a xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Signature/><b/></a>', {"signature_place"}),
        (b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>', {"signature_place"}),
    ],
)  # fmt: skip
def test_what_is_not_signed_is_told(xml, found):
    assert codes(xml) == found
    assert not verify(xml).intact


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"xmldsig#rsa-sha1", b"xmldsig#hmac-sha1", "method"),
        (b"xml-c14n-20010315", b"xml-c14n-20010315#WithComments", "method"),
        (b"#enveloped-signature", b"#base64", "reference"),
        (b'URI="#comprobante"', b'URI=""', "reference"),
        (b'URI="#comprobante"', b'URI="#nada"', "reference"),
        (b'URI="#Certificate"', b'URI="#comprobante"', "reference"),
        (b'URI="#comprobante"', b'URI="http://127.0.0.1/x"', "reference"),
        (b"xmldsig#sha1", b"xmldsig-more#md5", "method"),
        (b'Target="#Signature"', b'Target="#Other"', "signature_shape"),
    ],
)
def test_other_methods_and_references_are_refused(signed, old, new, code):
    assert old in signed
    assert code in codes(signed.replace(old, new))


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b"<a>" + b"<b>" * 100_000,
        b"<a>" + b"x" * 3_000_000 + b"</a>",
        b"",
    ],
)
def test_dangerous_files_are_refused_whole(xml):
    with pytest.raises(XmlRefused):
        verify(xml)


@pytest.mark.parametrize("ids", [SignatureIds(), SignatureIds.numbered(620397)])
def test_inside_the_envelope_of_sri(ids):
    xml = sign(BODY, key_of(made.signer()), signing_time=AT, ids=ids)
    text = xml.decode()
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    for inside in (f"<![CDATA[{text}]]>", escaped):
        sobre = open_envelope(
            f"<?xml version='1.0' encoding='UTF-8'?><autorizacion><estado>AUTORIZADO</estado>"
            f"<numeroAutorizacion>123</numeroAutorizacion><comprobante>{inside}</comprobante>"
            "</autorizacion>".encode()
        )
        assert (sobre.estado, sobre.numero_autorizacion) == ("AUTORIZADO", "123")
        assert verify(sobre.comprobante).spotless
    assert open_envelope(xml).comprobante == xml


def test_the_authorised_one_of_several_envelopes():
    one = "<autorizacion><estado>NO AUTORIZADO</estado><comprobante>&lt;a/></comprobante></autorizacion>"
    two = (
        "<autorizacion><estado>AUTORIZADO</estado><comprobante>&lt;b/></comprobante></autorizacion>"
    )
    assert open_envelope(f"<r>{two}{one}</r>".encode()).comprobante == b"<b/>"
    assert open_envelope(f"<r>{one}</r>".encode()).comprobante == b"<a/>"
    with pytest.raises(XmlRefused):
        open_envelope(b"<autorizacion><estado>AUTORIZADO</estado></autorizacion>")
