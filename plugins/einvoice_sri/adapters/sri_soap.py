"""SRI's web services: zeep's reading of our bundled WSDL gives binding and addresses, the wire carries.

Every failure becomes one of two errors. Unknown outcomes stay unknown: a time-out, a broken
connection, half an answer, a SOAP fault, an HTML page of the firewall say nothing about the document.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files
from typing import Any, TypeVar

import requests
from zeep import Client
from zeep.transports import Transport

from plugins.einvoice_sri.adapters import soap_wire
from plugins.einvoice_sri.adapters.soap_wire import UnreadableAnswer
from plugins.einvoice_sri.adapters.wire import Answer, Timeouts, Wire, WireError
from plugins.einvoice_sri.domain.ports import (
    Consulta,
    Recepcion,
    RespuestaAutorizacion,
    SriError,
    SriRejected,
    SriUnavailable,
)

PATH = "/comprobantes-electronicos-ws/"
PRUEBAS = f"https://celcer.sri.gob.ec{PATH}"
PRODUCCION = f"https://cel.sri.gob.ec{PATH}"
RECEPCION = "RecepcionComprobantesOffline"
AUTORIZACION = "AutorizacionComprobantesOffline"
CONSULTA = "ConsultaComprobante"
SERVICES = (RECEPCION, AUTORIZACION, CONSULTA)
WRONG_ADDRESS = frozenset({301, 302, 303, 307, 308, 401, 404, 405, 406, 407, 410, 413, 414, 415})
Post = Callable[[str, bytes, Mapping[str, str]], Answer]
_T = TypeVar("_T", Recepcion, RespuestaAutorizacion, Consulta)


class WireTransport(Transport):
    """zeep's transport over our wire; it never loads anything from the network."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire

    def load(self, url: Any) -> Any:
        """Read a bundled file only. Raises ``ValueError`` for an address."""
        if "://" in str(url):
            raise ValueError("WSDLs are bundled, never downloaded")
        return super().load(url)

    def post(self, address: str, message: Any, headers: Mapping[str, str]) -> requests.Response:
        """Carry one message of zeep's."""
        answer = self.wire.post(address, message, headers)
        response = requests.Response()
        response.status_code = answer.status
        response.url = address
        response.headers["Content-Type"] = answer.content_type
        response._content = answer.body  # noqa: SLF001  (the way requests itself fills it)
        return response


def zeep_client(service: str, transport: Transport) -> Client:
    """Zeep's client of one service, from the bundled description."""
    return Client(
        str(files("plugins.einvoice_sri") / "wsdl" / f"{service}.wsdl"), transport=transport
    )


@cache
def soap_action(service: str, operation: str) -> str:
    """The SOAPAction that the description of a service gives to an operation (SRI: empty)."""
    wire = Wire()
    client = zeep_client(service, WireTransport(wire))
    binding = next(iter(client.wsdl.bindings.values()))
    action = binding.get(operation).soapaction
    client.transport.session.close()
    wire.close()
    return str(action)


class SriSoap:
    """SRI over HTTP(S). ``base`` is the address in front of the services' names."""

    def __init__(
        self,
        base: str,
        *,
        timeouts: Timeouts | None = None,
        is_simulated: bool = False,
        post: Post | None = None,
    ) -> None:
        self.base = base.rstrip("/") + "/"
        self.is_simulated = is_simulated
        self._wire = Wire(timeouts)
        self._post_all = self._wire.post_all if post is None else partial(_one_by_one, post)

    def receive(self, xml: bytes) -> Recepcion:
        """``validarComprobante``."""
        return _said(self.receive_all((xml,)))

    def receive_all(self, documents: Sequence[bytes]) -> list[Recepcion | SriError]:
        """``validarComprobante`` for each, all on their way at once."""
        envelopes = [soap_wire.recepcion_envelope(one) for one in documents]
        return self._call(RECEPCION, envelopes, [soap_wire.read_recepcion] * len(envelopes))

    def authorization(self, clave: str, sent: bytes = b"") -> RespuestaAutorizacion:
        """``autorizacionComprobante``."""
        return _said(self.authorization_all(((clave, sent),)))

    def authorization_all(
        self, questions: Sequence[tuple[str, bytes]]
    ) -> list[RespuestaAutorizacion | SriError]:
        """``autorizacionComprobante`` for each, all on their way at once."""
        envelopes = [soap_wire.autorizacion_envelope(clave) for clave, _sent in questions]
        readers = [partial(soap_wire.read_autorizacion, sent=sent) for _clave, sent in questions]
        return self._call(AUTORIZACION, envelopes, readers)

    def consult(self, clave: str) -> Consulta:
        """``consultarEstadoAutorizacionComprobante``."""
        envelope = soap_wire.consulta_envelope(clave)
        return _said(self._call(CONSULTA, [envelope], [soap_wire.read_consulta]))

    def close(self) -> None:
        """Close idle connections."""
        self._wire.close()

    def _call(
        self, service: str, envelopes: Sequence[bytes], readers: Sequence[Callable[[bytes], _T]]
    ) -> list[_T | SriError]:
        started = time.monotonic()
        address = self.base + service
        answers = self._post_all(address, envelopes, soap_wire.HEADERS)
        return [
            _understood(answer, read, address, started)
            for answer, read in zip(answers, readers, strict=True)
        ]


def _understood(
    answer: Answer | WireError, read: Callable[[bytes], _T], address: str, started: float
) -> _T | SriError:
    spent = int((time.monotonic() - started) * 1000)
    if isinstance(answer, WireError):
        return SriUnavailable(
            answer.kind, answer.detail, delivered=answer.delivered, duration_ms=spent
        )
    if answer.status in WRONG_ADDRESS:
        return SriRejected(f"http-{answer.status}", address, duration_ms=spent)
    try:
        return replace(read(answer.body), duration_ms=spent)
    except UnreadableAnswer as error:
        kind = error.kind if answer.status == 200 else f"http-{answer.status}"
        kind = error.kind if error.kind == "soap-fault" else kind
        return SriUnavailable(kind, error.detail, delivered=None, duration_ms=spent)


def _said(answers: Sequence[_T | SriError]) -> _T:
    (answer,) = answers
    if isinstance(answer, SriError):
        raise answer
    return answer


def _one_by_one(
    post: Post, address: str, bodies: Sequence[bytes], headers: Mapping[str, str]
) -> Iterator[Answer | WireError]:
    for body in bodies:
        try:
            yield post(address, body, headers)
        except WireError as error:
            yield error
