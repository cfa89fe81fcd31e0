"""Our envelopes are zeep's, and answers are read as SRI writes them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from plugins.einvoice_sri.adapters import soap_wire
from plugins.einvoice_sri.adapters.soap_wire import UnreadableAnswer
from plugins.einvoice_sri.adapters.sri_soap import (
    AUTORIZACION,
    CONSULTA,
    RECEPCION,
    WireTransport,
    soap_action,
    zeep_client,
)
from plugins.einvoice_sri.adapters.wire import Wire

SAMPLES = Path("../shared/sri/soap-samples")
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="../shared/sri is not here")
CLAVE = "2504202601179001234500110010020000000019341593711"


@pytest.fixture
def message():
    """The bytes that zeep would post for a call."""
    wire = Wire()
    transport = WireTransport(wire)

    def of(service: str, operation: str, **given: object) -> bytes:
        client = zeep_client(service, transport)
        return etree.tostring(
            client.create_message(client.service, operation, **given),
            xml_declaration=True,
            encoding="utf-8",
        )

    yield of
    transport.session.close()
    wire.close()


def test_reception_is_what_zeep_sends(message):
    content = "<factura>ñ</factura>".encode() * 50
    assert soap_wire.recepcion_envelope(content) == message(
        RECEPCION, "validarComprobante", xml=content
    )


def test_authorisation_is_what_zeep_sends(message):
    sent = message(AUTORIZACION, "autorizacionComprobante", claveAccesoComprobante=CLAVE)
    assert soap_wire.autorizacion_envelope(CLAVE) == sent


def test_consultation_is_what_zeep_sends(message):
    sent = message(CONSULTA, "consultarEstadoAutorizacionComprobante", claveAcceso=CLAVE)
    assert soap_wire.consulta_envelope(CLAVE) == sent


def test_the_action_in_the_header_is_the_descriptions():
    assert soap_action(RECEPCION, "validarComprobante") == ""
    assert soap_wire.HEADERS["SOAPAction"] == '""'


def test_nothing_is_downloaded():
    transport = WireTransport(Wire())
    with pytest.raises(ValueError, match="never downloaded"):
        transport.load("http://127.0.0.1/x.wsdl")
    transport.session.close()


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


@needs_samples
def test_recorded_receptions():
    assert soap_wire.read_recepcion(sample("recorded-recepcion-recibida.xml")).estado == "RECIBIDA"
    seventy = soap_wire.read_recepcion(sample("recorded-recepcion-devuelta-70.xml"))
    assert seventy.estado == "DEVUELTA"
    assert [one.identificador for one in seventy.mensajes] == ["70"]
    without_key = soap_wire.read_recepcion(sample("recorded-recepcion-devuelta-35-clave-NA.xml"))
    (message,) = without_key.mensajes
    assert message.identificador == "35"
    assert message.informacion_adicional.endswith("tag claveAcceso.")
    for code in ("43", "45"):
        answer = soap_wire.read_recepcion(sample(f"constructed-recepcion-devuelta-{code}.xml"))
        assert [one.identificador for one in answer.mensajes] == [code]


@needs_samples
def test_recorded_authorisations():
    nothing = soap_wire.read_autorizacion(sample("recorded-autorizacion-numero-0.xml"))
    assert nothing.autorizaciones == ()
    (good,) = soap_wire.read_autorizacion(
        sample("recorded-autorizacion-autorizado.xml")
    ).autorizaciones
    assert (good.estado, good.fecha) == ("AUTORIZADO", "2019-07-15T14:25:09-05:00")
    assert good.comprobante.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<factura')
    (bad,) = soap_wire.read_autorizacion(
        sample("recorded-autorizacion-no-autorizado-39.xml")
    ).autorizaciones
    assert (bad.numero, bad.mensajes[0].identificador) == ("", "39")
    assert bad.comprobante.startswith("<?xml")  # CDATA and escaped text read the same
    (sums,) = soap_wire.read_autorizacion(
        sample("recorded-autorizacion-no-autorizado-52.xml")
    ).autorizaciones
    assert "total de descuento 45.0" in sums.mensajes[0].informacion_adicional
    several = soap_wire.read_autorizacion(sample("constructed-autorizacion-varias.xml"))
    assert [one.estado for one in several.autorizaciones] == [
        "NO AUTORIZADO",
        "AUTORIZADO",
        "NO AUTORIZADO",
    ]


@needs_samples
def test_recorded_consultations():
    good = soap_wire.read_consulta(sample("recorded-consulta-autorizado.xml"))
    assert (good.estado, good.tipo, good.error) == ("AUTORIZADO", "Factura", None)
    unknown = soap_wire.read_consulta(sample("recorded-consulta-99-inexistente.xml"))
    assert unknown.error.identificador == "99"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "not-xml"),
        (b"<html><title>Request Rejected</title></html>", "not-soap"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "doctype"),
        (
            b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>',
            "empty-body",
        ),
        (
            (
                b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
                b"<faultstring>Unmarshalling Error</faultstring></e:Fault></e:Body></e:Envelope>"
            ),
            "soap-fault",
        ),
        (
            (
                b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x/>'
                b"</e:Body></e:Envelope>"
            ),
            "other-answer",
        ),
    ],
)
def test_what_is_no_answer_is_named(body: bytes, kind: str):
    for read in (
        soap_wire.read_recepcion,
        soap_wire.read_autorizacion,
        soap_wire.read_consulta,
    ):
        with pytest.raises(UnreadableAnswer) as caught:
            read(body)
        assert caught.value.kind == kind


BILLION = (
    b'<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><l>&c;</l>'
)


def test_entities_are_refused():
    with pytest.raises(UnreadableAnswer):
        soap_wire.read_autorizacion(BILLION)


GOOD = (
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    b'<ns2:validarComprobanteResponse xmlns:ns2="http://ec.gob.sri.ws.recepcion">'
    b"<RespuestaRecepcionComprobante><estado>RECIBIDA</estado><comprobantes/>"
    b"</RespuestaRecepcionComprobante></ns2:validarComprobanteResponse></soap:Body></soap:Envelope>"
)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=6), st.integers(0, 12))
def test_mutated_answers_are_read_or_named(at: int, put: bytes, cut: int):
    body = GOOD[:at] + put + GOOD[at + cut :]
    with contextlib.suppress(UnreadableAnswer):
        soap_wire.read_recepcion(body)


SENT = '<?xml version="1.0" encoding="UTF-8"?>\n<factura a="1">PEÑA &amp; HIJOS</factura>'.encode()


def escaped(document: bytes) -> bytes:
    return document.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")


def authorised(inside: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    return (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">%b<s:Body>'
        b'<n:autorizacionComprobanteResponse xmlns:n="http://ec.gob.sri.ws.autorizacion">'
        b"<RespuestaAutorizacionComprobante><autorizaciones><autorizacion><estado>AUTORIZADO</estado>"
        b"%b</autorizacion>%b</autorizaciones></RespuestaAutorizacionComprobante>"
        b"</n:autorizacionComprobanteResponse></s:Body></s:Envelope>"
    ) % (before, inside, after)


GIVEN_BACK = b"<comprobante>%b</comprobante>" % escaped(SENT)


def reading(body: bytes, sent: bytes = b"") -> object:
    """What is read, or the name of why not."""
    try:
        return soap_wire.read_autorizacion(body, sent)
    except UnreadableAnswer as error:
        return error.kind


def test_a_document_given_back_is_recognised(monkeypatch):
    read = reading(authorised(GIVEN_BACK))
    assert read.autorizaciones[0].comprobante == SENT.decode()
    parsed = []
    monkeypatch.setattr(
        soap_wire,
        "_result",
        lambda *given, of=soap_wire._result: parsed.append(given) or of(*given),
    )
    assert reading(authorised(GIVEN_BACK), SENT) == read
    assert [b"factura" in body for body, *_ in parsed] == [False]  # its text was not parsed


@pytest.mark.parametrize(
    "body",
    [
        authorised(GIVEN_BACK.replace(b"&gt;", b">")),
        authorised(b"<comprobante><![CDATA[%b]]></comprobante>" % SENT),
        authorised(GIVEN_BACK.replace(b"HIJOS", b"HIJAS")),
        authorised(GIVEN_BACK.replace(b"PE\xc3\x91A", b"PE&#209;A")),
        authorised(b"<comprobante/>", b"<!--%b-->" % GIVEN_BACK),
        authorised(b"<comprobante/>", b"<![CDATA[%b]]>" % GIVEN_BACK),
        authorised(b"<comprobante/>", b"<?x %b?>" % GIVEN_BACK),
        authorised(b"<comprobante/>", GIVEN_BACK),
        authorised(b"<n:comprobante>other</n:comprobante>", b"", GIVEN_BACK),
        authorised(b"<comprobante/>", b'<x a="%b"/>' % GIVEN_BACK),
        authorised(
            GIVEN_BACK, b"", b"<autorizacion><comprobante>other</comprobante></autorizacion>"
        ),
        authorised(b"<mensajes>%b</mensajes>" % GIVEN_BACK),
        authorised(b"<comprobante><i/>other</comprobante>", b"", GIVEN_BACK),
        authorised(b"<x>%b" % GIVEN_BACK),
        b'<?xml version="1.0" encoding="UTF-8"?>' + authorised(GIVEN_BACK),
        b'<?xml version="1.0" encoding="ISO-8859-1"?>' + authorised(GIVEN_BACK),
        b'<!DOCTYPE x [<!ENTITY lt "&#38;#60;">]>' + authorised(GIVEN_BACK),
        GIVEN_BACK,
    ],
)
def test_knowing_the_document_changes_no_answer(body: bytes):
    for sent in (SENT, SENT.replace(b"\n", b"\r\n"), SENT.decode().encode("latin-1"), b"x", b"<"):
        assert reading(body, sent) == reading(body)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_knowing_the_document_changes_no_damaged_answer(data):
    good = authorised(GIVEN_BACK + b"<mensajes/>")
    at = data.draw(st.integers(0, len(good) - 1))
    put = data.draw(st.binary(max_size=6) | st.sampled_from([b"<!--", b"&amp;", b"<comprobante>"]))
    body = good[:at] + put + good[at + data.draw(st.integers(0, 12)) :]
    assert reading(body, SENT) == reading(body)
