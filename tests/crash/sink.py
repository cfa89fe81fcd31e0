"""An SMTP server for crash tests: it takes everything and remembers Message-ID and recipient."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes


class MailSink(socketserver.ThreadingTCPServer):
    """A mail counts as taken before the client hears so: a client killed meanwhile does not know."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.talking = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Session)

    @property
    def url(self) -> str:
        """For ``YUPANA_SMTP_URL``."""
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Session(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
        with self.server.lock:
            self.server.talking += 1
        try:
            with suppress(ConnectionError):  # the client was killed: that is what happens here
                self._serve()
        finally:
            with self.server.lock:
                self.server.talking -= 1

    def _serve(self) -> None:
        recipient = ""
        self._say("220 sink")
        for line in self.rfile:
            word = line[:4].upper()
            if word in (b"EHLO", b"HELO"):
                self._say("250 sink")
            elif word == b"RCPT":
                recipient = line.split(b"<")[1].split(b">")[0].decode()
                self._say("250 ok")
            elif word == b"DATA":
                self._say("354 go")
                self._take(recipient)
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take(self, recipient: str) -> None:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                found = message_from_bytes(b"".join(lines))
                self.server.taken.append((found["Message-ID"], recipient))
                self._say("250 taken")
                return
            lines.append(line)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


@contextmanager
def taking_mail() -> Iterator[MailSink]:
    """Listen in a thread of this process until the block ends."""
    sink = MailSink()
    listening = threading.Thread(target=sink.serve_forever, args=(0.05,), daemon=True)
    listening.start()
    try:
        yield sink
    finally:
        sink.shutdown()
        sink.server_close()
        listening.join()
