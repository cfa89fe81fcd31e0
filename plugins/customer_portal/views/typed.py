"""What people type into the portal's forms, read with a sentence for each mistake."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from core.domain.money import CENT
from core.errors import DomainError
from core.i18n import _

LARGEST = Decimal(10**10)


def read_date(text: str, field: str) -> date:
    """A date as browsers send it (2026-04-25). Raises ``DomainError``."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise DomainError(
            _("Write the date of issue, such as 25/04/2026."), code="date", field=field
        ) from None


def read_optional_date(text: str, field: str) -> date | None:
    """The same, or None when nothing was typed."""
    return read_date(text, field) if text.strip() else None


def read_money(text: str, field: str) -> Decimal:
    """An amount in USD as typed: 1234,5 or 1234.5 or 1.234,50. Raises ``DomainError``."""
    plain = text.strip().replace(" ", "").removeprefix("$")
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        amount = Decimal(plain)
        if not amount.is_finite() or not 0 <= amount < LARGEST or amount.quantize(CENT) != amount:
            raise InvalidOperation
    except InvalidOperation:
        raise DomainError(
            _("Write the total as it stands on the document, such as 34,50."),
            code="amount",
            field=field,
        ) from None
    return amount.quantize(CENT)
