"""One HTTP/1.1 exchange over an open socket: what ``http.client`` does, at a fifth of its price.

It reads what a web service may answer (lengths, chunks, until the connection closes) and nothing
else: no redirects, no cookies, no decompression. The whole answer has one deadline, so that a server
that drips cannot hold a worker.
"""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from math import inf

MAX_HEAD = 64 * 1024
_RECEIVE = 64 * 1024
_WITHOUT_BODY = frozenset({204, 304})
_STATUS = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})")
_FIELD = re.compile(
    rb"\r\n(connection|content-length|content-type|transfer-encoding):([^\r]*)", re.IGNORECASE
)


class BadAnswer(Exception):
    """What came is no HTTP answer."""


class CutShort(Exception):
    """The connection ended in the middle of an answer of which the head had arrived."""


class TooLong(Exception):
    """The answer is longer than the caller takes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, content type, body; ``closes``: the connection is of no more use."""

    status: int
    content_type: str
    body: bytes
    closes: bool = False


class Reader:
    """Reads one answer. ``deadline`` is in ``time.monotonic`` seconds; ``most`` bounds the body;
    ``waits`` is the time-out that the socket has: it is changed only where a tenth is gone.
    """

    def __init__(
        self, sock: socket.socket, *, deadline: float, most: int, waits: float = inf
    ) -> None:
        self._sock = sock
        self._deadline = deadline
        self._most = most
        self._waits = waits
        self._data = bytearray()
        self._is_at_end = False

    def answer(self) -> Answer:
        """The final answer, informational ones skipped.

        Raises ``TimeoutError``, ``OSError``, ``BadAnswer``, ``CutShort`` or ``TooLong``.
        """
        status, is_old, fields = self._head()
        while 100 <= status < 200:
            status, is_old, fields = self._head()
        tokens = fields.get(b"connection", b"").lower()
        closes = b"close" in tokens or (is_old and b"keep-alive" not in tokens)
        content_type = fields.get(b"content-type", b"").strip().decode("latin-1")
        if status in _WITHOUT_BODY:
            return Answer(status, content_type, b"", closes)
        if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
            body = self._chunks()
        elif b"content-length" in fields:
            body = self._exactly(_number(fields[b"content-length"], 10))
        else:
            body, closes = self._rest(), True
        return Answer(status, content_type, body, closes or bool(self._data))

    def _head(self) -> tuple[int, bool, dict[bytes, bytes]]:
        """Status, whether it is HTTP/1.0, and the fields that matter here."""
        seen = 0
        while (end := self._data.find(b"\r\n\r\n", seen)) < 0:
            if len(self._data) > MAX_HEAD:
                raise BadAnswer("the head is too long")
            seen = max(0, len(self._data) - 3)
            if not self._more():
                if self._data:
                    raise CutShort(f"{len(self._data)} bytes of the head")
                raise BadAnswer("the connection was closed without an answer")
        head = bytes(self._data[:end])
        del self._data[: end + 4]
        status = _STATUS.match(head)
        if status is None:
            raise BadAnswer(f"no HTTP: {head[:60]!r}")
        fields = {name.lower(): value for name, value in _FIELD.findall(head)}
        return int(status[2]), status[1] == b"0", fields

    def _exactly(self, size: int) -> bytes:
        if size > self._most:
            raise TooLong(f"{size} bytes")
        while len(self._data) < size:
            if not self._more():
                raise CutShort(f"{len(self._data)} of {size} bytes")
        found = bytes(self._data[:size])
        del self._data[:size]
        return found

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := _number(self._line().partition(b";")[0], 16):
            if len(body) + size > self._most:
                raise TooLong(f"more than {self._most} bytes")
            body += self._exactly(size)
            if self._line():
                raise BadAnswer("a chunk is longer than it says")
        while self._line():
            pass  # trailers
        return bytes(body)

    def _line(self) -> bytes:
        while (end := self._data.find(b"\r\n")) < 0:
            if len(self._data) > MAX_HEAD:
                raise BadAnswer("a line is too long")
            if not self._more():
                raise CutShort("in the middle of a chunk")
        found = bytes(self._data[:end])
        del self._data[: end + 2]
        return found

    def _rest(self) -> bytes:
        while self._more():
            if len(self._data) > self._most:
                raise TooLong(f"more than {self._most} bytes")
        found = bytes(self._data)
        self._data.clear()
        return found

    def _more(self) -> bool:
        """Wait for more bytes; False when the server has said everything."""
        if self._is_at_end:
            return False
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        if left < self._waits * 0.9:
            self._waits = left
            self._sock.settimeout(left)
        got = self._sock.recv(_RECEIVE)
        self._is_at_end = not got
        self._data += got
        return bool(got)


def _number(text: bytes, base: int) -> int:
    digits = text.strip()
    if not digits.isalnum() or len(digits) > 15:
        raise BadAnswer(f"no length: {digits[:20]!r}")
    try:
        return int(digits, base)
    except ValueError as error:
        raise BadAnswer(f"no length: {digits[:20]!r}") from error
