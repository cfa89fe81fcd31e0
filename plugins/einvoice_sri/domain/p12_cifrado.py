"""The old and new ciphers of P12 files, with every cost bounded before it is spent.

RFC 7292 appendix B (its key derivation), RFC 8018 (PBES2), RFC 9579 (PBMAC1), RFC 2268 (RC2, which
libraries no longer offer and Ecuadorian CAs still write). A file tells how many iterations to run:
``Cost`` refuses before the first one.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from core.i18n import _
from plugins.einvoice_sri.domain.certificado_der import NULL, OCTET_STRING, SEQUENCE, DerError, Tlv
from plugins.einvoice_sri.domain.p12_errores import (
    ClaveIncorrecta,
    P12Costoso,
    P12Danado,
    P12NoSoportado,
)
from plugins.einvoice_sri.domain.p12_rc2 import rc2_cbc_decrypt

MAX_COST = 1_200_000  # of all derivations of one file together: under half a second
_OLD_ITERATION = 6  # RFC 7292's derivation runs in Python, PBKDF2 in OpenSSL
_MAX_SALT = 1024
DIGESTS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_PRFS = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}
# Appendix C of RFC 7292: (cipher, bytes of key)
_PBE = {
    "1.2.840.113549.1.12.1.3": ("3des", 24),
    "1.2.840.113549.1.12.1.4": ("3des", 16),
    "1.2.840.113549.1.12.1.5": ("rc2", 16),
    "1.2.840.113549.1.12.1.6": ("rc2", 5),
}
_PBES2 = "1.2.840.113549.1.5.13"
PBMAC1 = "1.2.840.113549.1.5.14"
_PBKDF2 = "1.2.840.113549.1.5.12"
_SCHEMES = {
    "2.16.840.1.101.3.4.1.2": ("aes", 16),
    "2.16.840.1.101.3.4.1.22": ("aes", 24),
    "2.16.840.1.101.3.4.1.42": ("aes", 32),
    "1.2.840.113549.3.7": ("3des", 24),
}
KEY, IV, MAC = 1, 2, 3


class Cost:
    """How much computation a file may still ask for, in iterations of PBKDF2."""

    def __init__(self, left: int = MAX_COST) -> None:
        self.left = left

    def spend(self, iterations: int) -> None:
        """Take them, or raise ``P12Costoso`` before any is run."""
        if iterations < 1:
            raise P12Danado.of("iterations")
        if iterations > self.left:
            raise P12Costoso(
                _(
                    "The P12 file asks for an abnormal amount of computation to be opened."
                    " Ask your certification authority for the file again."
                ),
                code="sri_p12_too_costly",
                field="p12",
            )
        self.left -= iterations


@dataclass(frozen=True, slots=True)
class Clave:
    """One way of turning a password into bytes: for RFC 7292 and for PBES2."""

    wide: bytes
    narrow: bytes


def ways_to_write(password: str) -> list[Clave]:
    """The encodings found in the wild, the standard's first: UTF-16 with its end; UTF-8 or Latin-1
    widened byte by byte (old OpenSSL); and for an empty password also no bytes at all.
    """
    narrow = password.encode("utf-8", "replace")
    ways = [Clave(password.encode("utf-16-be", "replace") + b"\0\0", narrow)]
    if not password:
        ways.append(Clave(b"", b""))
    elif not password.isascii():
        ways.append(Clave(_widened(narrow), narrow))
        latin = password.encode("cp1252", "replace")
        ways.append(Clave(_widened(latin), latin))
    return ways


def _widened(narrow: bytes) -> bytes:
    return b"".join(bytes((0, byte)) for byte in narrow) + b"\0\0"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What RFC 7292's derivation starts from."""

    digest: str
    wide: bytes
    salt: bytes
    iterations: int


def derive(recipe: Recipe, purpose: int, length: int, cost: Cost) -> bytes:
    """Key, IV or MAC key of RFC 7292 appendix B.2."""
    salt = recipe.salt
    if not 0 < len(salt) <= _MAX_SALT:
        raise P12Danado.of("salt")
    make = getattr(hashlib, recipe.digest)
    size = make().digest_size
    block = 128 if size > 32 else 64
    rounds = -(-length // size)
    cost.spend(recipe.iterations * rounds * _OLD_ITERATION)
    text = _repeated(salt, block) + _repeated(recipe.wide, block)
    out = b""
    for _round in range(rounds):
        value = make(bytes((purpose,)) * block + text).digest()
        for _again in range(recipe.iterations - 1):
            value = make(value).digest()
        out += value
        addend = int.from_bytes(_repeated(value, block)[:block], "big") + 1
        text = b"".join(
            ((int.from_bytes(text[at : at + block], "big") + addend) % (1 << 8 * block)).to_bytes(
                block, "big"
            )
            for at in range(0, len(text), block)
        )
    return out[:length]


def _repeated(data: bytes, block: int) -> bytes:
    if not data:
        return b""
    length = block * -(-len(data) // block)
    return (data * -(-length // len(data)))[:length]


def pbkdf2(parameters: Tlv, narrow: bytes, default_length: int, cost: Cost) -> bytes:
    """The key of a PBKDF2-params element."""
    items = parameters.expect(SEQUENCE).children()
    salt, iterations, length, digest = items[0].expect(OCTET_STRING).content, 0, 0, "sha1"
    iterations = items[1].integer()
    for item in items[2:]:
        if item.tag == SEQUENCE:
            digest = _known(_PRFS, item.children()[0].oid())
        else:
            length = item.integer()
    length = length or default_length
    if not 0 < len(salt) <= _MAX_SALT or not 0 < length <= 64:
        raise P12Danado.of("kdf")
    cost.spend(iterations * -(-length // hashlib.new(digest).digest_size))
    return hashlib.pbkdf2_hmac(digest, narrow, salt, iterations, length)


def decrypt(algorithm: Tlv, data: bytes, clave: Clave, cost: Cost) -> bytes:
    """Decrypt with an AlgorithmIdentifier. Raises ``ClaveIncorrecta`` when the padding is wrong."""
    oid, parameters = oid_and_parameters(algorithm)
    if oid == _PBES2:
        function, scheme = parameters.expect(SEQUENCE).children()[:2]
        function_oid, function_parameters = oid_and_parameters(function)
        if function_oid != _PBKDF2:
            raise _unsupported(function_oid)
        scheme_oid, iv = oid_and_parameters(scheme)
        cipher, size = _known(_SCHEMES, scheme_oid)
        key = pbkdf2(function_parameters, clave.narrow, size, cost)
        return _unpad(_cbc(cipher, key[:size], iv.expect(OCTET_STRING).content, data))
    cipher, size = _known(_PBE, oid)
    salt, iterations = parameters.expect(SEQUENCE).children()[:2]
    recipe = Recipe("sha1", clave.wide, salt.octets(), iterations.integer())
    key = derive(recipe, KEY, size, cost)
    return _unpad(_cbc(cipher, key, derive(recipe, IV, 8, cost), data))


def _cbc(cipher: str, key: bytes, iv: bytes, data: bytes) -> bytes:
    block = 16 if cipher == "aes" else 8
    if len(iv) != block or not data or len(data) % block:
        raise P12Danado.of("cipher")
    if cipher == "rc2":
        return rc2_cbc_decrypt(key, iv, data)
    algorithm = algorithms.AES(key) if cipher == "aes" else TripleDES(key + key[: 24 - len(key)])
    decryptor = Cipher(algorithm, modes.CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def _unpad(data: bytes) -> bytes:
    count = data[-1]
    if not 1 <= count <= 16 or data[-count:] != bytes((count,)) * count:
        raise ClaveIncorrecta.now()
    return data[:-count]


def mac_matches(mac_data: Tlv, content: bytes, clave: Clave, cost: Cost) -> bool:
    """True when the file's MAC (RFC 7292 or PBMAC1) is that of ``content`` under the password."""
    items = mac_data.expect(SEQUENCE).children()
    algorithm, expected = items[0].expect(SEQUENCE).children()[:2]
    oid, parameters = oid_and_parameters(algorithm)
    if oid == PBMAC1:
        function, message = parameters.expect(SEQUENCE).children()[:2]
        function_oid, function_parameters = oid_and_parameters(function)
        if function_oid != _PBKDF2:
            raise _unsupported(function_oid)
        digest = _known(_PRFS, oid_and_parameters(message)[0])
        key = pbkdf2(function_parameters, clave.narrow, hashlib.new(digest).digest_size, cost)
    else:
        digest = _known(DIGESTS, oid)
        iterations = items[2].integer() if len(items) > 2 else 1
        recipe = Recipe(digest, clave.wide, items[1].octets(), iterations)
        key = derive(recipe, MAC, hashlib.new(digest).digest_size, cost)
    return hmac.compare_digest(hmac.digest(key, content, digest), expected.octets())


def oid_and_parameters(algorithm: Tlv) -> tuple[str, Tlv]:
    """The parts of an AlgorithmIdentifier; absent parameters are NULL."""
    items = algorithm.expect(SEQUENCE).children()
    if not items:
        raise DerError("empty algorithm")
    return items[0].oid(), items[1] if len(items) > 1 else Tlv(NULL, b"", b"")


def _known(table: dict[str, Any], oid: str) -> Any:
    try:
        return table[oid]
    except KeyError:
        raise _unsupported(oid) from None


def _unsupported(oid: str) -> P12NoSoportado:
    return P12NoSoportado(
        _(
            "The P12 file is protected with a method that is not supported (%(oid)s)."
            " Export it again with AES-256 or ask your certification authority.",
            oid=oid,
        ),
        code="sri_p12_unsupported",
        field="p12",
    )
