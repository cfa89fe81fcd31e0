"""SRI's web services: zeep's reading of our bundled WSDL gives binding and addresses, the wire carries.

Every failure becomes one of two errors. Unknown outcomes stay unknown: a time-out, a broken
connection, half an answer, a SOAP fault, an HTML page of the firewall say nothing about the document.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
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
        post: Callable[[str, bytes, Mapping[str, str]], Answer] | None = None,
    ) -> None:
        self.base = base.rstrip("/") + "/"
        self.is_simulated = is_simulated
        self._wire = Wire(timeouts)
        self._post = post or self._wire.post

    def receive(self, xml: bytes) -> Recepcion:
        """``validarComprobante``."""
        return self._call(RECEPCION, soap_wire.recepcion_envelope(xml), soap_wire.read_recepcion)

    def authorization(self, clave: str, sent: bytes = b"") -> RespuestaAutorizacion:
        """``autorizacionComprobante``."""
        return self._call(
            AUTORIZACION,
            soap_wire.autorizacion_envelope(clave),
            partial(soap_wire.read_autorizacion, sent=sent),
        )

    def consult(self, clave: str) -> Consulta:
        """``consultarEstadoAutorizacionComprobante``."""
        return self._call(CONSULTA, soap_wire.consulta_envelope(clave), soap_wire.read_consulta)

    def close(self) -> None:
        """Close idle connections."""
        self._wire.close()

    def _call(self, service: str, envelope: bytes, read: Callable[[bytes], _T]) -> _T:
        started = time.monotonic()
        try:
            answer = self._post(self.base + service, envelope, soap_wire.HEADERS)
        except WireError as error:
            raise SriUnavailable(
                error.kind, error.detail, delivered=error.delivered, duration_ms=_since(started)
            ) from error
        spent = _since(started)
        if answer.status in WRONG_ADDRESS:
            raise SriRejected(f"http-{answer.status}", self.base + service, duration_ms=spent)
        try:
            return replace(read(answer.body), duration_ms=spent)
        except UnreadableAnswer as error:
            kind = error.kind if answer.status == 200 else f"http-{answer.status}"
            kind = error.kind if error.kind == "soap-fault" else kind
            raise SriUnavailable(kind, error.detail, delivered=None, duration_ms=spent) from error


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
