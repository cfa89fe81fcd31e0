from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from plugins.einvoice_sri.domain import forma, xml
from plugins.einvoice_sri.domain.bloques import CampoAdicional, DetAdicional
from plugins.einvoice_sri.domain.comprobantes import CLASES
from plugins.einvoice_sri.domain.errores import DocumentoIlegible
from plugins.einvoice_sri.domain.from_request import comprobante
from plugins.einvoice_sri.domain.tipos import MAX_BYTES, RAICES, VERSIONES
from tests.plugins.einvoice_sri.domain.peticiones import EMISOR, FACTURA, TODAS
from tests.plugins.einvoice_sri.domain.schema_fuzz import XS, Schema
from tests.plugins.einvoice_sri.domain.test_conformance import (
    OURS,
    TRECE,
    needs_official,
    official_path,
)

D = Decimal

DOCUMENTO = comprobante(FACTURA, EMISOR)
BYTES = xml.build(DOCUMENTO)

# What XML can carry: everything but surrogates, most controls and two non-characters.
TEXTO = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufffe\uffff").filter(
        lambda sign: sign in "\t\n\r" or ord(sign) >= 32
    ),
    min_size=1,
    max_size=40,
)


def c14n(content):
    return etree.tostring(etree.fromstring(content), method="c14n", exclusive=False)


@pytest.mark.parametrize("request_", TODAS, ids=lambda one: type(one).__name__)
def test_what_is_built_is_canonical_and_read_again(request_):
    document = comprobante(request_, EMISOR)
    content = xml.build(document)
    assert content == c14n(content)
    assert content == xml.build(document)
    assert xml.read(content) == document


@settings(max_examples=80, deadline=None)
@given(TEXTO, TEXTO, TEXTO)
def test_any_text_stays_canonical_and_comes_back(name, value, word):
    linea = replace(
        DOCUMENTO.detalles[0],
        descripcion=word,
        detalles_adicionales=(DetAdicional(nombre=name, valor=value),),
    )
    document = replace(
        DOCUMENTO,
        detalles=(linea,),
        info_adicional=(CampoAdicional(nombre=name, valor=value),),
    )
    content = xml.build(document)
    assert content == c14n(content)
    assert xml.read(content) == document


LINEA = DOCUMENTO.detalles[0]


@pytest.mark.parametrize("sign", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: {"detalles": (replace(LINEA, descripcion=text),)},
        lambda text: {"detalles": (replace(LINEA, detalles_adicionales=(DetAdicional(nombre=text, valor="x"),)),)},
        lambda text: {"detalles": (replace(LINEA, detalles_adicionales=(DetAdicional(nombre="x", valor=text),)),)},
        lambda text: {"info_adicional": (CampoAdicional(nombre=text, valor="x"),)},
        lambda text: {"info_adicional": (CampoAdicional(nombre="x", valor=text),)},
        lambda text: {"version": text},
    ],
)  # fmt: skip
def test_a_character_that_xml_cannot_carry_is_named(sign, change):
    for text in (sign, f"Plan{sign}oro"):
        with pytest.raises(DocumentoIlegible) as refused:
            xml.build(replace(DOCUMENTO, **change(text)))
        assert refused.value.code == "sri_xml_character"
        assert f"U+{ord(sign):04X}" in refused.value.sentence


def test_amounts_are_written_without_exponent():
    linea = replace(DOCUMENTO.detalles[0], cantidad=D("1E+3"), precio_unitario=D("0E-7"))
    content = xml.build(replace(DOCUMENTO, detalles=(linea,)))
    assert b"<cantidad>1000</cantidad><precioUnitario>0.0000000</precioUnitario>" in content


def test_a_signed_document_in_any_dress_is_read():
    signature = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>'
    dressed = (
        b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- nota -->'
        + BYTES.replace(b"><info", b">\n  <!-- x --><info").replace(
            b"</factura>", signature + b"\n</factura>"
        )
    )
    assert xml.read(dressed) == DOCUMENTO
    latin = BYTES.decode().encode("latin-1")
    assert xml.read(b'<?xml version="1.0" encoding="ISO-8859-1"?>' + latin) == DOCUMENTO


HOSTIL = {
    "empty": (b"", "sri_xml_syntax"),
    "no xml": (b"%PDF-1.7", "sri_xml_syntax"),
    "cut": (BYTES[:900], "sri_xml_syntax"),
    "null": (BYTES.replace(b"Plan", b"Pl\x00n").replace(b"plan", b"pl\x00n"), "sri_xml_syntax"),
    "bad utf-8": (BYTES.replace("Ñ".encode(), b"\xd1"), "sri_xml_syntax"),
    "too large": (b"<factura>" + b" " * MAX_BYTES, "sri_xml_size"),
    "entity": (b'<!DOCTYPE factura [<!ENTITY a "b">]>' + BYTES, "sri_xml_dtd"),
    "file": (b'<!DOCTYPE factura SYSTEM "file:///etc/passwd">' + BYTES, "sri_xml_dtd"),
    "utf-16 entity": (
        ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE factura [<!ENTITY a "b">]>' + BYTES.decode()).encode("utf-16"),
        "sri_xml_dtd",
    ),
    "deep": (b"<factura>" + b"<a>" * 5000, "sri_xml_syntax"),
    "other root": (b"<recibo/>", "sri_xml_root"),
    "root in a namespace": (BYTES.replace(b"<factura ", b'<factura xmlns="urn:x" '), "sri_xml_root"),
    "id": (BYTES.replace(b'id="comprobante"', b'id="otro"'), "sri_xml_element"),
    "unknown element": (BYTES.replace(b"<ruc>", b"<nuevo/><ruc>"), "sri_xml_element"),
    "order": (BYTES.replace(b"<estab>001</estab><ptoEmi>002</ptoEmi>", b"<ptoEmi>002</ptoEmi><estab>001</estab>"), "sri_xml_element"),
    "twice": (BYTES.replace(b"<estab>001</estab>", b"<estab>001</estab><estab>001</estab>"), "sri_xml_element"),
    "missing": (BYTES.replace(b"<estab>001</estab>", b""), "sri_xml_element"),
    "attribute": (BYTES.replace(b"<estab>", b'<estab a="1">'), "sri_xml_element"),
    "attribute of a group": (BYTES.replace(b"<infoFactura>", b'<infoFactura a="1">'), "sri_xml_element"),
    "attribute of the root": (BYTES.replace(b"<factura ", b'<factura a="1" '), "sri_xml_element"),
    "text in a group": (BYTES.replace(b"<infoFactura>", b"<infoFactura>hola"), "sri_xml_element"),
    "text in a list": (BYTES.replace(b"<detalles>", b"<detalles>hola"), "sri_xml_element"),
    "element in a text": (BYTES.replace(b"<estab>001", b"<estab>0<b/>01"), "sri_xml_element"),
    "stranger in a list": (BYTES.replace(b"</detalles>", b"<otro/></detalles>"), "sri_xml_element"),
    "no number": (BYTES.replace(b"<cantidad>1.00", b"<cantidad>uno"), "sri_xml_element"),
    "exponent": (BYTES.replace(b"<cantidad>1.00", b"<cantidad>1e3"), "sri_xml_element"),
    "infinity": (BYTES.replace(b"<cantidad>1.00", b"<cantidad>Infinity"), "sri_xml_element"),
    "no day": (BYTES.replace(b"25/04/2026", b"31/02/2026"), "sri_xml_element"),
    "other day": (BYTES.replace(b"25/04/2026", b"2026-04-25"), "sri_xml_element"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTIL)
def test_hostile_bytes_give_a_named_error(name):
    content, code = HOSTIL[name]
    with pytest.raises(DocumentoIlegible) as refused:
        xml.read(content)
    assert refused.value.code == code
    assert refused.value.sentence


def test_no_entity_is_ever_read_from_a_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("001")
    content = BYTES.decode().replace("<estab>001", "<estab>&x;")
    content = f'<!DOCTYPE factura [<!ENTITY x SYSTEM "{secret.as_uri()}">]>{content}'
    with pytest.raises(DocumentoIlegible) as refused:
        xml.read(content.encode())
    assert refused.value.code == "sri_xml_dtd"


# --- every field is a tag of the schema, and every tag a field ------------------------------------


def schema_paths(schema, holder, at=()):
    """The elements under a schema node as paths, in order."""
    for one in holder:
        if one.tag in (f"{XS}complexType", f"{XS}sequence"):
            yield from schema_paths(schema, one, at)
        elif one.tag == f"{XS}group":
            yield from schema_paths(schema, schema.find("group", one.get("ref")), at)
        elif one.tag == f"{XS}element" and not one.get("ref", "").endswith("Signature"):
            found = schema.find("element", one.get("ref")) if one.get("ref") else one
            path = (*at, found.get("name"))
            yield path
            inner = schema.parts.get(("complexType", found.get("type")))
            yield from schema_paths(schema, found if inner is None else inner, path)


def class_paths(clase, at=()):
    for one in forma.campos(clase):
        if one.forma in ("atributo", "cuerpo"):
            continue
        path = (*at, one.tag)
        yield path
        if one.forma == "lista":
            path = (*path, forma.item_tag(one.tipo))
            yield path
        if one.forma != "hoja":
            yield from class_paths(one.tipo, path)


@pytest.mark.parametrize("tipo", list(CLASES), ids=lambda one: one.name)
@pytest.mark.parametrize("whose", ["ours", pytest.param("official", marks=needs_official)])
def test_the_fields_are_the_elements_of_the_schemas(tipo, whose):
    """Over all versions: no field without an element, no element without a field, same order."""
    fields = list(class_paths(CLASES[tipo]))
    known = set()
    for version in VERSIONES[tipo]:
        path = (
            OURS / f"{RAICES[tipo]}_{version}.xsd"
            if whose == "ours"
            else official_path(tipo, version)
        )
        schema = Schema(path, RAICES[tipo])
        elements = list(dict.fromkeys(schema_paths(schema, schema.find("element", RAICES[tipo]))))
        known.update(elements)
        assert elements == [one for one in fields if one in set(elements)], version
    assert set(fields) - known <= FUERA_DE_ESQUEMA


#: ``reembolsoDetalle`` is one class for all documents; a retención spells one tag with a capital A
#: and has no compensations, and only a factura has these.
FUERA_DE_ESQUEMA = {
    (*camino, *resto)
    for camino in [
        ("reembolsos", "reembolsoDetalle"),
        ("docsSustento", "docSustento", "reembolsos", "reembolsoDetalle"),
    ]
    for resto in [
        ("numeroAutorizacionDocReemb",),
        ("numeroautorizacionDocReemb",),
        ("compensacionesReembolso",),
        ("compensacionesReembolso", "compensacionReembolso"),
        ("compensacionesReembolso", "compensacionReembolso", "codigo"),
        ("compensacionesReembolso", "compensacionReembolso", "tarifa"),
        ("compensacionesReembolso", "compensacionReembolso", "valor"),
    ]
} | {
    ("infoLiquidacionCompra", "totalConImpuestos", "totalImpuesto", "valorDevolucionIva"),
    ("docsSustento", "docSustento", "pagos", "pago", "plazo"),
    ("docsSustento", "docSustento", "pagos", "pago", "unidadTiempo"),
}


def test_thirteen_versions():
    assert len(TRECE) == 13
    assert forma.tag("razon_social_comprador") == "razonSocialComprador"
    assert forma.EXCEPCIONES == {}
