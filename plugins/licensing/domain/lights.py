"""The traffic lights of a portfolio: what a distributor should look at, dearest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.i18n import lazy

SOON = timedelta(days=5)
CERTIFICATE_WARNING = timedelta(days=60)
IDLE_AFTER = timedelta(days=30)

WORDS: dict[str, Any] = {
    "suspended_at_run": lazy("Suspended at the run"),
    "suspended": lazy("Suspended"),
    "to_suspend": lazy("About to be suspended"),
    "reported": lazy("Payment to confirm"),
    "due": lazy("Due on day 5"),
    "rejected": lazy("Refused by SRI"),
    "certificate": lazy("Certificate expires"),
    "order": lazy("Order to be paid"),
    "idle": lazy("Without movement"),
    "to_issue": lazy("To be invoiced on day 25"),
    "expired": lazy("Expired"),
}
TONES = {
    "suspended_at_run": "bad",
    "suspended": "bad",
    "to_suspend": "bad",
    "reported": "wait",
    "due": "warn",
    "rejected": "bad",
    "certificate": "warn",
    "order": "wait",
    "idle": "warn",
    "to_issue": "ok",
    "expired": "bad",
}


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """What a distributor knows of a client."""

    state: str
    started_on: date | None = None
    cancelled_on: date | None = None
    next_due_on: date | None = None
    suspends_on: date | None = None
    last_document_on: date | None = None
    rejected_documents: int = 0
    certificate_until: date | None = None
    left_out_on: date | None = None
    report_waits: bool = False  # of an order, or of a client whose reports lift no block


def lights(facts: ClientFacts, today: date) -> list[str]:
    """The lights that are on, in the order of ``WORDS``.

    A client that a day-25 run left out stays ``suspended_at_run``, also when its time is over (R15),
    until it is back. Of several open invoices of which some are reported, the others stay due.
    """
    is_due = facts.state == "due" or (facts.state == "reported" and facts.suspends_on is not None)
    is_left_out = facts.left_out_on is not None and facts.state in ("suspended", "expired")
    is_on = {
        "suspended_at_run": is_left_out,
        "suspended": facts.state == "suspended" and not is_left_out,
        "to_suspend": is_due
        and facts.suspends_on is not None
        and facts.suspends_on <= today + SOON,
        "reported": facts.state == "reported" or facts.report_waits,
        "due": is_due,
        "rejected": facts.rejected_documents > 0,
        "certificate": facts.certificate_until is not None
        and facts.certificate_until <= today + CERTIFICATE_WARNING,
        "order": facts.state in ("order", "lapsed"),
        "idle": _is_idle(facts, today),
        "to_issue": facts.state in ("active", "due", "reported") and facts.cancelled_on is None,
        "expired": facts.state == "expired" and not is_left_out,
    }
    return [name for name in WORDS if is_on[name]]


def _is_idle(facts: ClientFacts, today: date) -> bool:
    if facts.started_on is None or facts.state == "expired":
        return False
    return (facts.last_document_on or facts.started_on) < today - IDLE_AFTER
