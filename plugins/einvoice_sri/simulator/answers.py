"""The bytes the simulator answers: SOAP 1.1 envelopes shaped as SRI's own."""

from __future__ import annotations

from xml.sax.saxutils import escape

from plugins.einvoice_sri.simulator.engine import Consultation, Reception
from plugins.einvoice_sri.simulator.rules import GUAYAQUIL
from plugins.einvoice_sri.simulator.state import AUTHORIZED, PENDING, STANDING, Entry, Message

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
RECEPTION = "http://ec.gob.sri.ws.recepcion"
AUTHORIZATION = "http://ec.gob.sri.ws.autorizacion"
CONSULTATION = "http://ec.gob.sri.ws.consultas"


def _envelope(operation: str, namespace: str, content: str) -> bytes:
    return (
        f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>'
        f'<ns2:{operation}Response xmlns:ns2="{namespace}">{content}</ns2:{operation}Response>'
        "</soap:Body></soap:Envelope>"
    ).encode()


def _messages(messages: tuple[Message, ...]) -> str:
    if not messages:
        return "<mensajes/>"
    return "<mensajes>" + "".join(_message(one) for one in messages) + "</mensajes>"


def _message(one: Message) -> str:
    extra = (
        f"<informacionAdicional>{escape(one.informacion)}</informacionAdicional>"
        if one.informacion
        else ""
    )
    return (
        f"<mensaje><identificador>{one.identificador}</identificador>"
        f"<mensaje>{escape(one.mensaje)}</mensaje>{extra}<tipo>{one.tipo}</tipo></mensaje>"
    )


def reception(answer: Reception) -> bytes:
    """``validarComprobanteResponse``."""
    if answer.estado == "RECIBIDA":
        documents = "<comprobantes/>"
    else:
        documents = (
            f"<comprobantes><comprobante><claveAcceso>{escape(answer.clave)}</claveAcceso>"
            f"{_messages(answer.messages)}</comprobante></comprobantes>"
        )
    return _envelope(
        "validarComprobante",
        RECEPTION,
        "<RespuestaRecepcionComprobante>"
        f"<estado>{answer.estado}</estado>{documents}</RespuestaRecepcionComprobante>",
    )


def authorization(clave: str, entries: tuple[Entry, ...], *, cdata: bool = False) -> bytes:
    """``autorizacionComprobanteResponse``; the document entity-escaped or in CDATA, as SRI does both."""
    nodes = "".join(_authorization(clave, one, cdata=cdata) for one in entries)
    listed = f"<autorizaciones>{nodes}</autorizaciones>" if nodes else "<autorizaciones/>"
    return _envelope(
        "autorizacionComprobante",
        AUTHORIZATION,
        f"<RespuestaAutorizacionComprobante><claveAccesoConsultada>{escape(clave)}"
        f"</claveAccesoConsultada><numeroComprobantes>{len(entries)}</numeroComprobantes>"
        f"{listed}</RespuestaAutorizacionComprobante>",
    )


def _authorization(clave: str, entry: Entry, *, cdata: bool) -> str:
    at = (entry.decided_at or entry.received_at).astimezone(GUAYAQUIL)
    environment = "PRUEBAS" if clave[23:24] == "1" else "PRODUCCIÓN"
    estado = AUTHORIZED if entry.estado in STANDING else entry.estado
    number = f"<numeroAutorizacion>{clave}</numeroAutorizacion>" if estado == AUTHORIZED else ""
    document = ""
    if entry.estado != PENDING:
        text = entry.xml.decode("utf-8", "replace")
        inside = (
            "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>" if cdata else escape(text)
        )
        document = f"<comprobante>{inside}</comprobante>"
    return (
        f"<autorizacion><estado>{estado}</estado>{number}"
        f"<fechaAutorizacion>{at.isoformat(timespec='seconds')}</fechaAutorizacion>"
        f"<ambiente>{environment}</ambiente>{document}{_messages(entry.messages)}</autorizacion>"
    )


def consultation(answer: Consultation) -> bytes:
    """``consultarEstadoAutorizacionComprobanteResponse``."""
    if answer.error is not None:
        inside = (
            f"<estadoConsulta>RECHAZADA</estadoConsulta><claveAcceso>{escape(answer.clave)}"
            f"</claveAcceso>{_messages((answer.error,))}"
        )
    else:
        at = answer.at.astimezone(GUAYAQUIL).isoformat(timespec="seconds") if answer.at else ""
        inside = (
            f"<claveAcceso>{answer.clave}</claveAcceso><mensajes/>"
            f"<estadoAutorizacion>{answer.estado}</estadoAutorizacion>"
            f"<tipoComprobante>{answer.tipo}</tipoComprobante><rucEmisor>{answer.ruc}</rucEmisor>"
            f"<fechaAutorizacion>{at}</fechaAutorizacion>"
        )
    return _envelope(
        "consultarEstadoAutorizacionComprobante",
        CONSULTATION,
        f"<EstadoAutorizacionComprobante>{inside}</EstadoAutorizacionComprobante>",
    )


def fault(sentence: str = "Unmarshalling Error", code: str = "soap:Client") -> bytes:
    """A SOAP fault."""
    return (
        f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body><soap:Fault><faultcode>{code}</faultcode>'
        f"<faultstring>{escape(sentence)}</faultstring></soap:Fault></soap:Body></soap:Envelope>"
    ).encode()
