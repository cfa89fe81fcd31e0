"""Numbers, dates and times as people of Ecuador read them: ``$ 1.234,56``, ``25/04/2026``, ``08:03``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date

from core.i18n import DEFAULT_LOCALE
from core.i18n import gettext as _

LOCAL_ZONE = ZoneInfo("America/Guayaquil")
COUNT_CAP = 1000


def local(instant: datetime) -> datetime:
    """The instant on the wall clock of mainland Ecuador (America/Guayaquil, UTC-5)."""
    return instant.astimezone(LOCAL_ZONE)


def number(value: Any, places: int | None = None) -> str:
    """``1234.5`` is ``1.234,5``; with ``places`` exactly so many decimals. None is empty."""
    if value is None or value == "":
        return ""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    text = f"{exact:,f}" if places is None else f"{exact:,.{places}f}"
    if places is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.translate(str.maketrans(",.", ".,"))


def money(value: Any) -> str:
    """USD with two decimals: ``$ 1.234,56``, negative ``-$ 5,00``. None is empty."""
    if value is None or value == "":
        return ""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    sign = "-" if exact < 0 else ""
    return f"{sign}$ {number(abs(exact), 2)}"


def price(value: Any) -> str:
    """A unit price with two decimals, up to six where it has them: ``$ 19,00``, ``$ 0,123456``."""
    if value is None or value == "":
        return ""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    places = max(2, -int(exact.normalize().as_tuple().exponent))
    sign = "-" if exact < 0 else ""
    return f"{sign}$ {number(abs(exact), places)}"


def day(value: date | datetime | None) -> str:
    """``25/04/2026``; an instant is taken on the wall clock of Guayaquil. None is empty."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = local(value).date()
    return f"{value:%d/%m/%Y}"


def month(value: date) -> str:
    """``abril de 2026``."""
    return format_date(value, "MMMM 'de' y", DEFAULT_LOCALE)


def clock_time(value: datetime | None) -> str:
    """``08:03`` in Guayaquil. None is empty."""
    return "" if value is None else f"{local(value):%H:%M}"


def instant(value: datetime | None) -> str:
    """``25/04/2026 08:03`` in Guayaquil. None is empty."""
    return "" if value is None else f"{local(value):%d/%m/%Y %H:%M}"


def capped(count: int) -> str:
    """A count that stops at a thousand: ``1001`` and more read "más de 1.000"."""
    if count > COUNT_CAP:
        return _("more than %(count)s", count=number(COUNT_CAP))
    return number(count)


FILTERS: dict[str, Callable[..., str]] = {
    "money": money,
    "price": price,
    "day": day,
    "month": month,
    "instant": instant,
    "clock_time": clock_time,
    "number": number,
    "capped": capped,
}
