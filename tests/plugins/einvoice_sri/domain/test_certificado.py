"""Whose certificate it is, by the fields of each Ecuadorian authority."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from plugins.einvoice_sri.domain.certificado import (
    CertificadoIlegible,
    read_certificado,
    read_titular,
)
from tests.factories import certificates as made

SHARED = Path(__file__).resolve().parents[5] / "shared" / "sri"
OID = x509.ObjectIdentifier


def printable(text: str) -> bytes:
    """PrintableString, DER."""
    return bytes((0x13, len(text))) + text.encode()


def field(number: str, text: str, *, wrapped: bool = True) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(
        OID(f"1.3.6.1.4.1.{number}"), printable(text) if wrapped else text.encode()
    )


def other_name(number: str, text: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [x509.OtherName(OID(f"1.3.6.1.4.1.{number}"), printable(text))]
    )


def directory(number: str, text: str) -> x509.SubjectAlternativeName:
    named = made.name(x509.NameAttribute(OID(f"1.3.6.1.4.1.{number}"), text))
    return x509.SubjectAlternativeName([x509.DirectoryName(named)])


NOBODY = made.name(x509.NameAttribute(NameOID.COMMON_NAME, "ANA PRUEBA"))


@pytest.mark.parametrize(
    ("extensions", "ruc", "cedula", "ca"),
    [
        ([field("37947.3.11", "1790012345001")], "1790012345001", "", "Banco Central del Ecuador"),
        ([field("37746.3.1", "1710034065")], "", "1710034065", "Security Data"),
        ([field("37746.3.11", "1710034065001")], "1710034065001", "1710034065", "Security Data"),
        ([field("18332.3.11", "1790012345001", wrapped=False)], "1790012345001", "", "ANF AC"),
        ([other_name("43745.1.3.11", "1790012345001")], "1790012345001", "", "Consejo de la Judicatura"),
        ([directory("43745.1.3.1", "1710034065")], "", "1710034065", "Consejo de la Judicatura"),
        ([other_name("47286.102.3.11", "1790012345001")], "1790012345001", "", "Uanataca"),
        ([field("59198.3.11", "RUC 1790012345001")], "1790012345001", "", "ArgosData"),
        ([field("57153.102.3.1", "1710034065")], "", "1710034065", "Eclipsoft"),
        ([field("55519.1.1.1.5.2.4", "1710034065")], "", "1710034065", "Registro Civil"),
        ([], "", "", "PRUEBAS S.A."),
    ],
)  # fmt: skip
def test_each_authority_has_its_fields(extensions, ruc, cedula, ca):
    one = made.authority().issue(subject=NOBODY, extensions=extensions)
    titular = read_titular(read_certificado(one.der))
    assert (titular.ruc, titular.cedula, titular.authority) == (ruc, cedula, ca)
    assert titular.name == "ANA PRUEBA"


@pytest.mark.parametrize(
    ("serial", "organization", "ruc", "cedula"),
    [
        ("IDCEC-1710034065", "", "", "1710034065"),
        ("IDCEC-1710034065", "VATEC-1790012345001", "1790012345001", "1710034065"),
        ("", "TINEC-1710034065001", "1710034065001", "1710034065"),
        ("1710034065", "", "", "1710034065"),
        ("1710034065001", "", "1710034065001", "1710034065"),
        ("0000621443", "", "", ""),
        ("PASEC-A123", "", "", ""),
    ],
)
def test_newer_authorities_write_it_in_the_subject(serial, organization, ruc, cedula):
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, "ANA")]
    if serial:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial))
    if organization:
        parts.append(x509.NameAttribute(made.ORGANIZATION_IDENTIFIER, organization))
    titular = read_titular(read_certificado(made.authority().issue(subject=made.name(*parts)).der))
    assert (titular.ruc, titular.cedula) == (ruc, cedula)


@pytest.mark.parametrize(
    ("ruc", "cedula", "asked", "own"),
    [
        ("1790012345001", "", "1790012345001", True),
        ("", "1710034065", "1710034065001", True),
        ("", "1710034065", "1790012345001", False),
        ("", "", "1790012345001", False),
    ],
)
def test_a_cedula_stands_for_its_ruc(ruc, cedula, asked, own):
    extensions = [field("37746.3.11", ruc)] if ruc else []
    extensions += [field("37746.3.1", cedula)] if cedula else []
    one = made.authority().issue(subject=NOBODY, extensions=extensions)
    assert read_titular(read_certificado(one.der)).matches(asked) is own


def test_usage_dates_and_kind():
    one = read_certificado(made.signer().der)
    assert one.key_usage == {"digitalSignature", "nonRepudiation"}
    assert one.signs
    assert not one.is_ca
    assert (one.not_before, one.not_after) == (made.BEGIN, made.END)
    assert one.is_valid_at(made.BEGIN)
    assert one.is_valid_at(made.END)
    ca = read_certificado(made.authority().der)
    assert ca.is_ca
    assert not ca.signs
    assert (
        read_certificado(made.signer().der).modulus
        == made.rsa_key().public_key().public_numbers().n
    )


@pytest.mark.parametrize("data", [b"", b"0", b"\x30\x03\x02\x01\x01", b"\x30\x00", b"\xff" * 50])
def test_what_is_no_certificate_is_refused(data):
    with pytest.raises(CertificadoIlegible):
        read_certificado(data)


def test_a_key_with_a_negative_number_is_refused():
    """Found by the fuzz: the arithmetic of RSA answers an OverflowError to such a key."""
    der = bytearray(made.signer().der)
    number = made.rsa_key().public_key().public_numbers().n.to_bytes(256, "big")
    der[der.index(b"\x00" + number)] = 0xFF
    with pytest.raises(CertificadoIlegible, match="below one"):
        read_certificado(bytes(der))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the certificates are not beside the project")
def test_all_known_ecuadorian_authorities_can_be_read():
    import base64
    import re

    pem = (SHARED / "ca-certs" / "ecuador-ca-certificates.pem").read_text()
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----(.+?)-----END", pem, re.DOTALL)
    read = [read_certificado(base64.b64decode(block)) for block in blocks]
    assert len(read) == 60
    assert all(one.subject_name and one.modulus for one in read)
