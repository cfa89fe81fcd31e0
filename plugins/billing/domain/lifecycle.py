"""(state, action) -> state, for a subscription. What is owed is not a state: ``standing.py`` tells it from dates."""

from __future__ import annotations

from core.errors import Conflict
from core.i18n import _, lazy

ACTIVE = "active"  # renews; the run invoices its next period
ENDING = "ending"  # no further invoice: cancelled, or contracted for one period only
ENDED = "ended"  # its paid time is over (R11)

STATES = (ACTIVE, ENDING, ENDED)
LABELS = {
    ACTIVE: lazy("Active"),
    ENDING: lazy("Ends soon"),
    ENDED: lazy("Has ended"),
}

TRANSITIONS: dict[tuple[str, str], str] = {
    (ACTIVE, "cancel"): ENDING,
    (ACTIVE, "upgrade"): ACTIVE,
    (ACTIVE, "downgrade"): ACTIVE,
    (ACTIVE, "charge"): ACTIVE,
    (ACTIVE, "expire"): ENDED,  # R15: unpaid and past its last period
    (ENDING, "expire"): ENDED,  # R10, R17: paid-through is over
    (ENDING, "keep"): ACTIVE,  # the client takes the cancellation back in time
}

ACTIONS = ("cancel", "upgrade", "downgrade", "charge", "expire", "keep")


def after(state: str, action: str) -> str:
    """The state after ``action``. Raises ``Conflict`` when the state does not allow it."""
    found = TRANSITIONS.get((state, action))
    if found is None:
        raise Conflict(
            _(
                "The subscription is “%(state)s” and does not allow this step. Reload the page to see where it stands.",
                state=str(LABELS.get(state, state)),
            ),
            code="billing.transition",
        )
    return found
