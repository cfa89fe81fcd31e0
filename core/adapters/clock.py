"""Clocks: the machine's, a fixed one, and the demo's shared by all processes of an installation.

Only edges (views, jobs, commands) ask a clock; everything below takes ``now`` as an argument.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

ECUADOR = ZoneInfo("America/Guayaquil")


def to_local_date(instant: datetime) -> date:
    """The business day in America/Guayaquil of an aware instant."""
    return to_local(instant).date()


def to_local(instant: datetime) -> datetime:
    """An aware instant as the wall clock in America/Guayaquil shows it."""
    if instant.tzinfo is None:
        raise ValueError("naive datetime has no local time")
    return instant.astimezone(ECUADOR)


def at_local(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """The aware UTC instant of a wall-clock time in America/Guayaquil."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ECUADOR)
    return local.astimezone(UTC)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        return datetime.now(UTC)

    def machine_time(self, instant: datetime) -> datetime:
        """The instant itself."""
        return instant

    def today(self) -> date:
        """The business day in America/Guayaquil."""
        return to_local_date(self.now())


class FixedClock:
    """A clock that stands still until it is set: tests and simulations."""

    def __init__(self, instant: datetime) -> None:
        self.set(instant)

    def set(self, instant: datetime) -> None:
        """Put the clock to an aware instant."""
        if instant.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._instant = instant.astimezone(UTC)

    def advance(self, **step: float) -> None:
        """Move by a ``timedelta(**step)``."""
        self._instant += timedelta(**step)

    def now(self) -> datetime:
        """The instant it was set to, aware UTC."""
        return self._instant

    def machine_time(self, instant: datetime) -> datetime:
        """The instant itself: whoever sets the clock also decides what is due."""
        return instant

    def today(self) -> date:
        """The business day in America/Guayaquil."""
        return to_local_date(self.now())


class SharedClock:
    """The machine's clock plus an offset kept in a file of the home folder.

    Web, workers, scheduler and commands of one installation read the same file, so that a demo can
    live on a chosen day. Without the file it is the machine's clock. Only the demo writes the file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._offset = timedelta()

    def set(self, instant: datetime) -> None:
        """Make it ``instant`` now for every process; the clock goes on from there."""
        seconds = (instant - datetime.now(UTC)).total_seconds()
        draft = self._file.with_suffix(f".{os.getpid()}")
        draft.write_text(f"{seconds:.6f}\n")
        draft.replace(self._file)

    def now(self) -> datetime:
        """The shared instant, aware UTC."""
        return datetime.now(UTC) + self._read_offset()

    def machine_time(self, instant: datetime) -> datetime:
        """When the machine's clock shows what this clock calls ``instant``."""
        return instant - self._read_offset()

    def today(self) -> date:
        """The business day in America/Guayaquil."""
        return to_local_date(self.now())

    def _read_offset(self) -> timedelta:
        try:
            state = self._file.stat()
        except FileNotFoundError:
            return timedelta()
        seen = (state.st_mtime_ns, state.st_ino)
        if seen != self._seen:
            self._offset = timedelta(seconds=float(self._file.read_text()))
            self._seen = seen
        return self._offset
