"""Two transactions at once, and one of them waits."""

from __future__ import annotations

import time

from sqlalchemy import text
from sqlalchemy.orm import Session

WAITING = text(
    "SELECT count(*) FROM pg_locks"
    " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)


def await_lock(session: Session) -> None:
    """Return once another transaction waits for what this one holds; after 30 s it is an error."""
    until = time.monotonic() + 30
    while not session.scalar(WAITING):
        assert time.monotonic() < until, "nobody waits"
        time.sleep(0.05)
