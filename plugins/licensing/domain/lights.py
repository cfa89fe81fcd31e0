"""The traffic lights of a portfolio: what a distributor should look at, dearest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.domain.periods import first_day_of_month_from
from core.i18n import lazy

RUN_DAY = 25
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


def lights(facts: ClientFacts, today: date) -> list[str]:
    """The lights that are on, in the order of ``WORDS``.

    A client suspended on a day-25 run stays ``suspended_at_run`` (R15): it gets no new invoice.
    """
    run = first_day_of_month_from(today.replace(day=1), RUN_DAY)
    is_on = {
        "suspended_at_run": facts.state == "suspended" and today >= run,
        "suspended": facts.state == "suspended" and today < run,
        "to_suspend": facts.state == "due"
        and facts.suspends_on is not None
        and facts.suspends_on <= today + SOON,
        "reported": facts.state == "reported",
        "due": facts.state == "due",
        "rejected": facts.rejected_documents > 0,
        "certificate": facts.certificate_until is not None
        and facts.certificate_until <= today + CERTIFICATE_WARNING,
        "order": facts.state in ("order", "lapsed"),
        "idle": _is_idle(facts, today),
        "to_issue": facts.state in ("active", "due", "reported") and facts.cancelled_on is None,
        "expired": facts.state == "expired",
    }
    return [name for name in WORDS if is_on[name]]


def _is_idle(facts: ClientFacts, today: date) -> bool:
    if facts.started_on is None or facts.state == "expired":
        return False
    return (facts.last_document_on or facts.started_on) < today - IDLE_AFTER
