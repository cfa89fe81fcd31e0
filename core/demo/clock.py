"""Putting the clock of a running demo forward: what waits for a time by it waits that much less."""

from __future__ import annotations

from datetime import datetime, timedelta

from core import jobs
from core.adapters.clock import SharedClock
from core.db.session import unit_of_work


def put_forward(clock: SharedClock, instant: datetime) -> None:
    """Make it ``instant`` for every process, and let the jobs follow; never back."""
    step = instant - clock.now()
    if step <= timedelta():
        return
    clock.set(instant)
    with unit_of_work() as session:
        jobs.bring_forward(session, step)
