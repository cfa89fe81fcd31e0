"""Payment codes: what a customer writes into the reference of a transfer so that it is recognised."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

_ALPHABET = (
    "23456789ABCDEFGHJKMNPQRSTVWXY"  # 29 signs (a prime: any one wrong sign shows); no look-alikes
)
_LENGTH = 6
_SHAPE = re.compile(rf"(?<![A-Z0-9])(Y[A-Z])[- ]?([{_ALPHABET}]{{{_LENGTH + 1}}})(?![A-Z0-9])")
CUSTOMER, ORDER = "YC", "YP"  # what the code belongs to


def payment_code(owner_id: UUID, kind: str = CUSTOMER) -> str:
    """``YC-`` with six signs of the customer's id and a check sign; the same for all its invoices.
    ``YP-`` for an order of payment.
    """
    number = owner_id.int & (2**64 - 1)  # the random end of a UUIDv7
    signs = ""
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        signs += _ALPHABET[place]
    return f"{kind}-{signs}{_check_sign(signs)}"


def find_codes(text: str, kind: str = CUSTOMER) -> Iterator[str]:
    """The whole codes of a kind in what a bank or a person wrote; those with a wrong sign are left out."""
    for found in _SHAPE.finditer(text.upper()):
        signs = found[2]
        if found[1] == kind and signs[-1] == _check_sign(signs[:-1]):
            yield f"{kind}-{signs}"


def _check_sign(signs: str) -> str:
    weighted = sum((place + 2) * _ALPHABET.index(sign) for place, sign in enumerate(signs))
    return _ALPHABET[weighted % len(_ALPHABET)]
