"""The signed licence document: Ed25519 over canonical JSON, verified without the vendor.

A self-hosted tenant keeps working while ``paid_through`` plus ``grace_days`` has not passed, whether
the vendor can be reached or not.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORMAT = "yupana-licence-1"
GRACE_DAYS = 7
MAX_SIZE = 64 * 1024
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class LicenceDocument:
    """What the vendor vouches for."""

    licence_id: str
    tax_id: str
    legal_name: str
    plan: str
    paid_through: date
    issued_on: date
    grace_days: int = GRACE_DAYS
    entitlements: Mapping[str, Any] | None = None

    @property
    def valid_through(self) -> date:
        """The last day on which the document allows work."""
        return self.paid_through + timedelta(days=self.grace_days)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying a file gave. ``code``: ok, grace, expired, signature, key, format.

    An installation adds ``company`` (another company's document) and ``missing`` (none is installed).
    """

    code: str
    licence: LicenceDocument | None = None

    @property
    def is_valid(self) -> bool:
        """Genuine, and its days (with grace) have not passed."""
        return self.code in ("ok", "grace")


def canonical(body: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: sorted keys, no spaces, UTF-8."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def sign(licence: LicenceDocument, key: Ed25519PrivateKey) -> bytes:
    """The file to hand out: JSON with the licence, the key's id and the signature."""
    body = {
        "format": FORMAT,
        "licence_id": licence.licence_id,
        "tax_id": licence.tax_id,
        "legal_name": licence.legal_name,
        "plan": licence.plan,
        "paid_through": licence.paid_through.isoformat(),
        "issued_on": licence.issued_on.isoformat(),
        "grace_days": licence.grace_days,
        "entitlements": dict(licence.entitlements or {}),
    }
    signature = base64.b64encode(key.sign(canonical(body))).decode()
    envelope = {"licence": body, "key_id": key_id(key.public_key()), "signature": signature}
    return json.dumps(envelope, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def verify(content: bytes, key: Ed25519PublicKey, *, today: date) -> Verdict:
    """Check the signature first, then the days. Never raises for whatever the file holds."""
    try:
        licence = _opened(content, key)
    except _Refused as refused:
        return Verdict(refused.code)
    except InvalidSignature:
        return Verdict("signature")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Verdict("format")
    if today <= licence.paid_through:
        return Verdict("ok", licence)
    return Verdict("grace" if today <= licence.valid_through else "expired", licence)


def read_key(text: str) -> Ed25519PublicKey:
    """The public key written as base64 of its 32 bytes. Raises ``ValueError`` for any other text."""
    raw = base64.b64decode(text.strip(), validate=True)
    if len(raw) != KEY_BYTES:
        raise ValueError("no key of 32 bytes")
    return Ed25519PublicKey.from_public_bytes(raw)


def write_key(key: Ed25519PublicKey) -> str:
    """The reverse of :func:`read_key`: 44 signs."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def claimed(content: bytes) -> tuple[str, str]:
    """The RUC and the key's id that a file names, not verified: to find the key to verify it with.

    Empty texts for a file that is none.
    """
    try:
        if len(content) > MAX_SIZE:
            return "", ""
        envelope = json.loads(content)
        return str(envelope["licence"]["tax_id"]), str(envelope["key_id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", ""


class _Refused(Exception):
    """The file is refused before its signature is looked at."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _opened(content: bytes, key: Ed25519PublicKey) -> LicenceDocument:
    if len(content) > MAX_SIZE:
        raise _Refused("format")
    envelope = json.loads(content)
    body, signature = envelope["licence"], base64.b64decode(envelope["signature"], validate=True)
    if body["format"] != FORMAT:
        raise _Refused("format")
    if envelope["key_id"] != key_id(key):
        raise _Refused("key")
    key.verify(signature, canonical(body))
    return _read(body)


def _read(body: Mapping[str, Any]) -> LicenceDocument:
    return LicenceDocument(
        licence_id=str(body["licence_id"]),
        tax_id=str(body["tax_id"]),
        legal_name=str(body["legal_name"]),
        plan=str(body["plan"]),
        paid_through=date.fromisoformat(body["paid_through"]),
        issued_on=date.fromisoformat(body["issued_on"]),
        grace_days=int(body["grace_days"]),
        entitlements=dict(body["entitlements"]),
    )
