"""Orders of payment: no fiscal value, a payment code that survives being typed (R2, A-26)."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

_ALPHABET = (
    "23456789ABCDEFGHJKMNPQRSTVWXY"  # 29 signs (a prime: any one wrong sign shows); no look-alikes
)
_LENGTH = 6


def payment_code(order_id: UUID) -> str:
    """``YP-`` with six signs of the order's id and a check sign, for the transfer's reference."""
    number = order_id.int & (2**64 - 1)  # the random end of a UUIDv7
    signs = ""
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        signs += _ALPHABET[place]
    return f"YP-{signs}{_check_sign(signs)}"


def is_payment_code(text: str) -> bool:
    """Whether a typed code is one of ours: case, spaces and the hyphen do not matter."""
    plain = text.upper().replace(" ", "").replace("-", "").removeprefix("YP")
    return (
        len(plain) == _LENGTH + 1
        and set(plain) <= set(_ALPHABET)
        and plain[-1] == _check_sign(plain[:-1])
    )


def _check_sign(signs: str) -> str:
    weighted = sum((place + 2) * _ALPHABET.index(sign) for place, sign in enumerate(signs))
    return _ALPHABET[weighted % len(_ALPHABET)]


def lapses_on(ordered_on: date) -> date:
    """The last day of an order: fifteen days after it was made."""
    return ordered_on + timedelta(days=15)
