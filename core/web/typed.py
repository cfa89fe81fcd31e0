"""What people type into forms, as values; each refusal says what to write and names its field."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID

from core.domain.money import to_cents, to_micros
from core.domain.periods import parse_day
from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id

LARGEST = Decimal(10) ** 10


def read_decimal(text: str, field: str) -> Decimal:
    """``1234,5``, ``1.234,50`` or ``$ 1234.5``; not negative. Raises ``DomainError``."""
    plain = text.strip().replace("$", "").replace(" ", "")
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) >= LARGEST:
        raise DomainError(_("Write a number such as 1234,50."), code="not_a_number", field=field)
    if value < 0:
        raise DomainError(
            _("Write it without a minus sign: amounts are not negative here."),
            code="negative",
            field=field,
        )
    return value


def read_money(text: str, field: str, *, empty: Decimal | None = None) -> Decimal:
    """An amount in USD, in whole cents; ``empty`` stands for nothing typed. Raises ``DomainError``."""
    if empty is not None and not text.strip():
        return empty
    value = read_decimal(text, field)
    if to_cents(value) != value:
        raise DomainError(_("An amount has at most two decimals."), code="not_cents", field=field)
    return to_cents(value)


def read_fine(text: str, field: str) -> Decimal:
    """A quantity, unit price or rate with at most six decimals. Raises ``DomainError``."""
    value = read_decimal(text, field)
    if to_micros(value) != value:
        raise DomainError(_("This number has at most six decimals."), code="too_fine", field=field)
    return to_micros(value)


def read_whole(text: str, field: str, *, empty: int | None = None) -> int:
    """A whole number of at most six digits; ``empty`` stands for nothing typed. Raises ``DomainError``."""
    plain = text.strip()
    if not plain and empty is not None:
        return empty
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 6):
        raise DomainError(
            _("Write a whole number, such as 12."), code="not_a_whole_number", field=field
        )
    return int(plain)


def read_optional_whole(text: str, field: str) -> int | None:
    """The same, or None when nothing was typed."""
    return read_whole(text, field) if text.strip() else None


def read_day(text: str, field: str) -> date:
    """A day as browsers send it (2026-04-25) or as people write it (25/04/2026). Raises ``DomainError``."""
    plain = text.strip()
    try:
        if "/" in plain:
            day, month, year = plain.split("/")
            plain = f"{int(year):04d}-{int(month):02d}-{int(day):02d}"
        return parse_day(plain)
    except ValueError:
        raise DomainError(
            _("Choose a day, such as 25/04/2026."), code="not_a_day", field=field
        ) from None


def read_optional_day(text: str, field: str) -> date | None:
    """The same, or None when nothing was typed."""
    return read_day(text, field) if text.strip() else None


def read_ids(texts: Iterable[str]) -> list[UUID]:
    """The ids of ticked boxes or hidden fields. Raises ``NotFound`` for what is none."""
    try:
        return [UUID(one) for one in texts if one]
    except ValueError:
        raise NotFound from None


def required(text: str, field: str, sentence: str) -> str:
    """A text on one line that may not be empty. Raises ``DomainError`` with ``sentence``."""
    plain = " ".join(text.split())
    if not plain:
        raise DomainError(sentence, code="empty", field=field)
    return plain


def form_key(text: str | None) -> str:
    """The key of one filled-in form: the given one, or a fresh one; makes a double click harmless."""
    return text if text and len(text) <= 60 else str(new_id())
