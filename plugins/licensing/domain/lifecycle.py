"""The states of a licence, what each allows, and which action leads where: two tables.

Dates, payments and reports move a licence between ``active``, ``due``, ``reported``, ``suspended``
and ``expired`` (see ``access.py``); people move it with the actions below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import Conflict
from core.i18n import lazy

Reach = Literal["everything", "existing", "licence"]
"""What answers: everything; what exists (no new issuing); the licence page and own legal documents."""


@dataclass(frozen=True, slots=True)
class StateRow:
    """A state as people see it: the word on the badge, its colour, and how far access reaches."""

    name: str
    word: Any
    tone: str  # ok, wait, warn, bad
    reach: Reach


STATES: Mapping[str, StateRow] = {
    row.name: row
    for row in (
        StateRow("order", lazy("Order of payment"), "wait", "licence"),
        StateRow("lapsed", lazy("Order lapsed"), "bad", "licence"),
        StateRow("active", lazy("Active"), "ok", "everything"),
        StateRow("due", lazy("Invoice to pay"), "warn", "everything"),
        StateRow("reported", lazy("Payment reported"), "wait", "everything"),
        StateRow("suspended", lazy("Suspended"), "bad", "existing"),
        StateRow("cancelled", lazy("Cancelled licence"), "warn", "everything"),
        StateRow("reentered", lazy("Back for one month"), "ok", "everything"),
        StateRow("expired", lazy("Expired"), "bad", "licence"),
    )
}

RUNNING = ("active", "due", "reported", "suspended", "reentered")

ACTIONS: Mapping[tuple[str, str], str] = {
    ("order", "enable"): "active",
    ("order", "withdraw"): "lapsed",
    ("order", "report"): "order",  # enabled by its confirmation, or at once by the setting
    ("lapsed", "order"): "order",
    **{(state, "cancel"): "cancelled" for state in RUNNING},
    **{(state, "change"): state for state in ("active", "due", "reported")},
    ("cancelled", "keep"): "active",
    ("due", "report"): "reported",
    ("reported", "report"): "reported",
    ("suspended", "report"): "reported",
    ("cancelled", "report"): "reported",
    ("expired", "report"): "expired",  # settles the old debt and opens nothing (R11, A-22)
    ("reported", "confirm"): "active",
    ("reported", "reject"): "due",
    ("suspended", "confirm"): "active",
    ("suspended", "reject"): "suspended",
    ("expired", "reenter"): "order",
    ("lapsed", "reenter"): "order",
}

_REFUSALS = {
    "enable": lazy("Only a licence with an order of payment can be enabled; look at its state."),
    "withdraw": lazy("Only an order of payment can be withdrawn; this licence already runs."),
    "order": lazy("This licence already has an order or runs; a new order is not needed."),
    "cancel": lazy("Only a running licence can be cancelled; this one does not run."),
    "change": lazy(
        "The plan changes only while the licence runs: this one is suspended, cancelled or over."
    ),
    "keep": lazy("Only a cancelled licence that still runs can be kept."),
    "report": lazy("There is no open licence invoice to report a payment for."),
    "confirm": lazy("Only a reported payment can be confirmed."),
    "reject": lazy("Only a reported payment can be rejected."),
    "reenter": lazy("A new month can be ordered once the licence has expired."),
}


def after(state: str, action: str) -> str:
    """The state that ``action`` leads to from ``state``.

    Raises ``Conflict`` with a sentence for a person when the state does not allow the action.
    """
    try:
        return ACTIONS[state, action]
    except KeyError:
        raise Conflict(str(_REFUSALS[action]), code=f"licence_{action}_refused") from None


def allows(state: str, action: str) -> bool:
    """Whether ``state`` allows ``action``: for buttons."""
    return (state, action) in ACTIONS
