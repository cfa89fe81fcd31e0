"""The outside world as the product sees it. Adapters live in ``core/adapters``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is. Only edges (views, jobs, commands) ask. A demo's clock may differ from the machine's."""

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
    unsubscribe: str = (
        ""  # address of one click without sign-in that ends mails of this kind (RFC 8058)
    )


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
