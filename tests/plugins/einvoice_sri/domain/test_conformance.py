"""Our 13 schemas against SRI's: the same verdict on thousands of documents, whole and broken."""

from __future__ import annotations

import os
import re
from datetime import date
from functools import cache
from pathlib import Path
from random import Random

import pytest
from lxml import etree

from plugins.einvoice_sri.domain import xml, xsd
from plugins.einvoice_sri.domain.errores import DocumentoIlegible
from plugins.einvoice_sri.domain.tipos import RAICES, VERSIONES, TipoComprobante
from tests.plugins.einvoice_sri.domain.schema_fuzz import NEGOCIO_POPULAR, Schema, document, mutate

OURS = Path(xsd.__file__).parent.parent / "schemas"
OFFICIAL = Path(__file__).parents[5] / "shared" / "sri" / "xsd"
NOMBRES = {
    TipoComprobante.FACTURA: "factura",
    TipoComprobante.LIQUIDACION_COMPRA: "LiquidacionCompra",
    TipoComprobante.NOTA_CREDITO: "NotaCredito",
    TipoComprobante.NOTA_DEBITO: "NotaDebito",
    TipoComprobante.GUIA_REMISION: "GuiaRemision",
    TipoComprobante.RETENCION: "ComprobanteRetencion",
}
TRECE = [(tipo, version) for tipo, versions in VERSIONES.items() for version in versions]
CADA_UNO = int(os.environ.get("YUPANA_FUZZ", "2000")) // len(TRECE) + 1

needs_official = pytest.mark.skipif(
    not OFFICIAL.is_dir(), reason="../shared/sri/xsd is not beside the checkout"
)
trece = pytest.mark.parametrize(("tipo", "version"), TRECE, ids=[f"{t.name}-{v}" for t, v in TRECE])


def official_path(tipo, version):
    return OFFICIAL / f"{NOMBRES[tipo]}_V{version}.xsd"


@cache
def official(tipo, version):
    return etree.XMLSchema(etree.parse(str(official_path(tipo, version))))


# --- the deliberate differences, by name ---------------------------------------------------------


def negocio_popular(root):
    """SRI's file knows one RIMPE legend and SRI authorises two (annex 22)."""
    return any(one.text == NEGOCIO_POPULAR for one in root.iter("contribuyenteRimpe"))


def version_attribute(root, version):
    """SRI's files allow any version, and some of them none; we choose the schema by it."""
    return root.get("version") != version


def id_attribute(root):
    """Some of SRI's files let ``id`` be absent; the signature needs it."""
    return root.get("id") is None


def signature_contents(root):
    """What is inside ds:Signature is judged by the verification, not by the schema."""
    return root.find(f"{{{xml.DS}}}Signature") is not None


def same_but_for_the_differences(tipo, version, root, context):
    """Compare the verdicts; where they differ, exactly one named reason must explain it."""
    ours = not xsd.violations_of(tipo, version, root)
    theirs = official(tipo, version).validate(root)
    if ours == theirs:
        return ours
    if ours:
        assert negocio_popular(root), (context, official(tipo, version).error_log)
        for one in root.iter("contribuyenteRimpe"):
            one.text = "CONTRIBUYENTE RÉGIMEN RIMPE"
        assert official(tipo, version).validate(root), (context, official(tipo, version).error_log)
    else:
        assert version_attribute(root, version) or id_attribute(root), (
            context,
            xsd.violations_of(tipo, version, root),
        )
        root.set("version", version)
        root.set("id", "comprobante")
        assert not xsd.violations_of(tipo, version, root), context
    return ours


@needs_official
@trece
def test_same_verdict_as_sri(tipo, version):
    sources = (
        Schema(OURS / f"{RAICES[tipo]}_{version}.xsd", RAICES[tipo]),
        Schema(official_path(tipo, version), RAICES[tipo]),
    )
    valid = broken = 0
    for seed in range(CADA_UNO):
        random = Random(f"{tipo} {version} {seed}")
        root = document(sources[seed % 2], version, random)
        done = [mutate(root, random) for _ in range(random.choice((0, 0, 1, 1, 1, 2)))]
        content = etree.tostring(root, encoding="utf-8")
        parsed = xml.parse(content)
        ours = same_but_for_the_differences(tipo, version, parsed, (seed, done))
        if ours:
            valid += 1
            rebuilt_without_loss(content, done)
        else:
            broken += 1
    assert valid > CADA_UNO // 5
    assert broken > CADA_UNO // 5


def rebuilt_without_loss(content, done):
    """What the schema accepts, the reader reads; only impossible days are refused."""
    impossible = impossible_day(content)
    if impossible:
        with pytest.raises(DocumentoIlegible) as refused:
            xml.read(content)
        assert impossible in refused.value.sentence, done
        return
    document_ = xml.read(content)
    if done and len(content) % 3:
        return  # a third of the mutated ones is enough; every unmutated one is rebuilt
    built = xml.build(document_)
    assert built == etree.tostring(etree.fromstring(built), method="c14n"), done
    if not done:
        assert comparable(built) == comparable(content)
    assert xml.read(built) == document_


def impossible_day(content):
    """A day such as 31/02/2024, which the patterns allow and the calendar does not."""
    for text in re.findall(r"<fecha\w+>([0-9]{2}/[0-9]{2}/[0-9]{4})<", content.decode()):
        day, month, year = map(int, text.split("/"))
        try:
            date(year, month, day)
        except ValueError:
            return text
    return ""


def comparable(content):
    """Canonical bytes without the white space between elements and without what is no document."""
    root = etree.fromstring(content)
    for child in list(root):
        if not isinstance(child.tag, str) or child.tag == f"{{{xml.DS}}}Signature":
            root.remove(child)
    for node in root.iter():
        if not (node.text or "").strip() and (len(node) or node.tag == "detallesAdicionales"):
            node.text = None
        if not (node.tail or "").strip():
            node.tail = None
    for name in [one for one in root.attrib if "XMLSchema-instance" in one]:
        del root.attrib[name]
    return etree.tostring(root, method="c14n", exclusive=True)


@needs_official
@trece
def test_skeletons_are_valid_and_rebuilt_without_loss(tipo, version):
    path = OFFICIAL.parent / "samples" / "skeletons" / f"{NOMBRES[tipo]}_V{version}.xml"
    content = path.read_bytes()
    assert comparable(xml.build(xml.read(content))) == comparable(content)
    root = xml.parse(content)
    assert official(tipo, version).validate(root)
    assert [one.rule for one in xsd.violations_of(tipo, version, root)] == ["version"]
    root.set("version", version)
    assert xsd.violations_of(tipo, version, root) == []
    assert xsd.kind_of(root) == (tipo, version)


@needs_official
@pytest.mark.parametrize(
    "name",
    [
        "factura_1.1.0", "factura_1.1.0_issuer-with-email", "notaCredito_1.1.0", "notaDebito_1.0.0",
        "comprobanteRetencion_1.0.0", "guiaRemision_1.0.0_bad-key",
    ],
)  # fmt: skip
def test_signed_samples_are_rebuilt_without_loss(name):
    content = (OFFICIAL.parent / "samples" / "synthetic" / f"{name}.xml").read_bytes()
    assert comparable(xml.build(xml.read(content))) == comparable(content)
    root = xml.parse(content)
    tipo, version = xsd.kind_of(root)
    found = xsd.violations_of(tipo, version, root)
    assert [one.element for one in found] == (["claveAcceso"] if "bad-key" in name else [])


@needs_official
def test_every_deliberate_difference_exists():
    """Should SRI's files change, a difference that is none any more must leave the list."""
    tipo, version = TipoComprobante.FACTURA, "1.1.0"
    schema = Schema(official_path(tipo, version), "factura")
    random = Random("differences")

    def fresh():
        root = document(schema, version, random)
        while root.find("infoTributaria/contribuyenteRimpe") is None:
            root = document(schema, version, random)
        return root

    def verdicts(root):
        parsed = xml.parse(etree.tostring(root, encoding="utf-8"))
        return not xsd.violations_of(tipo, version, parsed), official(tipo, version).validate(
            parsed
        )

    popular = fresh()
    popular.find("infoTributaria/contribuyenteRimpe").text = NEGOCIO_POPULAR
    assert verdicts(popular) == (True, False)
    for change in (lambda one: one.set("version", "9.9.9"), lambda one: one.attrib.pop("version"),
                   lambda one: one.attrib.pop("id")):  # fmt: skip
        other = fresh()
        change(other)
        assert verdicts(other) == (False, True)
    signed = fresh()
    signature = etree.SubElement(signed, f"{{{xml.DS}}}Signature")
    for name in ("SignedInfo", "SignatureValue"):
        etree.SubElement(signature, f"{{{xml.DS}}}{name}").text = "no es base64: ñ"
    assert signature_contents(signed)
    assert verdicts(signed) == (True, False)
    fragment = etree.fromstring(
        "<totalConImpuestos><totalImpuesto><codigo>2</codigo><codigoPorcentaje>0</codigoPorcentaje>"
        "<baseImponible>1</baseImponible><valor>0</valor></totalImpuesto></totalConImpuestos>"
    )
    assert official(TipoComprobante.NOTA_CREDITO, "1.1.0").validate(fragment)
    found = xsd.violations_of(TipoComprobante.NOTA_CREDITO, "1.1.0", fragment)
    assert [one.rule for one in found] == ["root"]
