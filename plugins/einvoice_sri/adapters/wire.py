"""HTTP/1.1 with persistent connections, one per thread and server, that knows what it has sent.

The only question a caller has after a failure is whether the request may have arrived; each error
answers it. Nothing is repeated here, except on a kept connection that the server had closed before
a byte of the answer *and* refused to take the request's bytes.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock, local
from urllib.parse import SplitResult, urlsplit

MAX_ANSWER = 8 * 1024 * 1024
IDLE_SECONDS = 15.0  # SRI's balancer and ours close earlier than most; do not reuse older ones


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect and to wait for the answer."""

    connect: float = 10.0
    read: float = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, content type and body."""

    status: int
    content_type: str
    body: bytes


class WireError(Exception):
    """No complete answer. ``delivered`` False: the request surely did not reach the server."""

    def __init__(self, kind: str, detail: str, *, delivered: bool | None) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.delivered = delivered


@dataclass(slots=True)
class _Kept:
    connection: http.client.HTTPConnection
    used_at: float


class Wire:
    """Posts to any number of addresses; safe from many threads."""

    def __init__(
        self, timeouts: Timeouts | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self._context = context
        self._local = local()
        self._all: list[http.client.HTTPConnection] = []
        self._lock = Lock()

    def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post ``body`` and read the whole answer. Raises ``WireError``."""
        parts = urlsplit(address)
        kept = self._kept(parts)
        if kept is not None:
            answer = self._try_kept(kept, parts, body, headers)
            if answer is not None:
                return answer
        connection = self._connect(parts)
        return self._exchange(connection, parts, body, headers)

    def close(self) -> None:
        """Close every connection of every thread."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = local()

    def _pool(self) -> dict[str, _Kept]:
        pool: dict[str, _Kept] | None = getattr(self._local, "pool", None)
        if pool is None:
            pool = self._local.pool = {}
        return pool

    def _kept(self, parts: SplitResult) -> http.client.HTTPConnection | None:
        kept = self._pool().pop(parts.scheme + parts.netloc, None)
        if kept is None:
            return None
        if time.monotonic() - kept.used_at > IDLE_SECONDS or _was_closed(kept.connection):
            self._drop(kept.connection)
            return None
        return kept.connection

    def _try_kept(
        self,
        connection: http.client.HTTPConnection,
        parts: SplitResult,
        body: bytes,
        headers: Mapping[str, str],
    ) -> Answer | None:
        """The answer over a kept connection; None when it was dead before it took the request."""
        try:
            return self._exchange(connection, parts, body, headers)
        except WireError as error:
            if error.delivered is False:
                return None
            raise

    def _connect(self, parts: SplitResult) -> http.client.HTTPConnection:
        host, port = parts.hostname or "", parts.port
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = self._context or ssl.create_default_context()
            self._context = context
            connection = http.client.HTTPSConnection(
                host, port, timeout=self.timeouts.connect, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self.timeouts.connect)
        try:
            connection.connect()
        except TimeoutError as error:
            connection.close()
            raise WireError("connect-timeout", str(error), delivered=False) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise WireError("unreachable", str(error), delivered=False) from error
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._all.append(connection)
        return connection

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        parts: SplitResult,
        body: bytes,
        headers: Mapping[str, str],
    ) -> Answer:
        connection.sock.settimeout(self.timeouts.read)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        sent = False
        try:
            connection.putrequest("POST", path, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            sent = True
            response = connection.getresponse()
            content = response.read(MAX_ANSWER + 1)
        except TimeoutError as error:
            self._drop(connection)
            raise WireError("timeout", str(error), delivered=None) from error
        except http.client.IncompleteRead as error:
            self._drop(connection)
            raise WireError("truncated", f"{len(error.partial)} bytes", delivered=True) from error
        except (OSError, http.client.HTTPException) as error:
            self._drop(connection)
            # a half-sent request can't be understood: its Content-Length never arrives
            raise WireError("broken", str(error), delivered=None if sent else False) from error
        if len(content) > MAX_ANSWER:
            self._drop(connection)
            raise WireError("too-long", f"more than {MAX_ANSWER} bytes", delivered=True)
        if response.will_close:
            self._drop(connection)
        else:
            self._pool()[parts.scheme + parts.netloc] = _Kept(connection, time.monotonic())
        return Answer(response.status, response.headers.get("Content-Type", ""), content)

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        connection.close()
        with self._lock:
            if connection in self._all:
                self._all.remove(connection)


def _was_closed(connection: http.client.HTTPConnection) -> bool:
    """Has the server closed (or said something unasked on) an idle connection?"""
    sock = connection.sock
    if sock is None:
        return True
    try:
        readable, _, _ = select.select([sock], [], [], 0)
    except (OSError, ValueError):
        return True
    return bool(readable)
