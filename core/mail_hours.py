"""From when on mails leave that nobody has just asked for: a night job's wait for the morning."""

from __future__ import annotations

from datetime import datetime

from core.adapters.clock import at_local, to_local

MAILS_FROM = 7  # o'clock in America/Guayaquil


def leaves_at(now: datetime) -> datetime | None:
    """When a mail may leave that a job wants to send at ``now``: before 07:00 that hour of the same
    day, later at once (None). What answers a person's deed does not ask.
    """
    local = to_local(now)
    return at_local(local.date(), MAILS_FROM) if local.hour < MAILS_FROM else None
