"""Links that travel by mail: signed, with an end, and worth nothing once they did their work.

A document link proves that whoever follows it reads the mailbox that the issuer wrote down. It lets
that person choose a password while the address has no account; afterwards it only leads to the
sign-in. A reset link carries the account's stamp, so any change of the password makes it void.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

DOCUMENT_DAYS = 60
RESET_MINUTES = 60
INVITATION_DAYS = 7


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who is invited to read whose documents; ``access_key`` names the one the mail is about."""

    email: str
    tax_id: str
    access_key: str
    via: str  # mail, proof, invitation


def document_token(key: bytes, invitation: Invitation, *, ends_at: datetime) -> str:
    """The token of a document link (``ends_at``: see ``DOCUMENT_DAYS``)."""
    one = invitation
    body = [one.email.lower(), one.tax_id, one.access_key, one.via, int(ends_at.timestamp())]
    return str(_signer([key], "document").dumps(body))


def read_document_token(keys: Sequence[bytes], token: str, *, now: datetime) -> Invitation | None:
    """What a document link says; None when it was forged, cut or has ended.

    ``keys``: those whose signatures count, the newest last (a rotation keeps the former one).
    """
    try:
        email, tax_id, access_key, via, ends = _signer(keys, "document").loads(token)
    except (BadData, ValueError, TypeError):
        return None
    return Invitation(email, tax_id, access_key, via) if ends > now.timestamp() else None


def reset_token(key: bytes, email: str, stamp: str, *, now: datetime) -> str:
    """The token of a password link; good for an hour and until the password changes."""
    ends = now + timedelta(minutes=RESET_MINUTES)
    return str(_signer([key], "reset").dumps([email.lower(), stamp, int(ends.timestamp())]))


def read_reset_token(keys: Sequence[bytes], token: str, *, now: datetime) -> tuple[str, str] | None:
    """(email, stamp) of a password link; None when it is not good now."""
    try:
        email, stamp, ends = _signer(keys, "reset").loads(token)
    except (BadData, ValueError, TypeError):
        return None
    return (email, stamp) if ends > now.timestamp() else None


def _signer(keys: Sequence[bytes], purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(list(keys), salt=f"portal.{purpose}")
