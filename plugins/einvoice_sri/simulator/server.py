"""The simulator over HTTP: many threads, persistent connections, loopback only."""

from __future__ import annotations

import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from plugins.einvoice_sri.simulator.site import MAX_REQUEST, Reply, Request, Site

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class SimulatorServer(ThreadingHTTPServer):
    """Serves one ``Site``. ``stopping`` releases the threads that hold a caller on purpose."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, site: Site, port: int = 0, host: str = "127.0.0.1") -> None:
        if host not in LOOPBACK:
            raise ValueError("the simulator listens on loopback only")
        self.site = site
        self.stopping = Event()
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """The address, without a path."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that went away is no news; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SimulatorServer
    wbufsize = 64 * 1024  # head and body of an answer leave together
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_REQUEST:
            self._send(Reply(413, "text/plain", b""))
            self.close_connection = True
            return
        request = Request(
            method=self.command,
            target=self.path,
            body=self.rfile.read(length) if length else b"",
            host=self.headers.get("Host", ""),
            origin=self.headers.get("Origin", ""),
        )
        try:
            reply = self.server.site.answer(request)
        except Exception:  # noqa: BLE001  a fault of the simulator must not look like one of SRI's
            traceback.print_exc()
            reply = Reply(501, "text/plain", b"SIMULACION: the simulator itself failed")
        if reply.delay:
            self.server.stopping.wait(reply.delay)
        if reply.ending == "hold":
            self._hold()
        elif reply.ending == "drop":
            self._hang_up()
        else:
            self._send(reply)

    def _hold(self) -> None:
        """Keep the caller waiting until it gives up or the server stops."""
        self.connection.settimeout(0.2)
        while not self.server.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("X-Yupana", "SIMULACION")
        if reply.location:
            self.send_header("Location", reply.location)
        self.end_headers()
        if reply.ending == "truncate":
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.wfile.flush()
            self._hang_up()
            return
        self.wfile.write(reply.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """The control page tells what happened; the terminal stays quiet."""


@contextmanager
def serving(site: Site, port: int = 0) -> Iterator[SimulatorServer]:
    """Serve in a thread of this process until the block ends."""
    server = SimulatorServer(site, port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
