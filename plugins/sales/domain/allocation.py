"""Spreading money over what is owed, oldest first, and saying what remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from core.contracts.sales import PaymentAllocation
from core.domain.money import ZERO
from plugins.sales.domain.vocabulary import COVER_TOLERANCE


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice with its balance."""

    invoice_id: UUID
    balance: Decimal
    due_on: date | None = None


def spread(amount: Decimal, owed: Sequence[Owed]) -> tuple[tuple[PaymentAllocation, ...], Decimal]:
    """Share ``amount`` over ``owed`` in the order given: ``(allocations, what is left)``.

    ``50.00`` over ``34.50`` and ``20.00`` is ``34.50`` and ``15.50`` with ``0.00`` left.
    """
    left = amount
    parts = []
    for one in owed:
        part = min(left, one.balance)
        if part > ZERO:
            parts.append(PaymentAllocation(one.invoice_id, part))
            left -= part
    return tuple(parts), left


def is_covered(balance: Decimal, *, with_withholding: bool) -> bool:
    """Is an invoice with ``balance`` left covered (A-19)?

    Money alone must cover it to the cent. When a withholding certificate is part of the cover, up
    to US$ 0.50 may be missing, because the agent rounds on another base.
    """
    return balance <= (COVER_TOLERANCE if with_withholding else ZERO)
