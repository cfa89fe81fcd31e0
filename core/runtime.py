"""What a process of the installation works with: settings, clock, keys, mail.

Assembled once at the edge (commands, web, workers); services never look here, they get arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from core.adapters.clock import SharedClock, SystemClock
from core.adapters.keyring import Keyring, open_keyring
from core.adapters.smtp_mailer import open_mailer
from core.contracts.ports import Mailer
from core.errors import SetupError
from core.settings import Settings


class RunningClock(Protocol):
    """A clock that can also say when the machine's own clock will show an instant."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...

    def today(self) -> date:
        """The business day in America/Guayaquil."""
        ...

    def machine_time(self, instant: datetime) -> datetime:
        """When the machine's clock shows what this clock calls ``instant``."""
        ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """The adapters of this process, chosen by its settings."""

    settings: Settings
    clock: RunningClock
    keyring: Keyring
    mailer: Mailer


def assemble(settings: Settings) -> Runtime:
    """The runtime that the settings ask for. Creates ``<home>/master.key`` on the first start.

    Raises ``SetupError`` with the remedy.
    """
    return Runtime(
        settings=settings,
        clock=SharedClock(settings.clock_file) if settings.demo else SystemClock(),
        keyring=open_keyring(settings),
        mailer=open_mailer(settings),
    )


_current: Runtime | None = None


def use(given: Runtime | None) -> None:
    """Make it the runtime of this process (None: none)."""
    global _current
    _current = given


def current() -> Runtime:
    """The runtime of this process. Raises ``SetupError`` before ``use``."""
    if _current is None:
        raise SetupError(
            "The process is not set up yet: start through the command line or create_app."
        )
    return _current


def clock() -> RunningClock:
    """The clock of this process; the machine's before it is set up."""
    return _current.clock if _current is not None else SystemClock()


def keyring() -> Keyring:
    """The keys of this installation."""
    return current().keyring


def mailer() -> Mailer:
    """How mail leaves."""
    return current().mailer
