"""One HTTP/1.1 exchange over an open socket: what ``http.client`` does, at a fifth of its price.

It reads what a web service may answer (lengths, chunks, until the connection closes) and nothing
else: no redirects, no cookies, no decompression. The whole answer has one deadline, so that a server
that drips cannot hold a worker.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

MAX_HEAD = 64 * 1024
_RECEIVE = 64 * 1024
_WITHOUT_BODY = frozenset({204, 304})


class BadAnswer(Exception):
    """What came is no HTTP answer."""


class CutShort(Exception):
    """The connection ended in the middle of an answer of which the head had arrived."""


class TooLong(Exception):
    """The answer is longer than the caller takes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, content type, body; ``closes``: the connection is of no more use."""

    status: int
    content_type: str
    body: bytes
    closes: bool


class Reader:
    """Reads one reply. ``deadline`` is in ``time.monotonic`` seconds; ``most`` bounds the body."""

    def __init__(self, sock: socket.socket, *, deadline: float, most: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._most = most
        self._data = bytearray()
        self._is_at_end = False

    def reply(self) -> Reply:
        """The final reply, informational ones skipped.

        Raises ``TimeoutError``, ``OSError``, ``BadAnswer``, ``CutShort`` or ``TooLong``.
        """
        status, fields, is_old = self._head()
        while 100 <= status < 200:
            status, fields, is_old = self._head()
        tokens = fields.get(b"connection", b"").lower()
        closes = b"close" in tokens or (is_old and b"keep-alive" not in tokens)
        content_type = fields.get(b"content-type", b"").decode("latin-1")
        if status in _WITHOUT_BODY:
            return Reply(status, content_type, b"", closes)
        if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
            body = self._chunks()
        elif b"content-length" in fields:
            body = self._exactly(_number(fields[b"content-length"], 10))
        else:
            body, closes = self._rest(), True
        return Reply(status, content_type, body, closes or bool(self._data))

    def _head(self) -> tuple[int, dict[bytes, bytes], bool]:
        seen = 0
        while (end := self._data.find(b"\r\n\r\n", seen)) < 0:
            if len(self._data) > MAX_HEAD:
                raise BadAnswer("the head is too long")
            seen = max(0, len(self._data) - 3)
            if not self._more():
                if self._data:
                    raise CutShort(f"{len(self._data)} bytes of the head")
                raise BadAnswer("the connection was closed without an answer")
        lines = bytes(self._data[:end]).split(b"\r\n")
        del self._data[: end + 4]
        version, _, rest = lines[0].partition(b" ")
        if version not in (b"HTTP/1.1", b"HTTP/1.0") or not rest[:3].isdigit():
            raise BadAnswer(f"no HTTP: {lines[0][:60]!r}")
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            fields[name.lower()] = value.strip()
        return int(rest[:3]), fields, version == b"HTTP/1.0"

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
