"""The wire against a server that says, byte for byte, what each case is about."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from plugins.einvoice_sri.adapters import wire as wires
from plugins.einvoice_sri.adapters.wire import Timeouts, Wire, WireError

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n\r\nhello"
HEADERS = {"SOAPAction": '""', "Content-Type": "text/xml; charset=utf-8"}


class Scripted:
    """Answers each request with the next text of its script; ``None`` closes the connection."""

    def __init__(self) -> None:
        self.script: list[bytes | None] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/service?wsdl"

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            with contextlib.suppress(OSError):  # the other side may be gone first
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        data = b""
        while got := connection.recv(65536):
            data += got
            head, _, body = data.partition(b"\r\n\r\n")
            length = head.rpartition(b"Content-Length: ")[2]
            if b"Content-Length" not in head or len(body) < int(length):
                continue
            self.requests.append(data)
            data = b""
            answer = self.script.pop(0)
            if answer is not None:
                connection.sendall(answer)
            if answer is None or self._is_last(answer):
                break
        connection.shutdown(socket.SHUT_RDWR)

    def _is_last(self, answer: bytes) -> bool:
        return b"keep" not in answer and answer != OK

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            one.close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Scripted]:
    made = Scripted()
    yield made
    made.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire(Timeouts(connect=30, read=30))
    yield made
    made.close()


def test_a_request_goes_out_whole_and_a_connection_serves_many(server, wire):
    server.script = [OK, OK, OK]
    for body in (b"one", b"two", b""):
        assert wire.post(server.address, body, HEADERS).body == b"hello"
    port = server.address.split(":")[2].split("/")[0]
    assert server.requests[0] == (
        b"POST /service?wsdl HTTP/1.1\r\nHost: 127.0.0.1:"
        + port.encode()
        + b'\r\nSOAPAction: ""\r\n'
        b"Content-Type: text/xml; charset=utf-8\r\nContent-Length: 3\r\n\r\none"
    )
    assert server.connections == 1


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (OK, 200, b"hello"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"hello"),
        (b"HTTP/1.1 500 Oops\r\n\r\nuntil the end", 500, b"until the end"),
        (b"HTTP/1.1 204 No Content\r\nX: keep\r\n\r\n", 204, b""),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nab", 200, b"ab"),
        (
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: keep\r\n\r\n"
                b"5;a=b\r\nhello\r\nA\r\n, chunked!\r\n0\r\nTrailer: x\r\n\r\n"
            ),
            200,
            b"hello, chunked!",
        ),
    ],
)  # fmt: skip
def test_what_servers_may_answer(server, wire, said: bytes, status: int, body: bytes):
    server.script = [said]
    answer = wire.post(server.address, b"x", HEADERS)
    assert (answer.status, answer.body) == (status, body)
    # The library reads the same.
    library = http.client.HTTPResponse(SimpleNamespace(makefile=lambda _mode: io.BytesIO(said)))
    library.begin()
    assert (library.status, library.read()) == (status, body)


@pytest.mark.parametrize(
    ("said", "kind", "delivered"),
    [
        (None, "broken", None),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "broken", None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "truncated", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", "truncated", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "truncated", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "broken", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n", "broken", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "broken", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "too-long", True),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "broken", None),
    ],
)
def test_what_is_no_answer_says_whether_it_arrived(server, wire, said, kind, delivered):
    server.script = [said]
    with pytest.raises(WireError) as caught:
        wire.post(server.address, b"x", HEADERS)
    assert (caught.value.kind, caught.value.delivered) == (kind, delivered)
    assert len(server.requests) == 1  # nothing is sent twice


def test_a_connection_that_the_server_closed_is_opened_again(server, wire):
    server.script = [OK, None, OK]
    wire.post(server.address, b"x", HEADERS)
    with pytest.raises(WireError):  # taken, then closed: it may have arrived
        wire.post(server.address, b"x", HEADERS)
    assert wire.post(server.address, b"x", HEADERS).body == b"hello"
    assert server.connections == 2


def test_an_idle_connection_is_not_trusted_for_long(server, wire, monkeypatch):
    server.script = [OK, OK]
    wire.post(server.address, b"x", HEADERS)
    monkeypatch.setattr(wires, "IDLE_SECONDS", -1.0)
    # the scripted server talks to one connection at a time: it sees the first one closed
    assert wire.post(server.address, b"x", HEADERS).body == b"hello"
    assert server.connections == 2


def test_the_whole_answer_has_one_deadline(server):
    quick = Wire(Timeouts(connect=30, read=0.2))
    server.script = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: keep\r\n\r\nhel"]
    with pytest.raises(WireError) as caught:
        quick.post(server.address, b"x", HEADERS)
    assert (caught.value.kind, caught.value.delivered) == ("timeout", None)
    quick.close()


def test_nobody_listens_or_the_address_is_none(wire):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(WireError) as caught:
        wire.post(f"http://127.0.0.1:{port}/", b"x", HEADERS)
    assert (caught.value.kind, caught.value.delivered) == ("unreachable", False)
    with pytest.raises(ValueError, match="not an address"):
        wire.post("ftp://127.0.0.1/", b"x", HEADERS)
    with pytest.raises(ValueError, match="line break"):
        wire.post("http://127.0.0.1/", b"x", {"X": "a\r\nY: b"})


class Meeting:
    """Answers a request when as many as are expected have arrived; one that says so is hung up on."""

    def __init__(self, expected: int) -> None:
        self._barrier = threading.Barrier(expected)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._threads = [threading.Thread(target=self._serve) for _ in range(expected)]
        for one in self._threads:
            one.start()

    def _serve(self) -> None:
        connection, _peer = self._listener.accept()
        with connection:
            while said := connection.recv(65536):
                self._barrier.wait(60)
                if said.endswith(b"hang up"):
                    return
                connection.sendall(OK.replace(b"hello", said[-5:]))

    def close(self) -> None:
        for one in self._threads:
            one.join()
        self._listener.close()


def test_all_requests_are_on_their_way_before_an_answer_is_waited_for(wire):
    meeting = Meeting(3)
    bodies = (b"first", b"other", b"third")
    for _twice in range(2):  # the second time over the same three connections
        answers = list(wire.post_all(meeting.address, bodies, HEADERS))
        assert [one.body for one in answers] == [b"first", b"other", b"third"]
    wire.close()
    meeting.close()


def test_what_fails_stands_in_its_place(wire):
    meeting = Meeting(3)
    said = list(wire.post_all(meeting.address, (b"first", b"hang up", b"third"), HEADERS))
    assert [one.body for one in (said[0], said[2])] == [b"first", b"third"]
    assert (said[1].kind, said[1].delivered) == ("broken", None)
    wire.close()
    meeting.close()
