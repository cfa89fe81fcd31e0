"""Words and tones for states and ways of payment, as pages and exports show them."""

from __future__ import annotations

from datetime import date
from typing import Any

from core.i18n import _
from core.i18n import lazy as later

METHOD_WORDS: dict[str, Any] = {
    "deposit": later("Deposit"),
    "transfer": later("Transfer"),
    "cash": later("Cash"),
    "card": later("Card"),
    "withholding": later("Withholding"),
    "credit": later("Credit in favour"),
}
MOVEMENT_WORDS: dict[str, Any] = {
    "invoice": later("Invoice"),
    "annulled": later("Invoice annulled"),
    "credit_note": later("Credit note"),
    "debit_note": later("Debit note"),
    **METHOD_WORDS,
}
BUCKET_WORDS: dict[str, Any] = {
    "current": later("Not due"),
    "to_30": later("1 to 30 days"),
    "to_60": later("31 to 60 days"),
    "to_90": later("61 to 90 days"),
    "older": later("More than 90 days"),
}
TYPE_WORDS: tuple[tuple[str, Any], ...] = (
    ("04", later("RUC")),
    ("05", later("Cédula")),
    ("06", later("Passport")),
    ("08", later("Foreign identification")),
)
REPORT_BADGES: dict[str, tuple[str, Any]] = {
    "reported": ("wait", later("To confirm")),
    "confirmed": ("ok", later("Confirmed")),
    "rejected": ("bad", later("Rejected")),
}


def state_of(state: str, due_on: date | None, today: date) -> tuple[str, str]:
    """``(tone, word)`` of an invoice's badge."""
    if state == "paid":
        return "ok", _("Paid")
    if state == "cancelled":
        return "bad", _("Cancelled")
    if due_on is not None and due_on < today:
        return "warn", _("Overdue")
    return "wait", _("Unpaid")
