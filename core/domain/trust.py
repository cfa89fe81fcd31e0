"""Whose payment reports lift a block: not those of somebody whose last two were rejected (A-15)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

REJECTIONS_ALLOWED = 2


class Answer(NamedTuple):
    """How a payment report was answered, and when (UTC)."""

    decided_at: datetime
    is_rejected: bool


def is_distrusted(answers: Iterable[Answer], *, before: datetime) -> bool:
    """Whether what is reported at ``before`` counts only once it is confirmed: the last two answers until
    then were rejections.
    """
    known = sorted(
        (one for one in answers if one.decided_at <= before), key=attrgetter("decided_at")
    )
    last = known[-REJECTIONS_ALLOWED:]
    return len(last) == REJECTIONS_ALLOWED and all(one.is_rejected for one in last)
