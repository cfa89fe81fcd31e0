"""What people type, as values: amounts in both notations and days; each refusal names its field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from core.domain.money import to_cents, to_micros
from core.errors import DomainError
from core.i18n import _

LARGEST = Decimal(10) ** 10


def read_decimal(text: str, field: str) -> Decimal:
    """``"1234,5"``, ``"1.234,50"`` or ``"1234.5"``; not negative. Raises ``DomainError``."""
    plain = text.strip().replace("$", "").replace(" ", "")
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value >= LARGEST:
        raise DomainError(_("Write a number such as 1234,50."), code="not_a_number", field=field)
    if value < 0:
        raise DomainError(
            _("Write it without a minus sign: amounts are not negative here."),
            code="negative",
            field=field,
        )
    return value


def read_money(text: str, field: str) -> Decimal:
    """An amount in whole cents. Raises ``DomainError``."""
    value = read_decimal(text, field)
    if to_cents(value) != value:
        raise DomainError(_("An amount has at most two decimals."), code="not_cents", field=field)
    return to_cents(value)


def read_fine(text: str, field: str) -> Decimal:
    """A quantity, price or rate with at most six decimals. Raises ``DomainError``."""
    value = read_decimal(text, field)
    if to_micros(value) != value:
        raise DomainError(_("This number has at most six decimals."), code="too_fine", field=field)
    return to_micros(value)


def read_day(text: str, field: str) -> date:
    """A day as browsers send it. Raises ``DomainError``."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise DomainError(
            _("Choose a day, such as 25/04/2026."), code="not_a_day", field=field
        ) from None


def required(text: str, field: str, sentence: str) -> str:
    """A text that may not be empty, on one line. Raises ``DomainError`` with ``sentence``."""
    plain = " ".join(text.split())
    if not plain:
        raise DomainError(sentence, code="empty", field=field)
    return plain
