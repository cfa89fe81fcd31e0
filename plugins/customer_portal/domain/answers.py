"""Lifecycle of a receiver's answer to a document: (state, action) -> state."""

from __future__ import annotations

TRANSITIONS = {
    ("", "accept"): "accepted",
    ("", "dispute"): "disputed",
    ("accepted", "dispute"): "disputed",
    ("disputed", "accept"): "accepted",
}


class NoSuchStep(ValueError):
    """The answer stands already, or the action is unknown."""


def next_answer(state: str, action: str) -> str:
    """The answer after ``action`` (``accept`` or ``dispute``). Raises ``NoSuchStep``."""
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise NoSuchStep(f"{action} after {state or 'nothing'}") from None
