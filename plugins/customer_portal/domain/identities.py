"""Who a receiver is: one identity for a cédula and the RUCs that begin with it."""

from __future__ import annotations

import uuid

from core.domain.tax_ids import FINAL_CONSUMER_NUMBER, normalise

_NAMESPACE = uuid.UUID("7b8a6a4e-5c1b-5d0f-9a64-0c0f7a3d9a11")
RUC_LENGTH, CEDULA_LENGTH = 13, 10
NATURAL_THIRD_DIGIT = 5  # 0 to 5: the RUC of a natural person is the cédula and an establishment


def canonical(tax_id: str) -> str | None:
    """The number that stands for the receiver: a natural person's RUC counts as the cédula.

    None for the final consumer, who has no inbox.

    >>> canonical("1710034065001")
    '1710034065'
    >>> canonical("1792205859001")
    '1792205859001'
    """
    number = normalise(tax_id)
    if not number or number == FINAL_CONSUMER_NUMBER:
        return None
    if len(number) == RUC_LENGTH and number.isdigit() and int(number[2]) <= NATURAL_THIRD_DIGIT:
        return number[:CEDULA_LENGTH]
    return number


def identity_of(tax_id: str) -> uuid.UUID | None:
    """The id of the receiver's identity, always the same for the same number; None: no inbox.

    It opens nothing: the scope of a request is made of the grants of a signed-in account.
    """
    number = canonical(tax_id)
    return None if number is None else uuid.uuid5(_NAMESPACE, number)


def masked(email: str) -> str:
    """An address that only its owner recognises (CF-10): ``j•••@d•••.ec``."""
    name, _, domain = email.partition("@")
    host, _, ending = domain.rpartition(".")
    return f"{name[:1]}•••@{host[:1]}•••.{ending}"
