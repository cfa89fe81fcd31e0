"""The outside world as the product sees it. Adapters live in ``core/adapters``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol


class Clock(Protocol):
    """What time it is. Only edges (views, jobs, commands) ask."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...

    def today(self) -> date:
        """The business day in America/Guayaquil."""
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail."""

    filename: str
    media_type: str  # "application/pdf"
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail ready to go. ``message_id`` is decided by the caller so that a repeat is the same mail."""

    message_id: str  # without angle brackets
    to: str
    subject: str
    text: str
    html: str
    sender_name: str = ""
    reply_to: str = ""
    sent_at: datetime | None = None  # the Date header
    attachments: tuple[Attachment, ...] = ()


class MailError(Exception):
    """A mail did not leave. ``permanent`` says that trying again is useless."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class Mailer(Protocol):
    """Sends mail; returns once the server has taken it."""

    def send(self, mail: Mail) -> None:
        """Hand the mail to the server. Raises ``MailError``."""
        ...


class SecretStore(Protocol):
    """Envelope encryption under the master key of the installation."""

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt; ``context`` (table, column, tenant) is bound to the result."""
        ...

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt. Raises ``SecretUnreadable`` when key or context differ."""
        ...


class JobQueue(Protocol):
    """Defers work to the workers, inside the transaction at hand."""

    def defer(
        self,
        session: Any,
        task: str,
        args: Mapping[str, Any],
        *,
        at: datetime | None = None,
        priority: int = 0,
        lock: str | None = None,
        queueing_lock: str | None = None,
    ) -> None:
        """Add one job; it exists if and only if the session commits."""
        ...
