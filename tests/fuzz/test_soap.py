"""Damaged answers of SRI: read, or named; the XML inside HTTP and HTTP itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from plugins.einvoice_sri.adapters import soap_wire
from plugins.einvoice_sri.adapters.http11 import BadAnswer, CutShort, Reader, TooLong
from plugins.einvoice_sri.adapters.soap_wire import ENVELOPE, UnreadableAnswer
from tests.fuzz.test_certificates_and_xml import hammer

SAMPLES = Path("../shared/sri/soap-samples")
DOCUMENT = f"<factura>{'ñ' * 50} {'x' * 400}</factura>"


def read_authorization(body: bytes) -> object:
    """The answer, which must not depend on our knowing the document."""
    answer = soap_wire.read_autorizacion(body)
    assert soap_wire.read_autorizacion(body, DOCUMENT.encode()) == answer
    return answer


READERS: dict[bytes, Callable[[bytes], object]] = {
    b"validarComprobanteResponse": soap_wire.read_recepcion,
    b"autorizacionComprobanteResponse": read_authorization,
    b"consultarEstadoAutorizacionComprobanteResponse": soap_wire.read_consulta,
}
MENSAJE = (
    "<mensajes><mensaje><identificador>43</identificador><mensaje>CLAVE ACCESO REGISTRADA</mensaje>"
    "<informacionAdicional>ñ &lt;x&gt;</informacionAdicional><tipo>ERROR</tipo></mensaje></mensajes>"
)


def answer(response: bytes, result: str) -> bytes:
    name = response.decode()
    return (
        f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body><ns2:{name} xmlns:ns2="urn:x">'
        f"{result}</ns2:{name}></soap:Body></soap:Envelope>"
    ).encode()


RECEPCION, AUTORIZACION, CONSULTA = (
    answer(
        b"validarComprobanteResponse",
        "<RespuestaRecepcionComprobante><estado>DEVUELTA</estado><comprobantes><comprobante>"
        f"<claveAcceso>N/A</claveAcceso>{MENSAJE}</comprobante></comprobantes>"
        "</RespuestaRecepcionComprobante>",
    ),
    answer(
        b"autorizacionComprobanteResponse",
        "<RespuestaAutorizacionComprobante><claveAccesoConsultada>1</claveAccesoConsultada>"
        "<numeroComprobantes>1</numeroComprobantes><autorizaciones><autorizacion>"
        "<estado>AUTORIZADO</estado><numeroAutorizacion>1</numeroAutorizacion>"
        "<fechaAutorizacion>2026-04-25T08:00:00-05:00</fechaAutorizacion><ambiente>PRUEBAS</ambiente>"
        f"<comprobante><![CDATA[{DOCUMENT}]]></comprobante>{MENSAJE}"
        "</autorizacion></autorizaciones></RespuestaAutorizacionComprobante>",
    ),
    answer(
        b"consultarEstadoAutorizacionComprobanteResponse",
        f"<EstadoAutorizacionComprobante><claveAcceso>1</claveAcceso>{MENSAJE}"
        "<estadoConsulta>ERROR</estadoConsulta></EstadoAutorizacionComprobante>",
    ),
)


class _Spoken:
    """A socket that says these bytes, in pieces of their length's remainder, and closes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._piece = len(data) % 700 + 1

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def recv(self, size: int) -> bytes:
        piece = min(size, self._piece)
        said, self._data = self._data[:piece], self._data[piece:]
        return said


def over_http(body: bytes) -> list[bytes]:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
    half = len(body) // 2
    parts = (body[:half], body[half:], b"")
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in parts)
    return [
        head + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
        head + b"\r\n" + body,
    ]


def read_body(body: bytes) -> str:
    reader = next((READERS[name] for name in READERS if name in body), soap_wire.read_recepcion)
    try:
        reader(body)
    except UnreadableAnswer as error:
        return error.kind or "no sentence"
    return "read"


ESCAPED = AUTORIZACION.replace(
    f"<![CDATA[{DOCUMENT}]]>".encode(), DOCUMENT.replace("<", "&lt;").replace(">", "&gt;").encode()
)


def test_soap_answers():
    samples = sorted(SAMPLES.glob("*.xml")) if SAMPLES.is_dir() else []
    originals = [RECEPCION, AUTORIZACION, ESCAPED, CONSULTA, *(one.read_bytes() for one in samples)]
    outcomes = hammer(originals, read_body)
    assert {"read", "not-xml"} <= outcomes.keys()


def test_answers_over_http():
    originals = [said for body in (RECEPCION, AUTORIZACION) for said in over_http(body)]

    def attempt(data: bytes) -> str:
        reader = Reader(_Spoken(data), deadline=time.monotonic() + 60, most=1_000_000)  # type: ignore[arg-type]
        try:
            return read_body(reader.answer().body)
        except (BadAnswer, CutShort, TooLong) as error:
            return type(error).__name__ if str(error) else "no sentence"

    outcomes = hammer(originals, attempt)
    assert {"read", "not-xml", "BadAnswer", "CutShort"} <= outcomes.keys()


@pytest.mark.parametrize("deep", [10, 300, 50_000])
def test_deep_answers(deep: int):
    assert read_body(b"<a>" * deep + b"</a>" * deep) in ("not-xml", "not-soap")
