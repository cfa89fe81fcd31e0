"""Opening a P12 file of any Ecuadorian authority and choosing the key that signs.

All key bags are read (the Central Bank's files hold two), each key is paired with its certificate by
the public key, and nothing is computed because a file says so: sizes, depth and iteration counts
are bounded first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from core.i18n import _
from plugins.einvoice_sri.domain.certificado import (
    Certificado,
    CertificadoIlegible,
    read_certificado,
)
from plugins.einvoice_sri.domain.certificado_der import OCTET_STRING, SEQUENCE, DerError, Tlv, parse
from plugins.einvoice_sri.domain.p12_cifrado import (
    MAX_COST,
    Clave,
    Cost,
    decrypt,
    mac_matches,
    oid_and_parameters,
    ways_to_write,
)
from plugins.einvoice_sri.domain.p12_errores import (
    ClaveIncorrecta,
    P12Danado,
    P12NoSoportado,
    P12SinClave,
)
from plugins.einvoice_sri.domain.xades import GUAYAQUIL

MAX_P12_BYTES = 500_000
MAX_PASSWORD = 256
_MAX_NESTING = 4
_DATA = "1.2.840.113549.1.7.1"
_ENCRYPTED = "1.2.840.113549.1.7.6"
_BAG = "1.2.840.113549.1.12.10.1."
_KEY_BAG, _SHROUDED_BAG, _CERT_BAG, _SAFE_BAG = (f"{_BAG}{number}" for number in (1, 2, 3, 6))
_X509 = "1.2.840.113549.1.9.22.1"
_FRIENDLY_NAME = "1.2.840.113549.1.9.20"
_RSA = "1.2.840.113549.1.1.1"


@dataclass(frozen=True, slots=True)
class ParFirma:
    """A private key (PKCS#8, DER) with its certificate."""

    key_der: bytes = field(repr=False)
    certificado: Certificado
    friendly_name: str = ""


@dataclass(frozen=True, slots=True)
class ContenidoP12:
    """What a P12 file holds."""

    pares: tuple[ParFirma, ...]
    others: tuple[Certificado, ...]  # certificates without a key: the chain
    lonely_keys: int  # keys without a certificate, or not RSA


@dataclass(frozen=True, slots=True)
class _Bags:
    keys: list[tuple[bytes, str]]
    certificates: list[bytes]


def open_p12(data: bytes, password: str) -> ContenidoP12:
    """Read every key and certificate of a P12 file.

    Raises ``ClaveIncorrecta``, ``P12Danado``, ``P12Costoso``, ``P12NoSoportado`` or ``P12SinClave``.
    """
    _refuse_other_files(data)
    if len(password) > MAX_PASSWORD:
        raise ClaveIncorrecta.now()
    ways = ways_to_write(password)
    for at, clave in enumerate(ways):
        try:
            return _paired(_open(data, clave, Cost(MAX_COST // len(ways))))
        except ClaveIncorrecta:
            if at == len(ways) - 1:
                raise
        except (DerError, IndexError, ValueError, OverflowError) as error:
            raise P12Danado.of(str(error)[:80]) from error
    raise ClaveIncorrecta.now()


def _refuse_other_files(data: bytes) -> None:
    start = data[:4096].lstrip()
    if start.startswith(b"pkcs11:") or start[:4] == b"\x7fELF" or start[:2] == b"MZ":
        raise P12SinClave(
            _(
                "A token or smart card (PKCS#11) cannot be used here, because its key cannot leave it."
                " Ask your certification authority for the signature as a P12 file."
            ),
            code="sri_p12_token",
            field="p12",
        )
    if start.startswith(b"-----BEGIN"):
        raise P12NoSoportado(
            _("This is a PEM file. Upload the signature as one P12 file (.p12 or .pfx)."),
            code="sri_p12_pem",
            field="p12",
        )
    if start[:4] in {b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"}:
        raise P12NoSoportado(
            _("This is a Java key store. Upload the signature as one P12 file (.p12 or .pfx)."),
            code="sri_p12_jks",
            field="p12",
        )
    if len(data) > MAX_P12_BYTES:
        raise P12Danado.of(f"{len(data)} bytes")


def _open(data: bytes, clave: Clave, cost: Cost) -> _Bags:
    items = parse(data).expect(SEQUENCE).children()
    if len(items) < 2 or items[0].tag != 0x02:
        _refuse_lone_certificate(data)
        raise P12Danado.of("PFX")
    content = _content(items[1])
    if len(items) > 2 and not mac_matches(items[2], content, clave, cost):
        raise ClaveIncorrecta.now()
    bags = _Bags([], [])
    for safe in parse(content).expect(SEQUENCE).children():
        _read_safe(safe, bags, clave, cost)
    return bags


def _refuse_lone_certificate(data: bytes) -> None:
    try:
        read_certificado(data)
    except CertificadoIlegible:
        return
    raise _without_key()


def _content(info: Tlv) -> bytes:
    oid, wrapped = oid_and_parameters(info)
    if oid != _DATA:
        raise P12Danado.of("authSafe")
    return wrapped.children()[0].octets()


def _read_safe(safe: Tlv, bags: _Bags, clave: Clave, cost: Cost) -> None:
    oid, wrapped = oid_and_parameters(safe)
    if oid == _DATA:
        content = wrapped.children()[0].octets()
    elif oid == _ENCRYPTED:
        encrypted = wrapped.children()[0].expect(SEQUENCE).children()[1]
        parts = encrypted.expect(SEQUENCE).children()
        content = decrypt(parts[1], parts[2].octets(), clave, cost)
    else:
        raise P12NoSoportado(
            _("The P12 file is protected with a certificate instead of a password."),
            code="sri_p12_enveloped",
            field="p12",
        )
    _read_bags(_decrypted(content), bags, clave, cost, 0)


def _decrypted(content: bytes) -> Tlv:
    """What decryption gave; rubbish means a wrong password that happened to end in valid padding."""
    try:
        return parse(content).expect(SEQUENCE)
    except DerError:
        raise ClaveIncorrecta.now() from None


def _read_bags(sequence: Tlv, bags: _Bags, clave: Clave, cost: Cost, depth: int) -> None:
    if depth > _MAX_NESTING:
        raise P12Danado.of("nesting")
    for bag in sequence.children():
        items = bag.expect(SEQUENCE).children()
        oid, value = items[0].oid(), items[1].children()[0]
        name = _friendly_name(items[2]) if len(items) > 2 else ""
        if oid == _KEY_BAG:
            bags.keys.append((value.expect(SEQUENCE).raw, name))
        elif oid == _SHROUDED_BAG:
            algorithm, data = value.expect(SEQUENCE).children()[:2]
            bags.keys.append((_decrypted(decrypt(algorithm, data.octets(), clave, cost)).raw, name))
        elif oid == _CERT_BAG:
            kind, wrapped = value.expect(SEQUENCE).children()[:2]
            if kind.oid() == _X509:
                bags.certificates.append(wrapped.children()[0].octets())
        elif oid == _SAFE_BAG:
            _read_bags(value.expect(SEQUENCE), bags, clave, cost, depth + 1)


def _friendly_name(attributes: Tlv) -> str:
    for attribute in attributes.children():
        items = attribute.children()
        if items[0].oid() == _FRIENDLY_NAME:
            return items[1].children()[0].text()[:200]
    return ""


def _paired(bags: _Bags) -> ContenidoP12:
    certificates: dict[str, Certificado] = {}
    for der in bags.certificates:
        one = read_certificado(der)
        certificates.setdefault(one.fingerprint, one)
    pares: list[ParFirma] = []
    used: set[str] = set()
    lonely = 0
    for key, name in bags.keys:
        numbers = _rsa_numbers(key)
        mine = [
            one for one in certificates.values() if numbers == (one.modulus, one.exponent)
        ]  # an EC key has no numbers and matches none
        lonely += not mine
        for one in mine:
            used.add(one.fingerprint)
            pares.append(ParFirma(key, one, name))
    if not pares:
        raise _without_key()
    others = tuple(one for one in certificates.values() if one.fingerprint not in used)
    return ContenidoP12(tuple(pares), others, lonely)


def _rsa_numbers(key_der: bytes) -> tuple[int, int] | None:
    """Modulus and exponent of a PKCS#8 key, read without touching its arithmetic."""
    items = parse(key_der).expect(SEQUENCE).children()
    if len(items) < 3 or oid_and_parameters(items[1])[0] != _RSA:
        return None
    numbers = parse(items[2].expect(OCTET_STRING).content).expect(SEQUENCE).children()
    if len(numbers) < 3:
        raise DerError("RSA key without its numbers")
    return numbers[1].integer(), numbers[2].integer()


def _without_key() -> P12SinClave:
    return P12SinClave(
        _(
            "The file has no private key with its certificate. If your signature is in a token, it"
            " cannot be used here: ask your certification authority for a P12 file."
        ),
        code="sri_p12_no_key",
        field="p12",
    )


@dataclass(frozen=True, slots=True)
class Aviso:
    """Something about the chosen certificate that a person should know."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Eleccion:
    """The chosen pair, why it was chosen (a sentence), and what to know about it."""

    par: ParFirma
    reason: str
    sentence: str
    avisos: tuple[Aviso, ...]


def choose_par(contenido: ContenidoP12, now: datetime) -> Eleccion:
    """The pair that signs: valid now first, then digitalSignature, then the one that ends last."""

    def rank(par: ParFirma) -> tuple[bool, bool, datetime]:
        one = par.certificado
        return one.is_valid_at(now), one.signs, one.not_after

    ranked = sorted(contenido.pares, key=rank, reverse=True)
    chosen = ranked[0]
    if len(ranked) == 1:
        reason, sentence = "only", _("It is the only key with a certificate in the file.")
    else:
        best, second = rank(chosen), rank(ranked[1])
        if best[0] != second[0]:
            reason, sentence = "valid", _("It is the one that is valid today.")
        elif best[1] != second[1]:
            reason, sentence = (
                "signature",
                _("It is the one made for signing; the other one is for encryption."),
            )
        else:
            reason, sentence = "latest", _("Of those that sign, it is valid the longest.")
    return Eleccion(chosen, reason, sentence, tuple(avisos_of(chosen.certificado, now)))


def avisos_of(certificado: Certificado, now: datetime) -> list[Aviso]:
    """What a person should know before signing with this certificate at ``now``; days in Guayaquil."""
    found: list[Aviso] = []
    if now > certificado.not_after:
        found.append(
            Aviso(
                "expired",
                _(
                    "The certificate expired on %(day)s. Renew it with your authority.",
                    day=f"{certificado.not_after.astimezone(GUAYAQUIL):%d/%m/%Y}",
                ),
            )
        )
    if now < certificado.not_before:
        found.append(
            Aviso(
                "not_yet_valid",
                _(
                    "The certificate is not valid until %(day)s: sign from that day on, or with another one.",
                    day=f"{certificado.not_before.astimezone(GUAYAQUIL):%d/%m/%Y}",
                ),
            )
        )
    if not certificado.signs:
        found.append(
            Aviso(
                "encryption_only",
                _(
                    "The certificate is for encryption, not for signatures: SRI may refuse it"
                    " (error 39). Ask your authority for a signing certificate."
                ),
            )
        )
    if certificado.modulus.bit_length() < 2048:
        found.append(
            Aviso("short_key", _("The key is shorter than the 2048 bits that SRI asks for."))
        )
    return found
