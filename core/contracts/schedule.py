"""A schedule: which task the calendar starts, and at which local times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Starts ``task`` at ``at`` (HH:MM, America/Guayaquil) on ``days`` of the month (empty: daily),
    or every ``every_minutes``. Missed due dates are caught up one by one when ``catch_up``; the task
    gets ``{"schedule": name, "due_at": ISO instant}``.
    """

    name: str
    task: str
    at: str = ""
    days: tuple[int, ...] = ()
    every_minutes: int = 0
    catch_up: bool = True
