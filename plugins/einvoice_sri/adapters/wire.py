"""HTTP/1.1 with persistent connections, of each thread its own, that knows what it has sent.

The only question a caller has after a failure is whether the request may have arrived; each error
answers it. Nothing is repeated here, except on a kept connection that the server had closed before
a byte of the answer *and* refused to take the request's bytes.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock, local
from urllib.parse import urlsplit

from plugins.einvoice_sri.adapters.http11 import Answer, BadAnswer, CutShort, Reader, TooLong

__all__ = ["Answer", "Timeouts", "Wire", "WireError"]

MAX_ANSWER = 8 * 1024 * 1024
_GRACE = 1.0
IDLE_SECONDS = 15.0  # SRI's balancer and ours close earlier than most; do not reuse older ones


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect and to have the whole answer."""

    connect: float = 10.0
    read: float = 30.0


class WireError(Exception):
    """No complete answer. ``delivered`` False: the request surely did not reach the server."""

    def __init__(self, kind: str, detail: str, *, delivered: bool | None) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.delivered = delivered


@dataclass(frozen=True, slots=True)
class _Head:
    server: str
    host: str
    port: int
    is_tls: bool
    lines: bytes  # the request up to the number in Content-Length


@dataclass(slots=True)
class _Kept:
    sock: socket.socket
    used_at: float


class Wire:
    """Posts to any number of addresses; safe from many threads."""

    def __init__(
        self, timeouts: Timeouts | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self._context = context
        self._local = local()
        self._all: list[socket.socket] = []
        self._lock = Lock()

    def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post ``body`` and read the whole answer. Raises ``WireError``."""
        (answer,) = self.post_all(address, (body,), headers)
        if isinstance(answer, WireError):
            raise answer
        return answer

    def post_all(
        self, address: str, bodies: Sequence[bytes], headers: Mapping[str, str]
    ) -> list[Answer | WireError]:
        """Post each body over a connection of its own: all are on their way before the first answer is
        waited for. The answers come in the order of the bodies, an error in the place of its call.

        The last one is waited for first: by then the others are here as a rule, and the process has
        slept once instead of once for each.
        """
        head = _head(address, tuple(headers.items()))
        calls = [self._send(head, body) for body in bodies]
        answers = [
            call if isinstance(call, WireError) else self._read(head, *call)
            for call in reversed(calls)
        ]
        return answers[::-1]

    def close(self) -> None:
        """Close every connection of every thread."""
        with self._lock:
            for sock in self._all:
                sock.close()
            self._all.clear()
        self._local = local()

    def _pool(self, server: str) -> list[_Kept]:
        """This thread's idle connections to a server."""
        pools: dict[str, list[_Kept]] | None = getattr(self._local, "pools", None)
        if pools is None:
            pools = self._local.pools = {}
        return pools.setdefault(server, [])

    def _kept(self, server: str) -> socket.socket | None:
        pool = self._pool(server)
        while pool:
            kept = pool.pop()
            if time.monotonic() - kept.used_at <= IDLE_SECONDS and not _was_closed(kept.sock):
                return kept.sock
            self._drop(kept.sock)
        return None

    def _send(self, head: _Head, body: bytes) -> tuple[socket.socket, float] | WireError:
        """The connection that took the request, and until when its answer is waited for."""
        request = b"%b%d\r\n\r\n%b" % (head.lines, len(body), body)
        try:
            kept = self._kept(head.server)
            if kept is not None:
                try:
                    return self._put(kept, request)
                except WireError as error:
                    if error.delivered is not False:  # else it was dead before it took the request
                        raise
            return self._put(self._connect(head), request)
        except WireError as error:
            return error

    def _put(self, sock: socket.socket, request: bytes) -> tuple[socket.socket, float]:
        waits = self.timeouts.read
        deadline = time.monotonic() + waits
        try:
            if sock.gettimeout() != waits:
                sock.settimeout(waits)
            sock.sendall(request)
        except TimeoutError as error:
            self._drop(sock)
            raise WireError("timeout", str(error), delivered=None) from error
        except OSError as error:
            self._drop(sock)
            # a half-sent request can't be understood: its Content-Length never arrives
            raise WireError("broken", str(error), delivered=False) from error
        return sock, deadline

    def _read(self, head: _Head, sock: socket.socket, deadline: float) -> Answer | WireError:
        waits = self.timeouts.read
        # an answer that had to wait until another one was read may well be here
        deadline = max(deadline, time.monotonic() + min(_GRACE, waits))
        try:
            answer = Reader(sock, deadline=deadline, most=MAX_ANSWER, waits=waits).answer()
        except TimeoutError as error:
            failure = WireError("timeout", str(error), delivered=None)
        except CutShort as error:
            failure = WireError("truncated", str(error), delivered=True)
        except TooLong as error:
            failure = WireError("too-long", str(error), delivered=True)
        except (OSError, BadAnswer) as error:
            failure = WireError("broken", str(error), delivered=None)
        else:
            if answer.closes:
                self._drop(sock)
            else:
                self._pool(head.server).append(_Kept(sock, time.monotonic()))
            return answer
        self._drop(sock)
        return failure

    def _connect(self, head: _Head) -> socket.socket:
        try:
            sock = socket.create_connection((head.host, head.port), self.timeouts.connect)
        except TimeoutError as error:
            raise WireError("connect-timeout", str(error), delivered=False) from error
        except (OSError, UnicodeError) as error:
            raise WireError("unreachable", str(error), delivered=False) from error
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if head.is_tls:
                self._context = self._context or ssl.create_default_context()
                sock = self._context.wrap_socket(sock, server_hostname=head.host)
        except TimeoutError as error:
            sock.close()
            raise WireError("connect-timeout", str(error), delivered=False) from error
        except (OSError, ValueError) as error:
            sock.close()
            raise WireError("unreachable", str(error), delivered=False) from error
        with self._lock:
            self._all.append(sock)
        return sock

    def _drop(self, sock: socket.socket) -> None:
        sock.close()
        with self._lock:
            if sock in self._all:
                self._all.remove(sock)


@lru_cache(maxsize=64)
def _head(address: str, headers: tuple[tuple[str, str], ...]) -> _Head:
    """The request up to the number in Content-Length. Raises ``ValueError`` for an odd address."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an address: {address}")
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in a header")
    text = "\r\n".join([*lines, "Content-Length: "])
    return _Head(
        server=f"{parts.scheme}://{parts.netloc}",
        host=parts.hostname,
        port=parts.port or (443 if is_tls else 80),
        is_tls=is_tls,
        lines=text.encode("latin-1"),
    )


def _was_closed(sock: socket.socket) -> bool:
    """Has the server closed (or said something unasked on) an idle connection?"""
    try:
        readable, _, _ = select.select([sock], [], [], 0)
    except (OSError, ValueError):
        return True
    return bool(readable)
