"""Reported payments: on time or late (A-18), and what makes two of them twins (A-31)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from core.domain.money import ZERO
from core.errors import DomainError
from core.i18n import _


def is_late(value_on: date, due_on: date | None, next_business_day: Callable[[date], date]) -> bool:
    """Is money with value date ``value_on`` late for ``due_on``?

    On time when ordered by the due date and credited by the next business day (a Saturday's
    transfer credits on Monday): due Sunday 05-04-2026, credited Monday 06-04 is on time.
    """
    return due_on is not None and value_on > next_business_day(due_on)


def check_report(
    *,
    bank: str,
    reference: str,
    payer_name: str,
    has_slip: bool,
    amount: Decimal,
    value_on: date,
    today: date,
) -> None:
    """Raise ``DomainError`` for a report that nobody could confirm."""
    if not bank.strip():
        raise DomainError(
            _("Say from which bank you paid. Choose it or write its name."),
            code="bank_missing",
            field="bank",
        )
    if not reference.strip() and not (has_slip and payer_name.strip()):
        raise DomainError(
            _("Without a reference we need the photo of the slip and the name of who paid."),
            code="reference_missing",
            field="reference",
        )
    if amount <= ZERO:
        raise DomainError(
            _("The amount must be more than zero. Write what you paid."),
            code="bad_amount",
            field="amount",
        )
    if value_on > today:
        raise DomainError(
            _("The day of the payment is in the future. Write the day on the slip."),
            code="value_in_future",
            field="value_on",
        )
    if (today - value_on).days > 366:
        raise DomainError(
            _("The day of the payment is more than a year ago. Write the day on the slip."),
            code="value_too_old",
            field="value_on",
        )
