"""The file that people keep: SRI's ``autorizacion`` around the document exactly as it was signed."""

from __future__ import annotations

import re
from datetime import datetime
from xml.sax.saxutils import escape

from plugins.einvoice_sri.domain.ports import Autorizacion, Mensaje

_SIGNATURE = re.compile(r"<(?:\w+:)?SignatureValue[^>]*>([^<]+)</")
_CDATA_END = b"]]>"
_CDATA_SPLIT = b"]]]]><![CDATA[>"


def partes(autorizacion: Autorizacion, clave: str) -> tuple[bytes, bytes]:
    """What goes before and after the signed bytes, from SRI's own answer."""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<autorizacion>"
        f"<estado>{escape(autorizacion.estado)}</estado>"
        f"<numeroAutorizacion>{escape(autorizacion.numero or clave)}</numeroAutorizacion>"
        f"<fechaAutorizacion>{escape(autorizacion.fecha)}</fechaAutorizacion>"
        f"<ambiente>{escape(autorizacion.ambiente)}</ambiente>"
        "<comprobante><![CDATA["
    )
    tail = f"]]></comprobante>{_mensajes(autorizacion.mensajes)}</autorizacion>\n"
    return head.encode(), tail.encode()


def ensobrar(head: bytes, firmado: bytes, tail: bytes) -> bytes:
    """The whole file: the text of ``comprobante`` is ``firmado``, byte for byte."""
    return head + firmado.replace(_CDATA_END, _CDATA_SPLIT) + tail


def _mensajes(mensajes: tuple[Mensaje, ...]) -> str:
    if not mensajes:
        return "<mensajes/>"
    return "<mensajes>" + "".join(_mensaje(one) for one in mensajes) + "</mensajes>"


def _mensaje(one: Mensaje) -> str:
    extra = (
        f"<informacionAdicional>{escape(one.informacion_adicional)}</informacionAdicional>"
        if one.informacion_adicional
        else ""
    )
    return (
        f"<mensaje><identificador>{escape(one.identificador)}</identificador>"
        f"<mensaje>{escape(one.mensaje)}</mensaje>{extra}<tipo>{escape(one.tipo)}</tipo></mensaje>"
    )


def mismo_documento(firmado: bytes, devuelto: str) -> bool:
    """Is what SRI gave back the document we hold? Signatures are compared: SRI may touch the white
    space in front of the root, and an empty answer says nothing against it.
    """
    nuestro = firmado.decode("utf-8", "replace")
    if devuelto == nuestro:
        return True
    theirs = _SIGNATURE.search(devuelto)
    ours = _SIGNATURE.search(nuestro)
    if theirs is None or ours is None:
        return True
    return "".join(theirs.group(1).split()) == "".join(ours.group(1).split())


def fecha_de(texto: str) -> datetime | None:
    """The instant SRI wrote; None when it has no zone or is no date."""
    try:
        found = datetime.fromisoformat(texto.strip())
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
