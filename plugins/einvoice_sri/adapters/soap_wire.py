"""SOAP without ceremony: the envelopes that zeep would send, and a hardened reader of answers.

A contract test proves each envelope equal to zeep's, byte for byte after canonicalisation. The reader
goes by local names, because SRI's answers and both generations of its WSDL disagree on qualification.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from threading import local
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from plugins.einvoice_sri.domain.ports import (
    Autorizacion,
    Consulta,
    Mensaje,
    Recepcion,
    RespuestaAutorizacion,
)

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
RECEPCION = "http://ec.gob.sri.ws.recepcion"
AUTORIZACION = "http://ec.gob.sri.ws.autorizacion"
CONSULTAS = "http://ec.gob.sri.ws.consultas"
HEADERS = {"SOAPAction": '""', "Content-Type": "text/xml; charset=utf-8"}
MAX_MENSAJES = 100
MAX_AUTORIZACIONES = 50
MAX_TEXT = 4000
_SHORT = 1000
_Fields = dict[str, Any]
_own = local()

_HEAD = f"<?xml version='1.0' encoding='utf-8'?>\n<soap-env:Envelope xmlns:soap-env=\"{ENVELOPE}\"><soap-env:Body>"
_TAIL = "</soap-env:Body></soap-env:Envelope>"
_RECEPCION_HEAD = f'{_HEAD}<ns0:validarComprobante xmlns:ns0="{RECEPCION}"><xml>'.encode()
_DOCUMENT, _DOCUMENT_END = b"<comprobante>", b"</comprobante>"
_NOT_PLAIN = re.compile(rb"<[!?](?!xml version=['\"]1\.0['\"] encoding=['\"](?i:utf-8)['\"])")
_RECEPCION_TAIL = f"</xml></ns0:validarComprobante>{_TAIL}".encode()


class UnreadableAnswer(Exception):
    """The bytes are not the answer that was asked for; ``kind`` says what they are instead."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


def recepcion_envelope(xml: bytes) -> bytes:
    """``validarComprobante`` with the document in base64."""
    return b"".join((_RECEPCION_HEAD, base64.b64encode(xml), _RECEPCION_TAIL))


def autorizacion_envelope(clave: str) -> bytes:
    """``autorizacionComprobante`` for a key."""
    return (
        f'{_HEAD}<ns0:autorizacionComprobante xmlns:ns0="{AUTORIZACION}"><claveAccesoComprobante>'
        f"{escape(clave)}</claveAccesoComprobante></ns0:autorizacionComprobante>{_TAIL}"
    ).encode()


def consulta_envelope(clave: str) -> bytes:
    """``consultarEstadoAutorizacionComprobante`` for a key."""
    operation = "consultarEstadoAutorizacionComprobante"
    return (
        f'{_HEAD}<ns0:{operation} xmlns:ns0="{CONSULTAS}"><claveAcceso>'
        f"{escape(clave)}</claveAcceso></ns0:{operation}>{_TAIL}"
    ).encode()


def read_recepcion(body: bytes) -> Recepcion:
    """The typed answer of the reception. Raises ``UnreadableAnswer``."""
    return _read_once(body) if len(body) <= _SHORT else _recepcion(body)


@lru_cache(maxsize=16)
def _read_once(body: bytes) -> Recepcion:
    """SRI says RECIBIDA in the same few bytes every time."""
    return _recepcion(body)


def _recepcion(body: bytes) -> Recepcion:
    answer = _fields(_result(body, "validarComprobanteResponse", "RespuestaRecepcionComprobante"))
    estado = _text(answer, "estado")
    if not estado:
        raise UnreadableAnswer("no-estado")
    mensajes: list[Mensaje] = []
    for comprobante in _many(answer, "comprobantes", "comprobante"):
        mensajes += _mensajes(_fields(comprobante))
    return Recepcion(estado, tuple(mensajes[:MAX_MENSAJES]))


def read_autorizacion(body: bytes, sent: bytes = b"") -> RespuestaAutorizacion:
    """The typed answer about a key. Raises ``UnreadableAnswer``.

    ``sent`` is the document that we signed for the key: where SRI gives back exactly its bytes, they
    are recognised instead of read, at a third of the price. The answer is the same without it.
    """
    operation = "autorizacionComprobanteResponse", "RespuestaAutorizacionComprobante"
    rest, document = _without(body, sent)
    result = _result(rest, *operation)
    if document is not None and len(list(result.getroottree().iter("{*}comprobante"))) != 1:
        result, document = _result(body, *operation), None
    answer = _fields(result)
    nodes = _many(answer, "autorizaciones", "autorizacion")
    if len(nodes) > MAX_AUTORIZACIONES:
        raise UnreadableAnswer("too-many", f"{len(nodes)} autorizaciones")
    found = tuple(_autorizacion(_fields(one), document) for one in nodes)
    return RespuestaAutorizacion(_text(answer, "claveAccesoConsultada"), found)


def _without(body: bytes, sent: bytes) -> tuple[bytes, str | None]:
    """The answer without the text of its document, and that text, when it is ``sent`` as SRI escapes
    it; otherwise the answer as it is, and None.

    Where there is no comment, CDATA, instruction or DOCTYPE, ``<comprobante>`` is nothing but a tag.
    """
    start = body.find(_DOCUMENT) + len(_DOCUMENT)
    written = sent.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    end = start + len(written)
    if not (sent and body.startswith(written, start) and body.startswith(_DOCUMENT_END, end)):
        return body, None
    rest = body[:start] + body[end:]
    if _NOT_PLAIN.search(rest) or b"\r" in sent:
        return body, None
    try:
        return rest, sent.decode()
    except UnicodeDecodeError:
        return body, None


def _autorizacion(one: _Fields, document: str | None) -> Autorizacion:
    """One node; ``document`` is the text of the answer's only ``comprobante``, where it is known."""
    known = document is not None and "comprobante" in one
    return Autorizacion(
        estado=_text(one, "estado"),
        numero=_text(one, "numeroAutorizacion"),
        fecha=_text(one, "fechaAutorizacion"),
        ambiente=_text(one, "ambiente"),
        comprobante=document if known else _raw(one, "comprobante"),
        mensajes=_mensajes(one),
    )


def read_consulta(body: bytes) -> Consulta:
    """The typed answer of ConsultaComprobante. Raises ``UnreadableAnswer``."""
    result = _result(
        body,
        "consultarEstadoAutorizacionComprobanteResponse",
        "EstadoAutorizacionComprobante",
    )
    answer = _fields(result)
    mensajes = _mensajes(answer)
    return Consulta(
        clave=_text(answer, "claveAcceso"),
        estado=_text(answer, "estadoAutorizacion"),
        tipo=_text(answer, "tipoComprobante"),
        ruc=_text(answer, "rucEmisor"),
        fecha=_text(answer, "fechaAutorizacion"),
        error=mensajes[0] if mensajes and _text(answer, "estadoConsulta") else None,
    )


def _result(body: bytes, response: str, result: str) -> etree._Element:
    try:
        root = etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableAnswer("not-xml", _clip(str(error))) from error
    if b"<!" in body and root.getroottree().docinfo.doctype:
        raise UnreadableAnswer("doctype")
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        raise UnreadableAnswer("not-soap", _clip(str(root.tag)))
    inside = _fields(root).get("Body")
    first = next(iter(inside), None) if inside is not None else None
    if first is None:
        raise UnreadableAnswer("empty-body")
    name = _local(first)
    if name == "Fault":
        raise UnreadableAnswer("soap-fault", _clip(_text(_fields(first), "faultstring")))
    if name != response:
        raise UnreadableAnswer("other-answer", _clip(name))
    answer = _fields(first).get(result)
    if answer is None:
        raise UnreadableAnswer("no-result")
    return answer


def _parser() -> etree.XMLParser:
    """One parser per thread: making one costs more than reading an answer."""
    parser: etree.XMLParser | None = getattr(_own, "parser", None)
    if parser is None:
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            collect_ids=False,
        )
        _own.parser = parser
    return parser


def _local(node: etree._Element) -> str:
    tag = node.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _fields(node: etree._Element) -> _Fields:
    """The children by local name; the first of each name."""
    found: _Fields = {}
    for one in node:
        found.setdefault(_local(one), one)
    return found


def _raw(fields: _Fields, name: str) -> str | None:
    found = fields.get(name)
    if found is None:
        return None
    return "".join(found.itertext()) if len(found) else found.text or ""


def _text(fields: _Fields, name: str) -> str:
    return _clip((_raw(fields, name) or "").strip())


def _clip(text: str) -> str:
    return text[:MAX_TEXT]


def _many(fields: _Fields, group: str, item: str) -> list[etree._Element]:
    found = fields.get(group)
    return [] if found is None else [one for one in found if _local(one) == item]


def _mensajes(fields: _Fields) -> tuple[Mensaje, ...]:
    nodes = _many(fields, "mensajes", "mensaje")[:MAX_MENSAJES]
    return tuple(_mensaje(_fields(one)) for one in nodes)


def _mensaje(one: _Fields) -> Mensaje:
    return Mensaje(
        identificador=_text(one, "identificador"),
        mensaje=_text(one, "mensaje"),
        informacion_adicional=_text(one, "informacionAdicional"),
        tipo=_text(one, "tipo") or "ERROR",
    )
