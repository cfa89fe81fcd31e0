"""Words and tones for states and ways of payment, as pages and exports show them."""

from __future__ import annotations

from datetime import date
from typing import Any

from core.i18n import _, lazy

METHOD_WORDS: dict[str, Any] = {
    "deposit": lazy("Deposit"),
    "transfer": lazy("Transfer"),
    "cash": lazy("Cash"),
    "card": lazy("Card"),
    "withholding": lazy("Withholding"),
    "credit": lazy("Credit in favour"),
}
MOVEMENT_WORDS: dict[str, Any] = {
    "invoice": lazy("Invoice"),
    "annulled": lazy("Invoice annulled"),
    "credit_note": lazy("Credit note"),
    "debit_note": lazy("Debit note"),
    **METHOD_WORDS,
}
BUCKET_WORDS: dict[str, Any] = {
    "current": lazy("Not due"),
    "to_30": lazy("1 to 30 days"),
    "to_60": lazy("31 to 60 days"),
    "to_90": lazy("61 to 90 days"),
    "older": lazy("More than 90 days"),
}
TYPE_WORDS: tuple[tuple[str, Any], ...] = (
    ("04", lazy("RUC")),
    ("05", lazy("Cédula")),
    ("06", lazy("Passport")),
    ("08", lazy("Foreign identification")),
)
REPORT_BADGES: dict[str, tuple[str, Any]] = {
    "reported": ("wait", lazy("To confirm")),
    "confirmed": ("ok", lazy("Confirmed")),
    "rejected": ("bad", lazy("Rejected")),
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
