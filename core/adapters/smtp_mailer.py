"""Sends mail through an SMTP server; its sibling for installations without one refuses politely."""

from __future__ import annotations

import smtplib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.errors import HeaderParseError
from email.message import EmailMessage
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from core.adapters.mime import build, is_plain, written
from core.contracts.ports import Mail, Mailer, MailError
from core.errors import SetupError
from core.i18n import _
from core.settings import Settings

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

TIMEOUT_SECONDS = 20


class SmtpMailer:
    """One connection per mail, or per block of ``together``: ``smtp://user:password@host:port``, ``smtps://…``, ``?starttls=1``."""

    def __init__(self, url: str, *, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise SetupError(_("YUPANA_SMTP_URL looks like smtp://user:password@host:port."))
        self._host = parts.hostname
        self._is_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 25)
        self._starttls = parse_qs(parts.query).get("starttls", ["0"])[0] == "1"
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender
        self._own = threading.local()

    def send(self, mail: Mail) -> None:
        """Hand the mail to the server. Raises ``MailError``; permanent when trying again is useless."""
        try:
            message = self._message(mail)
        except (ValueError, IndexError, HeaderParseError) as error:
            raise MailError(f"{mail.to!r} is not a mail address: {error}", permanent=True) from None
        try:
            with self._connection() as server:
                if isinstance(message, bytes):
                    server.sendmail(self._sender, [mail.to], message)
                else:
                    server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = next(iter(error.recipients.values()))
            raise MailError(_said(code, reason), permanent=code >= 500) from None
        except smtplib.SMTPResponseException as error:
            raise MailError(
                _said(error.smtp_code, error.smtp_error), permanent=error.smtp_code >= 500
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(f"the mail server does not answer: {error}", permanent=False) from None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send the mails of this block, in this thread, over one connection while it lasts."""
        self._own.is_kept = True
        try:
            yield
        finally:
            self._own.is_kept = False
            self._let_go()

    def _message(self, mail: Mail) -> bytes | EmailMessage:
        if is_plain(mail.to) and is_plain(self._sender):
            return written(mail, sender=self._sender)
        return build(mail, sender=self._sender)

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        if not getattr(self._own, "is_kept", False):
            with self._connect() as server:
                yield server
            return
        server = self._alive() or self._connect()
        self._own.server = server
        try:
            yield server
        except smtplib.SMTPResponseException:
            raise  # an answer about one mail; smtplib has reset the conversation
        except smtplib.SMTPRecipientsRefused:
            raise
        except BaseException:
            self._own.server = None
            server.close()
            raise

    def _alive(self) -> smtplib.SMTP | None:
        """The kept connection when the server still answers on it."""
        server: smtplib.SMTP | None = getattr(self._own, "server", None)
        if server is None:
            return None
        try:
            if server.noop()[0] == 250:
                return server
        except (OSError, smtplib.SMTPException):
            pass
        self._own.server = None
        server.close()
        return None

    def _let_go(self) -> None:
        server: smtplib.SMTP | None = getattr(self._own, "server", None)
        self._own.server = None
        if server is not None:
            try:
                server.quit()
            except (OSError, smtplib.SMTPException):
                server.close()

    def _connect(self) -> smtplib.SMTP:
        if self._is_tls:
            server: smtplib.SMTP = _TlsServer(
                self._host, self._port, timeout=TIMEOUT_SECONDS, context=_tls()
            )
        else:
            server = _Server(self._host, self._port, timeout=TIMEOUT_SECONDS)
        try:
            if self._starttls:
                server.starttls(context=_tls())
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server


class _Server(smtplib.SMTP):
    """The library's client, but for the doubling of leading dots: its regular expression looks at
    every letter of every attachment.
    """

    def data(self, msg: Buffer | str) -> tuple[int, bytes]:
        """Hand over a message whose lines end as SMTP wants it; the server's last word."""
        if isinstance(msg, str):
            return super().data(msg)
        self.putcmd("data")
        code, said = self.getreply()
        if code != 354:
            raise smtplib.SMTPDataError(code, said)
        text = (b"\r\n" + bytes(msg).removesuffix(b"\r\n")).replace(b"\r\n.", b"\r\n..")
        self.send(text[2:] + b"\r\n.\r\n")
        return self.getreply()


class _TlsServer(_Server, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


@cache
def _tls() -> ssl.SSLContext:
    """Made once, and only where it is used: reading the system's authorities takes 40 ms."""
    return ssl.create_default_context()


class NullMailer:
    """For an installation without a mail server: nothing leaves, whoever sends hears why."""

    def send(self, mail: Mail) -> None:
        """Raises ``MailError`` that says what to set; not permanent, the mail leaves once it is set."""
        raise MailError("no mail server: set YUPANA_SMTP_URL", permanent=False)


def open_mailer(settings: Settings) -> Mailer:
    """The mailer the settings ask for."""
    url = settings.smtp_url.get_secret_value()
    return SmtpMailer(url, sender=settings.mail_from) if url else NullMailer()


def _said(code: int, reason: bytes | str) -> str:
    words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return f"the mail server said {code} {words}"
