"""Lifecycles as tables: (state, action) -> state; anything else is a named error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Table = Mapping[tuple[str, str], str]

INVOICE_STATES: Final = ("issued", "paid", "cancelled")
INVOICE: Final[Table] = {
    ("issued", "cover"): "paid",
    ("paid", "uncover"): "issued",  # a payment was taken back, or a debit note raised the balance
    ("issued", "cancel"): "cancelled",
    ("paid", "cancel"): "cancelled",  # credited in full after it was paid: the money is credit
}

CREDIT_NOTE_STATES: Final = ("issued", "cancelled")
CREDIT_NOTE: Final[Table] = {("issued", "cancel"): "cancelled"}

PAYMENT_STATES: Final = ("recorded", "reversed")
PAYMENT: Final[Table] = {("recorded", "reverse"): "reversed"}

REPORT_STATES: Final = ("reported", "confirmed", "rejected")
REPORT: Final[Table] = {
    ("reported", "confirm"): "confirmed",
    ("reported", "reject"): "rejected",
}

WITHHOLDING_STATES: Final = ("received", "accepted", "rejected")
WITHHOLDING: Final[Table] = {
    ("received", "accept"): "accepted",
    ("received", "reject"): "rejected",
}

STATEMENT_ROW_STATES: Final = ("suggested", "settled", "unmatched", "ignored")
STATEMENT_ROW: Final[Table] = {
    ("suggested", "settle"): "settled",
    ("unmatched", "settle"): "settled",
    ("suggested", "ignore"): "ignored",
    ("unmatched", "ignore"): "ignored",
}


class WrongStateError(ValueError):
    """The action is not allowed in the state; both are attributes."""

    def __init__(self, state: str, action: str) -> None:
        super().__init__(f"cannot {action} in state {state}")
        self.state = state
        self.action = action


def step(table: Table, state: str, action: str) -> str:
    """The state after ``action``. Raises ``WrongStateError``."""
    try:
        return table[(state, action)]
    except KeyError:
        raise WrongStateError(state, action) from None


def may(table: Table, state: str, action: str) -> bool:
    """Does the table allow ``action`` in ``state``?"""
    return (state, action) in table
