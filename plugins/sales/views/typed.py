"""What people type, as values: amounts in both notations, days, keys; each refusal names its field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID

from core.domain.money import to_cents, to_micros
from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id

LARGEST = Decimal(10) ** 11


def read_decimal(text: str, field: str) -> Decimal:
    """``"1234,5"``, ``"1.234,50"`` or ``"1234.5"`` as a Decimal. Raises ``DomainError``."""
    plain = text.strip().replace("$", "").replace(" ", "")
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > LARGEST:
        raise DomainError(_("Write a number such as 1234,50."), code="not_a_number", field=field)
    return value


def read_money(text: str, field: str) -> Decimal:
    """An amount in whole cents. Raises ``DomainError``."""
    value = read_decimal(text, field)
    if to_cents(value) != value:
        raise DomainError(_("An amount has at most two decimals."), code="not_cents", field=field)
    return to_cents(value)


def read_fine(text: str, field: str) -> Decimal:
    """A quantity or unit price with at most six decimals. Raises ``DomainError``."""
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


def read_whole(text: str, field: str, *, default: int = 0) -> int:
    """A whole number of at most five digits. Raises ``DomainError``."""
    plain = text.strip()
    if not plain:
        return default
    if not plain.isdigit() or not plain.isascii() or len(plain) > 5:
        raise DomainError(_("Write a whole number."), code="not_whole", field=field)
    return int(plain)


def read_ids(texts: list[str]) -> list[UUID]:
    """Ids of hidden fields. Raises ``NotFound`` for what is none."""
    try:
        return [UUID(one) for one in texts if one]
    except ValueError:
        raise NotFound from None


def form_key(text: str | None) -> str:
    """The key of one filled-in form: the given one, or a fresh one; makes a double click harmless."""
    return text if text and len(text) <= 60 else str(new_id())
