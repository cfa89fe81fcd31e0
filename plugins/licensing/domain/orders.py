"""Orders of payment: no fiscal value, a payment code that survives being typed (R2, A-26)."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from core.domain import payment_codes


def payment_code(order_id: UUID) -> str:
    """``YP-`` with six signs of the order's id and a check sign, for the transfer's reference."""
    return payment_codes.payment_code(order_id, payment_codes.ORDER)


def lapses_on(ordered_on: date) -> date:
    """The last day of an order: fifteen days after it was made."""
    return ordered_on + timedelta(days=15)
