"""What people type, as values; each refusal names its field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from core.errors import DomainError
from core.i18n import _


def read_money(text: str, field: str) -> Decimal:
    """``1234,5`` or ``1234.5`` in whole cents. Raises ``DomainError``."""
    plain = text.strip().replace("$", "").replace(" ", "")
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > Decimal(10) ** 9:
        raise DomainError(
            _("Write an amount such as 30,00."), code="billing.bad_price", field=field
        )
    if value != round(value, 2):
        raise DomainError(
            _("The price has more than two decimals; write it in whole cents."),
            code="billing.price_decimals",
            field=field,
        )
    return round(value, 2)


def read_day(text: str, field: str) -> date:
    """A day as browsers send it. Raises ``DomainError``."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise DomainError(
            _("Choose a day such as 25/04/2026."), code="billing.bad_date", field=field
        ) from None


def read_quantity(text: str) -> int:
    """A whole number; empty is 1. Raises ``DomainError``."""
    plain = text.strip() or "1"
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 6):
        raise DomainError(
            _("The quantity is a whole number from 1 to 100000."),
            code="billing.quantity",
            field="quantity",
        )
    return int(plain)
