"""What people type, as values; each refusal names its field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID

from core.domain.money import ZERO, to_cents
from core.errors import DomainError, NotFound
from core.i18n import _
from core.web.context import Context

LARGEST = Decimal(10) ** 9
MAX_SLIP = 5 * 1024 * 1024


def read_money(text: str, field: str, *, default: Decimal | None = None) -> Decimal:
    """``34,5``, ``1.234,50`` or ``34.50`` in whole cents. Raises ``DomainError``."""
    plain = text.strip().replace("$", "").replace(" ", "")
    if not plain and default is not None:
        return default
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > LARGEST or to_cents(value) != value:
        raise DomainError(
            _("Write an amount such as 34,50, with at most two decimals."),
            code="amount",
            field=field,
        )
    return to_cents(value)


def read_day(text: str, field: str) -> date:
    """A day as browsers send it. Raises ``DomainError``."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise DomainError(_("Choose a day of the calendar."), code="day", field=field) from None


def read_whole(text: str, field: str) -> int | None:
    """A whole number of at most five digits; empty is None. Raises ``DomainError``."""
    plain = text.strip()
    if not plain:
        return None
    if not (plain.isdigit() and plain.isascii() and len(plain) <= 5):
        raise DomainError(_("Write a whole number, or leave it empty."), code="whole", field=field)
    return int(plain)


def read_ids(texts: list[str]) -> tuple[UUID, ...]:
    """Ids of ticked boxes. Raises ``NotFound`` for what is none."""
    try:
        return tuple(UUID(one) for one in texts if one)
    except ValueError:
        raise NotFound from None


def read_slip(ctx: Context) -> bytes | None:
    """The uploaded slip, never more than its limit and one byte; None: nothing was chosen."""
    upload = ctx.files.get("slip")
    if upload is None or not upload.filename:
        return None
    return upload.stream.read(MAX_SLIP + 1)


def read_amount_or_zero(text: str, field: str) -> Decimal:
    """An amount; empty is 0.00."""
    return read_money(text, field, default=ZERO)
