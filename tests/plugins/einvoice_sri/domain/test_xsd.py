from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from plugins.einvoice_sri.domain import xml, xsd
from plugins.einvoice_sri.domain.comprobantes import tipo
from plugins.einvoice_sri.domain.errores import DocumentoIlegible
from plugins.einvoice_sri.domain.from_request import comprobante
from plugins.einvoice_sri.domain.tipos import TipoComprobante
from tests.plugins.einvoice_sri.domain.peticiones import EMISOR, FACTURA, TODAS

BYTES = xml.build(comprobante(FACTURA, EMISOR))
FACTURA_110 = (TipoComprobante.FACTURA, "1.1.0")


@pytest.mark.parametrize("request_", TODAS, ids=lambda one: type(one).__name__)
def test_what_we_build_is_valid(request_):
    document = comprobante(request_, EMISOR)
    assert xsd.violations(tipo(document), document.version, xml.build(document)) == []


@pytest.mark.parametrize(
    ("old", "new", "rule", "element"),
    [
        ("<estab>001</estab>", "", "order", "ptoEmi"),
        ("<estab>001</estab>", "<estab>01</estab>", "pattern", "estab"),
        ("Mensualidad plan oro", "x" * 301, "length", "descripcion"),
        ("<descripcion>Mensualidad plan oro</descripcion>", "<descripcion></descripcion>", "empty", "descripcion"),
        ("<cantidad>1.00", "<cantidad>1.0000001", "digits", "cantidad"),
        ("<cantidad>1.00", "<cantidad>-1.00", "negative", "cantidad"),
        ("<cantidad>1.00", "<cantidad>uno", "number", "cantidad"),
        ('version="1.1.0"', 'version="1.0.0"', "version", "factura"),
        ('version="1.1.0"', "", "attribute_missing", "factura"),
        (' nombre="Email"', "", "attribute_missing", "campoAdicional"),
        ("<ruc>", '<ruc a="1">', "attribute_unknown", "ruc"),
        ("<infoFactura>", "<infoFactura>hola", "content", "infoFactura"),
    ],
)  # fmt: skip
def test_each_violation_names_rule_element_and_says_it_in_a_sentence(old, new, rule, element):
    content = BYTES.decode().replace(old, new)
    assert content != BYTES.decode()
    found = xsd.violations(*FACTURA_110, content.encode())
    assert (found[0].rule, found[0].element) == (rule, element)
    assert found[0].line == 1
    assert "%(" not in found[0].sentence
    if rule != "version":
        assert element in found[0].sentence
    assert found[0].technical


def test_the_wrong_document_is_told_apart():
    found = xsd.violations(TipoComprobante.NOTA_CREDITO, "1.1.0", BYTES)
    assert [one.rule for one in found] == ["root"]
    assert "notaCredito" in found[0].sentence


def test_kind_and_version_come_from_the_document():
    assert xsd.kind_of(xml.parse(BYTES)) == FACTURA_110
    for content, code in (
        (b"<recibo/>", "sri_xml_root"),
        (BYTES.replace(b'version="1.1.0"', b'version="9.9.9"'), "sri_xml_version"),
        (BYTES.replace(b'version="1.1.0"', b""), "sri_xml_version"),
    ):
        with pytest.raises(DocumentoIlegible) as refused:
            xsd.kind_of(xml.parse(content))
        assert refused.value.code == code
    with pytest.raises(DocumentoIlegible):
        xsd.violations(TipoComprobante.FACTURA, "3.0.0", BYTES)


def test_schemas_are_compiled_once_and_shared_by_threads():
    xsd.warm_up()
    assert xsd._schema(*FACTURA_110) is xsd._schema(*FACTURA_110)
    broken = BYTES.replace(b"<estab>001", b"<estab>x")

    def judge(number):
        content = broken if number % 2 else BYTES
        return [one.element for one in xsd.violations(*FACTURA_110, content)]

    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(judge, range(80)))
    assert verdicts == [["estab"] if number % 2 else [] for number in range(80)]


FIRST_SCHEMAS = """
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from threading import Barrier
from lxml import etree
import {module}

tree = str(files("plugins.einvoice_sri") / "schemas" / "factura_1.1.0.xsd")
trees, together = [etree.parse(tree) for _ in range(8)], Barrier(8)

def compile(tree):
    together.wait()
    return etree.XMLSchema(tree)

with ThreadPoolExecutor(8) as threads:
    assert len([*threads.map(compile, trees)]) == 8
"""


@pytest.mark.parametrize(
    "module", ["plugins.einvoice_sri.domain.xsd", "plugins.einvoice_sri.simulator.rules"]
)
def test_the_first_schemas_of_a_process_may_be_compiled_by_many_threads(module):
    """libxml2's set-up of its types is not safe for threads; without ours one in ten crashed."""
    code = FIRST_SCHEMAS.format(module=module)
    for _ in range(6):
        done = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode()
