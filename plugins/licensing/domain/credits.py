"""Credit notes over licence invoices, and until when SRI annuls instead (A-11, R15)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from core.domain.periods import end_of_month, next_day_of_month
from core.errors import Conflict
from core.i18n import _, lazy

ANNULMENT_DAY = 7  # of the month after the document's: ../shared/sri/README.md, section 9

CREDIT_REASONS = ("cancelled", "unpaid")
CREDIT_STEPS: Mapping[str, int] = {
    "draft": 0,
    "confirmed": 1,
    "dismissed": 2,
    "refused": 2,
    "issued": 3,
}
ALLOWED = {  # a note that could not be issued is confirmed once more when the reason is gone
    "confirm": ("draft", "refused"),
    "dismiss": ("draft", "refused"),
    "issue": ("draft", "confirmed", "refused"),
}
PRINTED = {  # on the credit note
    "cancelled": "Servicio cancelado antes de que empiece el período facturado",
    "unpaid": "Servicio suspendido por falta de pago",
}

CREDIT_WORDS: Mapping[str, tuple[str, Any]] = {
    "draft": ("wait", lazy("Draft")),
    "confirmed": ("wait", lazy("On its way")),
    "dismissed": ("warn", lazy("Dismissed")),
    "refused": ("bad", lazy("Not issued")),
    "issued": ("ok", lazy("Note issued")),
}
CREDIT_REASON_WORDS: Mapping[str, Any] = {
    "cancelled": lazy("Cancelled before its period began"),
    "unpaid": lazy("Unpaid, the licence was suspended"),
}


def check_step(state: str, action: str) -> None:
    """Raise ``Conflict`` when a draft in ``state`` does not allow ``action``."""
    if state not in ALLOWED[action]:
        raise Conflict(_("This draft was decided already: reload the page."), code="credit_decided")


def is_newer(told: tuple[datetime, str], known: tuple[datetime, str]) -> bool:
    """Whether a told (instant, state) says more than the one known here; what is issued stays issued."""
    if known[1] == "issued":
        return False
    return (told[0], CREDIT_STEPS[told[1]]) > (known[0], CREDIT_STEPS[known[1]])


def annulment_day(issued_on: date) -> date:
    """Day 7 of the month after the document's, before it moves to a business day:
    ``2026-03-25 -> 2026-04-07``.
    """
    return next_day_of_month(end_of_month(issued_on), ANNULMENT_DAY)
