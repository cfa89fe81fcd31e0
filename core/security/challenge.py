"""A small sum in words, asked after a failure: works without scripts, images and third parties.

The question travels with a signed token: a hash of the answer under our key, a nonce
and an end. Each token is good once.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from core.errors import DomainError
from core.i18n import gettext as _
from core.i18n import lazy
from core.security import guard
from core.security.sessions import signing_keys

LASTS = timedelta(minutes=15)
WORDS = (
    lazy("zero"),
    lazy("one"),
    lazy("two"),
    lazy("three"),
    lazy("four"),
    lazy("five"),
    lazy("six"),
    lazy("seven"),
    lazy("eight"),
    lazy("nine"),
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is asked, and the token that goes back with the answer."""

    question: str
    token: str


def make(now: datetime) -> Challenge:
    """A fresh question."""
    first, second = 1 + secrets.randbelow(9), 1 + secrets.randbelow(9)
    nonce = secrets.token_urlsafe(12)
    token = _signer().dumps(
        {
            "n": nonce,
            "a": _digest(nonce, str(first + second), signing_keys()[-1]),
            "e": int((now + LASTS).timestamp()),
        }
    )
    return Challenge(
        _("How much is %(first)s plus %(second)s?", first=WORDS[first], second=WORDS[second]),
        str(token),
    )


def check(token: str, answer: str, now: datetime) -> None:
    """Raises ``DomainError`` unless the answer is right and the token fresh; figures only."""
    try:
        body = _signer().loads(token)
        nonce, digest, ends = str(body["n"]), str(body["a"]), int(body["e"])
    except (BadData, KeyError, TypeError, ValueError):
        raise _refusal() from None
    is_right = any(
        hmac.compare_digest(digest, _digest(nonce, answer.strip(), key)) for key in signing_keys()
    )
    if ends < now.timestamp() or not guard.spend("challenge", nonce, now) or not is_right:
        raise _refusal()


def _refusal() -> DomainError:
    return DomainError(
        _("The answer to the sum is not right. Here is another one; write it in figures."),
        code="challenge",
        field="answer",
    )


def _digest(nonce: str, answer: str, key: bytes) -> str:
    return hmac.digest(key, f"challenge:{nonce}:{answer}".encode(), "sha256").hex()


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(signing_keys(), salt="yupana.challenge")
