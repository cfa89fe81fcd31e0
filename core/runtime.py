"""What a process of the installation works with: settings, clock, keys, mail.

Assembled once at the edge (commands, web, workers); services never look here, they get arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from core.adapters.clock import SharedClock, SystemClock
from core.adapters.keyring import Keyring, open_keyring
from core.adapters.smtp_mailer import open_mailer
from core.contracts.ports import Clock, Mailer
from core.errors import SetupError
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Runtime:
    """The adapters of this process, chosen by its settings."""

    settings: Settings
    clock: Clock
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


def clock() -> Clock:
    """The clock of this process; the machine's before it is set up."""
    return _current.clock if _current is not None else SystemClock()


def keyring() -> Keyring:
    """The keys of this installation."""
    return current().keyring


def mailer() -> Mailer:
    """How mail leaves."""
    return current().mailer


@contextmanager
def mailing() -> Iterator[Mailer]:
    """The mailer for several mails in a row: over one connection, where the mailer keeps one."""
    chosen = mailer()
    with getattr(chosen, "together", nullcontext)():
        yield chosen
