"""A writer of PKCS#12 that can write what no library writes: two keys, RC2-40, absurd counts.

Independent of the reader under test: asn1crypto for the structure, its own key derivation and RC2
encryption from RFC 7292 and RFC 2268.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Sequence

from asn1crypto import algos, cms, core, keys, pkcs12, x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from plugins.einvoice_sri.domain.p12_rc2 import (
    _PITABLE,
)  # a table of the RFC, tested by its vectors
from tests.factories.certificates import Signer

SALT = bytes(range(8))


def kdf(password: bytes, iterations: int, purpose: int, length: int, digest: str = "sha1") -> bytes:
    """RFC 7292 appendix B.2, written byte by byte."""
    size, block = hashlib.new(digest).digest_size, 64
    diversifier = bytes([purpose]) * block
    salt = (SALT * block)[: block * -(-len(SALT) // block)]
    text = (password * block)[: block * -(-len(password) // block)] if password else b""
    state, out = bytearray(salt + text), b""
    while len(out) < length:
        value = diversifier + bytes(state)
        for _ in range(iterations):
            value = hashlib.new(digest, value).digest()
        out += value
        addend = (value * block)[:block]
        for start in range(0, len(state), block):
            carry = 1
            for at in range(block - 1, -1, -1):
                carry += state[start + at] + addend[at]
                state[start + at] = carry & 255
                carry >>= 8
        assert size
    return out[:length]


def rc2_encrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """RFC 2268 section 3, CBC; effective bits as the key."""
    table = bytearray(key) + bytearray(128 - len(key))
    for at in range(len(key), 128):
        table[at] = _PITABLE[(table[at - 1] + table[at - len(key)]) % 256]
    table[128 - len(key)] = _PITABLE[table[128 - len(key)]]
    for at in range(127 - len(key), -1, -1):
        table[at] = _PITABLE[table[at + 1] ^ table[at + len(key)]]
    words, out, before = struct.unpack("<64H", table), b"", iv
    for start in range(0, len(data), 8):
        block = bytes(a ^ b for a, b in zip(data[start : start + 8], before, strict=True))
        r, j = list(struct.unpack("<4H", block)), 0
        for turn in range(16):
            for i, shift in enumerate((1, 2, 3, 5)):
                r[i] = (r[i] + words[j] + (r[i - 1] & r[i - 2]) + (~r[i - 1] & r[i - 3])) & 0xFFFF
                r[i] = (r[i] << shift | r[i] >> (16 - shift)) & 0xFFFF
                j += 1
            if turn in {4, 10}:
                for i in range(4):
                    r[i] = (r[i] + words[r[i - 1] & 63]) & 0xFFFF
        before = struct.pack("<4H", *r)
        out += before
    return out


def _pad(data: bytes, block: int = 8) -> bytes:
    count = block - len(data) % block
    return data + bytes([count]) * count


def _encrypt(
    scheme: str, wide: bytes, narrow: bytes, iterations: int, plain: bytes
) -> tuple[algos.EncryptionAlgorithm, bytes]:
    if scheme == "aes256":
        key = hashlib.pbkdf2_hmac("sha256", narrow, SALT, min(iterations, 2048), 32)
        algorithm = algos.EncryptionAlgorithm(
            {
                "algorithm": "pbes2",
                "parameters": {
                    "key_derivation_func": {
                        "algorithm": "pbkdf2",
                        "parameters": {
                            "salt": algos.Pbkdf2Salt("specified", SALT),
                            "iteration_count": iterations,
                            "prf": {"algorithm": "sha256"},
                        },
                    },
                    "encryption_scheme": {"algorithm": "aes256_cbc", "parameters": bytes(16)},
                },
            }
        )
        encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
        return algorithm, encryptor.update(_pad(plain, 16)) + encryptor.finalize()
    name, size = {
        "rc2-40": ("pkcs12_sha1_rc2_40", 5),
        "rc2-128": ("pkcs12_sha1_rc2_128", 16),
        "3des": ("pkcs12_sha1_tripledes_3key", 24),
    }[scheme]
    spent = min(iterations, 2048)  # an absurd count is only declared
    key, iv = kdf(wide, spent, 1, size), kdf(wide, spent, 2, 8)
    algorithm = algos.EncryptionAlgorithm(
        {"algorithm": name, "parameters": {"salt": SALT, "iterations": iterations}}
    )
    if scheme == "3des":
        encryptor = Cipher(TripleDES(key), modes.CBC(iv)).encryptor()
        return algorithm, encryptor.update(_pad(plain)) + encryptor.finalize()
    return algorithm, rc2_encrypt(key, iv, _pad(plain))


def write_p12(
    signers: Sequence[Signer],
    password: str | bytes = "clave",
    *,
    before: Sequence[bytes] = (),
    scheme: str = "3des",
    certificate_scheme: str = "",
    iterations: int = 2048,
    mac_iterations: int = 2048,
    mac: bool = True,
    labels: Sequence[str] = (),
    lonely_keys: Sequence[bytes] = (),
) -> bytes:
    """A P12 of these keys in this order. ``before``: other certificates (DER) written first.

    ``password`` as bytes is used as the RFC 7292 password as it is.
    """
    wide = password if isinstance(password, bytes) else password.encode("utf-16-be") + b"\0\0"
    narrow = password.encode() if isinstance(password, str) else password
    bags = []
    keys_written = [
        (one.key_der, label)
        for one, label in zip(signers, [*labels, *[""] * len(signers)], strict=False)
    ]
    for key, label in [*keys_written, *((one, "") for one in lonely_keys)]:
        algorithm, data = _encrypt(scheme, wide, narrow, iterations, key)
        bags.append(
            pkcs12.SafeBag(
                {
                    "bag_id": "pkcs8_shrouded_key_bag",
                    "bag_value": keys.EncryptedPrivateKeyInfo(
                        {"encryption_algorithm": algorithm, "encrypted_data": data}
                    ),
                    "bag_attributes": [{"type": "friendly_name", "values": [core.BMPString(label)]}]
                    if label
                    else [],
                }
            )
        )
    certificates = pkcs12.SafeContents(
        [
            {
                "bag_id": "cert_bag",
                "bag_value": pkcs12.CertBag(
                    {"cert_id": "x509", "cert_value": core.ParsableOctetString(x509.Certificate.load(der).dump())}
                ),
            }
            for der in [*before, *(one.der for one in signers)]
        ]
    )  # fmt: skip
    algorithm, data = _encrypt(
        certificate_scheme or scheme, wide, narrow, iterations, certificates.dump()
    )
    safe = pkcs12.AuthenticatedSafe(
        [
            {
                "content_type": "encrypted_data",
                "content": cms.EncryptedData(
                    {
                        "version": 0,
                        "encrypted_content_info": {
                            "content_type": "data",
                            "content_encryption_algorithm": algorithm,
                            "encrypted_content": data,
                        },
                    }
                ),
            },
            {"content_type": "data", "content": pkcs12.SafeContents(bags).dump()},
        ]
    ).dump()
    fields: dict[str, object] = {
        "version": 3,
        "auth_safe": {"content_type": "data", "content": safe},
    }
    if mac:
        key = kdf(wide, min(mac_iterations, 2048), 3, 20)
        fields["mac_data"] = {
            "mac": {
                "digest_algorithm": {"algorithm": "sha1"},
                "digest": hmac.digest(key, safe, "sha1"),
            },
            "mac_salt": SALT,
            "iterations": mac_iterations,
        }
    return pkcs12.Pfx(fields).dump()
