"""What a certificate says: whose it is, who issued it, what it is for and when it is valid.

Read with our own tolerant reader, because some Ecuadorian certificates break the standard in fields
that do not matter here (UTF-8 inside a VisibleString) and strict parsers refuse them whole.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime

from plugins.einvoice_sri.domain.certificado_der import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    DerError,
    Tlv,
    parse,
)
from plugins.einvoice_sri.domain.certificado_nombre import attributes, java_name

_RSA = "1.2.840.113549.1.1.1"
_KEY_USAGE = "2.5.29.15"
_BASIC_CONSTRAINTS = "2.5.29.19"
_ALT_NAMES = "2.5.29.17"
_USAGES = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
# Private enterprise numbers of Ecuadorian CAs; the field's OID ends in .3.1 (cédula) or .3.11 (RUC).
_AUTHORITIES = {
    "37947": "Banco Central del Ecuador",
    "37746": "Security Data",
    "18332": "ANF AC",
    "37442": "ANF AC",
    "43745": "Consejo de la Judicatura",
    "47286": "Uanataca",
    "52643": "Datil",
    "59198": "ArgosData",
    "59382": "Lazzate",
    "57153": "Eclipsoft",
    "56105": "Alpha Technologies",
    "34380": "CorpNewBest",
    "61305": "Firma Segura",
    "55519": "Registro Civil",
}
_PRIVATE = "1.3.6.1.4.1."
_REGISTRO_CIVIL_CEDULA = "1.3.6.1.4.1.55519.1.1.1.5.2.4"
_ETSI_NUMBER = re.compile(r"^(?:IDC|VAT|TIN)EC-(\d{10}(?:\d{3})?)$")
# A bare serialNumber counts only where it can be a cédula; the Central Bank puts its own number there.
_BARE_NUMBER = re.compile(r"^((?:0[1-9]|1\d|2[0-4]|30)[0-6]\d{7}(?:001)?)(?:-.*)?$")


class CertificadoIlegible(ValueError):
    """The bytes are not an X.509 certificate that can be read."""


@dataclass(frozen=True, slots=True)
class Certificado:
    """An X.509 certificate, read once. Names are in Java's RFC 2253 form."""

    der: bytes = field(repr=False)
    serial: int
    issuer_der: bytes = field(repr=False)
    subject_der: bytes = field(repr=False)
    issuer_name: str
    subject_name: str
    not_before: datetime
    not_after: datetime
    modulus: int = field(repr=False)  # 0 when the key is not RSA
    exponent: int = field(repr=False)
    extensions: dict[str, bytes] = field(repr=False)

    @property
    def key_usage(self) -> frozenset[str] | None:
        """Names of the usages (RFC 5280), or None when the certificate does not say."""
        value = self.extensions.get(_KEY_USAGE)
        if value is None:
            return None
        try:
            bits = parse(value).expect(BIT_STRING).content[1:]
        except DerError:
            return frozenset()
        return frozenset(
            name
            for at, name in enumerate(_USAGES)
            if at // 8 < len(bits) and bits[at // 8] & (0x80 >> at % 8)
        )

    @property
    def signs(self) -> bool:
        """True when digitalSignature is allowed or the certificate does not restrict its use."""
        usage = self.key_usage
        return usage is None or "digitalSignature" in usage

    @property
    def is_ca(self) -> bool:
        """True when basicConstraints says that this is a certification authority."""
        value = self.extensions.get(_BASIC_CONSTRAINTS)
        if value is None:
            return False
        try:
            items = parse(value).expect(SEQUENCE).children()
        except DerError:
            return False
        return bool(items) and items[0].tag == BOOLEAN and items[0].content != b"\x00"

    @property
    def path_length(self) -> int | None:
        """How many authorities may stand below this one; None: no limit."""
        try:
            items = parse(self.extensions[_BASIC_CONSTRAINTS]).expect(SEQUENCE).children()
            return items[1].integer() if len(items) > 1 else None
        except (KeyError, DerError):
            return None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, hex."""
        return hashlib.sha256(self.der).hexdigest()

    def is_valid_at(self, instant: datetime) -> bool:
        """True between both dates, ends included."""
        return self.not_before <= instant <= self.not_after


@dataclass(frozen=True, slots=True)
class Titular:
    """Whose certificate it is. Empty strings where the certificate does not say."""

    name: str
    organization: str
    ruc: str
    cedula: str
    authority: str

    def matches(self, ruc: str) -> bool:
        """True when the certificate is the taxpayer's own: its RUC, or the cédula + 001."""
        return ruc in (self.ruc, self.cedula + "001")


def read_certificado(der: bytes) -> Certificado:
    """Read a DER certificate. Raises ``CertificadoIlegible``."""
    try:
        return _read(der)
    except (DerError, IndexError, OverflowError) as error:
        raise CertificadoIlegible(str(error)) from error


def _read(der: bytes) -> Certificado:
    whole = parse(der).expect(SEQUENCE)
    items = whole.children()[0].expect(SEQUENCE).children()
    if items[0].tag == 0xA0:
        items = items[1:]
    serial, _, issuer, validity, subject, spki = items[:6]
    begin, end = validity.expect(SEQUENCE).children()[:2]
    modulus, exponent = _rsa_numbers(spki)
    return Certificado(
        der=whole.raw,
        serial=serial.expect(INTEGER).integer(),
        issuer_der=issuer.raw,
        subject_der=subject.raw,
        issuer_name=java_name(issuer.raw),
        subject_name=java_name(subject.raw),
        not_before=begin.instant(),
        not_after=end.instant(),
        modulus=modulus,
        exponent=exponent,
        extensions=_extensions(items[6:]),
    )


def _rsa_numbers(spki: Tlv) -> tuple[int, int]:
    algorithm, bits = spki.expect(SEQUENCE).children()[:2]
    if algorithm.expect(SEQUENCE).children()[0].oid() != _RSA:
        return 0, 0
    modulus, exponent = parse(bits.expect(BIT_STRING).content[1:]).expect(SEQUENCE).children()[:2]
    numbers = modulus.integer(), exponent.integer()
    if min(numbers) < 1:
        raise DerError("an RSA key with a number below one")
    return numbers


def _extensions(rest: list[Tlv]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for item in rest:
        if item.tag != 0xA3:
            continue
        for extension in item.children()[0].expect(SEQUENCE).children():
            parts = extension.expect(SEQUENCE).children()
            found[parts[0].oid()] = parts[-1].expect(OCTET_STRING).content
    return found


def read_titular(certificado: Certificado) -> Titular:
    """Whose certificate it is, by the fields each Ecuadorian CA uses (docs: sri README section 6)."""
    subject = _flat(certificado.subject_der)
    issuer = _flat(certificado.issuer_der)
    fields = _private_fields(certificado)
    numbers = [number for number in map(_etsi_number, subject.values()) if number]
    numbers += [number for number in map(_etsi_number, fields.values()) if number]
    ruc, cedula = "", ""
    for oid, value in fields.items():
        if oid.endswith(".3.11"):
            ruc = ruc or _digits(value, 13)
        elif oid.endswith(".3.1") or oid == _REGISTRO_CIVIL_CEDULA:
            cedula = cedula or _digits(value, 10)
    bare = _BARE_NUMBER.match(subject.get("2.5.4.5", ""))
    if bare:
        numbers.append(bare.group(1))
    ruc = ruc or next((one for one in numbers if len(one) == 13), "")
    cedula = cedula or next((one for one in numbers if len(one) == 10), "")
    if not cedula and ruc.endswith("001") and ruc[2:3] in "012345":
        cedula = ruc[:10]
    return Titular(
        name=subject.get("2.5.4.3", "") or certificado.subject_name,
        organization=subject.get("2.5.4.10", ""),
        ruc=ruc,
        cedula=cedula,
        authority=_authority(fields) or issuer.get("2.5.4.10", "") or issuer.get("2.5.4.3", ""),
    )


def _authority(fields: dict[str, str]) -> str:
    for oid in fields:
        known = _AUTHORITIES.get(oid[len(_PRIVATE) :].split(".")[0])
        if known:
            return known
    return ""


def _flat(name_der: bytes) -> dict[str, str]:
    """OID -> text of a name's attributes; the first of equals, unreadable ones left out."""
    found: dict[str, str] = {}
    for part in attributes(name_der):
        for oid, value in part:
            try:
                found.setdefault(oid, value.text())
            except DerError:
                continue
    return found


def _private_fields(certificado: Certificado) -> dict[str, str]:
    """OID -> text of the private fields, in extensions and in the alternative names."""
    found: dict[str, str] = {}
    for oid, value in certificado.extensions.items():
        if oid.startswith(_PRIVATE):
            found[oid] = _loose_text(value)
    try:
        names = parse(certificado.extensions[_ALT_NAMES]).expect(SEQUENCE).children()
    except (KeyError, DerError):
        return found
    for name in names:
        try:
            if name.tag == 0xA0:  # otherName
                oid_item, wrapped = name.children()[:2]
                found.setdefault(oid_item.oid(), _loose_text(wrapped.content))
            elif name.tag == 0xA4:  # directoryName
                for oid, text in _flat(name.content).items():
                    found.setdefault(oid, text)
        except (DerError, ValueError):
            continue
    return {
        oid: text for oid, text in found.items() if oid.startswith(_PRIVATE) or oid == "2.5.4.97"
    }


def _loose_text(value: bytes) -> str:
    """The text of a field that may or may not be wrapped in a string type."""
    try:
        return parse(value).text()
    except DerError:
        return value.decode("utf-8", "replace")


def _digits(text: str, length: int) -> str:
    cleaned = text.strip()
    match = re.search(rf"(?<!\d)\d{{{length}}}(?!\d)", cleaned)
    return match.group(0) if match else ""


def _etsi_number(text: str) -> str:
    match = _ETSI_NUMBER.match(text.strip())
    return match.group(1) if match else ""
