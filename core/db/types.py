"""Column types that refuse what must not get in."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, Numeric
from sqlalchemy.types import TypeDecorator

from core.domain.money import CENT, MICRO


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware UTC in, aware UTC out. A naive datetime is a bug and raises ``ValueError``."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime given to the database")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else value.astimezone(UTC)


class _ExactDecimal(TypeDecorator[Decimal]):
    """A Decimal that is already quantised; rounding never happens on the way to the database."""

    impl = Numeric
    cache_ok = True
    quantum = CENT

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | None:
        """To the database, exact or not at all."""
        if value is None:
            return None
        if not isinstance(value, Decimal) or not value.is_finite():
            raise ValueError(f"not a finite Decimal: {value!r}")
        exact = value.quantize(self.quantum)
        if exact != value:
            raise ValueError(f"{value} has more decimals than {self.quantum} allows")
        return exact


class MoneyColumn(_ExactDecimal):
    """USD, NUMERIC(14, 2)."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(14, 2)


class RateColumn(_ExactDecimal):
    """Quantity, unit price or rate, NUMERIC(18, 6)."""

    cache_ok = True
    quantum = MICRO

    def __init__(self) -> None:
        super().__init__(18, 6)
