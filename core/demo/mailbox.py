"""The demo's mailbox: a real SMTP server that keeps every mail, and a page that shows them.

Mails are files (``<home>/mail/000001.eml``), so they survive a restart. Both listen on loopback only.
"""

from __future__ import annotations

import email
import json
import signal
import sys
import threading
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from core.adapters.clock import ECUADOR
from core.i18n import _
from core.processes import follow_parent

LOOPBACK = "127.0.0.1"
PATIENCE_S = 60.0  # a busy machine may be slow; a server that answers ends the wait at once
CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; base-uri 'none'"
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark;overflow-wrap:anywhere}"
    "table{width:100%;border-collapse:collapse}"
    "td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #8884}"
    "td+td+td{white-space:nowrap}"
    "iframe{width:100%;height:80vh;min-height:34rem;border:1px solid #8884;background:#fff}"
    ".note{padding:.5rem .8rem;border-left:4px solid #b45309}"
    "@media(max-width:40rem){"  # a phone: subject, receiver and moment under each other
    "tr:first-child{display:none}"
    "td{display:block;border:0;padding:0}td:first-child{padding-top:.6rem}"
    "td:last-child{padding-bottom:.6rem;border-bottom:1px solid #8884}}"
)


class Sink:
    """Keeps what arrives: one file per mail, numbered in order of arrival."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._last = max((int(file.stem) for file in folder.glob("*.eml")), default=0)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Aiosmtpd's hook: a whole mail is here. A mail seen before (a repeat) is kept again."""
        content = envelope.content or b""
        data = content if isinstance(content, bytes) else content.encode()
        with self._lock:
            self._last += 1
            draft = self.folder / f"{self._last:06d}.part"
            draft.write_bytes(data)
            draft.replace(draft.with_suffix(".eml"))
        return "250 OK"

    def numbers(self) -> list[int]:
        """The mails, latest first."""
        return sorted((int(file.stem) for file in self.folder.glob("*.eml")), reverse=True)

    def raw(self, number: int) -> bytes | None:
        """A mail as it came; None when there is no such mail."""
        file = self.folder / f"{number:06d}.eml"
        return file.read_bytes() if file.exists() else None

    def message(self, number: int) -> EmailMessage | None:
        """A mail, read."""
        data = self.raw(number)
        return None if data is None else parsed(data)

    def summary(self, number: int) -> dict[str, Any]:
        """What a list shows of a mail."""
        mail = self.message(number)
        if mail is None:
            return {}
        return {
            "number": number,
            "message_id": str(mail["Message-ID"] or ""),
            "from": str(mail["From"] or ""),
            "to": str(mail["To"] or ""),
            "subject": str(mail["Subject"] or ""),
            "date": str(mail["Date"] or ""),
            "attachments": [part.get_filename() or "" for part in mail.iter_attachments()],
        }


def parsed(data: bytes) -> EmailMessage:
    """A mail from its bytes."""
    message = email.message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)
    return message


class _Pages(BaseHTTPRequestHandler):
    sink: Sink

    def do_GET(self) -> None:
        """``/``, ``/mails.json``, ``/<n>``, ``/<n>.eml``, ``/<n>/html``, ``/<n>/<attachment>``."""
        parts = [one for one in self.path.split("?")[0].split("/") if one]
        if not parts:
            self._send(_index(self.sink), "text/html")
        elif parts == ["mails.json"]:
            listed = [self.sink.summary(number) for number in self.sink.numbers()]
            self._send(json.dumps(listed).encode(), "application/json")
        elif parts[0].removesuffix(".eml").isdigit():
            self._mail(int(parts[0].removesuffix(".eml")), parts)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _mail(self, number: int, parts: list[str]) -> None:
        mail, raw = self.sink.message(number), self.sink.raw(number)
        if mail is None or raw is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif parts[0].endswith(".eml"):
            self._send(raw, "message/rfc822")
        elif len(parts) == 1:
            self._send(_page(number, mail), "text/html")
        elif parts[1] == "html":
            body = mail.get_body(("html", "plain"))
            shown = body.get_content() if body else ""
            self._send(f"<base target='_blank'>{shown}".encode(), "text/html")
        else:
            found = dict(enumerate(mail.iter_attachments())).get(
                int(parts[1]) if parts[1].isdigit() else -1
            )
            if found is None:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            self._send(
                found.get_payload(decode=True) or b"",
                "application/octet-stream",
                filename=found.get_filename() or "file",
            )

    def _send(self, body: bytes | Any, kind: str, *, filename: str = "") -> None:
        self.send_response(HTTPStatus.OK)
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        self.send_header("Content-Type", kind + charset)
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", str(len(body)))
        if filename:
            safe = "".join(c for c in filename if c.isalnum() or c in "._-")
            self.send_header("Content-Disposition", f'attachment; filename="{safe}"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (http.server's name)
        """Quiet: a mailbox page is looked at often."""


def _frame(title: str, body: str) -> bytes:
    return (
        f"<!doctype html><html lang='es'><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width'><title>{escape(title)}</title>"
        f"<style>{STYLE}</style><main><h1>{escape(title)}</h1>"
        f"<p class='note'>{escape(_('Demo: no mail leaves this computer.'))}</p>{body}</main></html>"
    ).encode()


def _moment(date: str) -> str:
    """The day and time of a mail's Date in Guayaquil; as it stands where it is none."""
    try:
        return f"{parsedate_to_datetime(date).astimezone(ECUADOR):%d/%m/%Y %H:%M}"
    except ValueError:
        return date


def _index(sink: Sink) -> bytes:
    rows = "".join(
        f"<tr><td><a href='/{one['number']}'>{escape(one['subject'])}</a></td><td>{escape(one['to'])}</td>"
        f"<td>{escape(_moment(one['date']))}</td></tr>"
        for one in map(sink.summary, sink.numbers())
        if one
    )
    head = "".join(f"<th>{escape(word)}</th>" for word in (_("Subject"), _("To"), _("Date")))
    empty = f"<p>{escape(_('Nothing has been mailed yet.'))}</p>"
    return _frame(_("Mailbox"), f"<table><tr>{head}</tr>{rows}</table>" if rows else empty)


def _page(number: int, mail: EmailMessage) -> bytes:
    files = "".join(
        f"<li><a href='/{number}/{nth}'>{escape(part.get_filename() or '')}</a></li>"
        for nth, part in enumerate(mail.iter_attachments())
    )
    # links in the mail open in a new tab; its scripts never run
    frame = (
        f"<iframe title='{escape(_('Mail'))}' src='/{number}/html'"
        " sandbox='allow-popups allow-popups-to-escape-sandbox'></iframe>"
    )
    return _frame(
        str(mail["Subject"] or ""),
        f"<p>{escape(str(mail['From'] or ''))} → {escape(str(mail['To'] or ''))}</p>{frame}<ul>{files}</ul>"
        f"<p><a href='/{number}.eml'>.eml</a> · <a href='/'>{escape(_('Mailbox'))}</a></p>",
    )


class Mailbox:
    """The SMTP server and the page, until ``close``. Port 0 takes any free one."""

    def __init__(self, folder: Path, *, smtp_port: int, port: int) -> None:
        self.sink = Sink(folder)
        self._smtp = Controller(
            self.sink, hostname=LOOPBACK, port=smtp_port, ready_timeout=PATIENCE_S
        )
        self._smtp.start()
        handler = type("Pages", (_Pages,), {"sink": self.sink})
        self._web = ThreadingHTTPServer((LOOPBACK, port), handler)
        self._thread = threading.Thread(target=self._web.serve_forever, name="mailbox", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self._web.server_port}"

    def close(self) -> None:
        """Stop both."""
        self._web.shutdown()
        self._web.server_close()
        self._thread.join()
        self._smtp.stop()


def main(folder: str, smtp_port: str, port: str) -> None:
    """A process of its own: keep a mailbox open until SIGTERM."""
    follow_parent()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    box = Mailbox(Path(folder), smtp_port=int(smtp_port), port=int(port))
    try:
        stop.wait()
    finally:
        box.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
