"""Bytes from anywhere to a document, or to a named error; never a crash, never the network."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from core.i18n import _
from plugins.einvoice_sri.domain.bloques import ATRIBUTO, CUERPO, REPETIDO
from plugins.einvoice_sri.domain.canonical import why_malformed
from plugins.einvoice_sri.domain.comprobantes import Comprobante
from plugins.einvoice_sri.domain.errores import DocumentoIlegible
from plugins.einvoice_sri.domain.forma import CLASE_POR_RAIZ, Campo, campos, es_par, item_tag
from plugins.einvoice_sri.domain.tipos import MAX_BYTES

ID = "comprobante"
DS = "http://www.w3.org/2000/09/xmldsig#"
_FIRMA = f"{{{DS}}}Signature"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_own = threading.local()
_DECIMAL = re.compile(r"[ \t\n\r]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[ \t\n\r]*")
_FECHA = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")


def parse(content: bytes) -> Any:
    """The root element, read without entities, DTD, network or more than ``MAX_BYTES``.

    Raises ``DocumentoIlegible``, never anything else.
    """
    if len(content) > MAX_BYTES:
        raise DocumentoIlegible(
            _(
                "The document has %(size)s bytes; SRI takes at most %(most)s.",
                size=len(content),
                most=MAX_BYTES,
            ),
            code="sri_xml_size",
        )
    if b"<!DOCTYPE" in content:
        raise _dtd()
    try:
        root = etree.fromstring(content, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentoIlegible(why_malformed(content, error), code="sri_xml_syntax") from error
    if root.getroottree().docinfo.doctype:
        raise _dtd()
    return root


def _dtd() -> DocumentoIlegible:
    return DocumentoIlegible(
        _("The file declares a DTD or entities; SRI's documents have none."), code="sri_xml_dtd"
    )


def _parser() -> Any:
    """One parser per thread: making one costs as much as reading a document."""
    parser = getattr(_own, "parser", None)
    if parser is None:
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            strip_cdata=True,
            collect_ids=False,
        )
        _own.parser = parser
    return parser


def read(content: bytes) -> Comprobante:
    """The document in ``content``, signed or not; its signature is left aside.

    Order and number of elements are checked, lengths and patterns are the schema's. Raises
    ``DocumentoIlegible`` naming the element.
    """
    return read_element(parse(content))


def read_element(root: Any) -> Comprobante:
    """As :func:`read`, from a parsed root element."""
    clase = CLASE_POR_RAIZ.get(str(root.tag))
    if clase is None:
        raise DocumentoIlegible(
            _("The root element %(tag)s is none of SRI's six documents.", tag=root.tag),
            code="sri_xml_root",
        )
    children = list(root)
    if children and children[-1].tag == _FIRMA:
        del children[-1]
    attributes = {name: value for name, value in root.attrib.items() if not name.startswith(_XSI)}
    if attributes.pop("id", ID) != ID:
        raise _wrong(root, _("its id must be “comprobante”"))
    document: Comprobante = _instance(clase, root, children, attributes)
    return document


def _wrong(element: Any, why: str) -> DocumentoIlegible:
    return DocumentoIlegible(
        _(
            "Element %(tag)s on line %(line)s: %(why)s.",
            tag=etree.QName(element).localname,
            line=element.sourceline or 0,
            why=why,
        ),
        code="sri_xml_element",
        field=etree.QName(element).localname,
    )


_TABLAS: dict[type[Any], dict[str, tuple[int, Campo]]] = {}


def _tabla(clase: type[Any]) -> dict[str, tuple[int, Campo]]:
    """The elements that a class may hold: tag to place and field."""
    if clase not in _TABLAS:
        _TABLAS[clase] = {
            one.tag: (place, one)
            for place, one in enumerate(campos(clase))
            if one.forma not in (ATRIBUTO["xml"], CUERPO["xml"])
        }
    return _TABLAS[clase]


def _instance(
    clase: type[Any], element: Any, children: Iterable[Any], attributes: dict[str, str]
) -> Any:
    values: dict[str, Any] = {}
    tabla, last = _tabla(clase), -1
    for child in children:
        place, one = tabla.get(child.tag, (-1, None))
        again = one is not None and one.forma == REPETIDO["xml"]
        if one is None or place < last or (place == last and not again):
            raise _wrong(child, _("it is unknown, repeated or out of order here"))
        last = place
        if one.forma == "hoja" and not child.attrib and not len(child):
            values[one.name] = _LEAVES[one.tipo](child, child.text or "")
        elif again:
            values[one.name] = (*values.get(one.name, ()), _group(one.tipo, child))
        else:
            values[one.name] = _value(one, child)
    for one in _besides(clase):
        if one.forma == ATRIBUTO["xml"] and one.tag in attributes:
            values[one.name] = attributes.pop(one.tag)
        elif one.forma == CUERPO["xml"]:
            values[one.name] = _text(element)
        if one.requerido and one.name not in values:
            raise _wrong(element, _("%(tag)s is missing", tag=one.tag))
    if attributes:
        name = next(iter(attributes))
        raise _wrong(element, _("it has the unknown attribute %(name)s", name=name))
    return clase(**values)


_RESTO: dict[type[Any], tuple[Campo, ...]] = {}


def _besides(clase: type[Any]) -> tuple[Campo, ...]:
    """The fields to look at once the children are read: obligatory ones, attributes, the body."""
    if clase not in _RESTO:
        wanted = (ATRIBUTO["xml"], CUERPO["xml"])
        _RESTO[clase] = tuple(one for one in campos(clase) if one.requerido or one.forma in wanted)
    return _RESTO[clase]


def _group(clase: type[Any], element: Any) -> Any:
    if not es_par(clase):
        _no_text(element)
    return _instance(clase, element, element, dict(element.attrib))


def _value(one: Campo, element: Any) -> Any:
    if one.forma == "grupo":
        return _group(one.tipo, element)
    if element.keys():
        raise _wrong(element, _("it has the unknown attribute %(name)s", name=element.keys()[0]))
    if one.forma == "lista":
        _no_text(element)
        wanted = item_tag(one.tipo)
        for child in element:
            if child.tag != wanted:
                raise _wrong(child, _("only %(tag)s may stand here", tag=wanted))
        return tuple(_group(one.tipo, child) for child in element)
    return _LEAVES[one.tipo](element, _text(element))


def _no_text(element: Any) -> None:
    text = element.text
    if (text and not text.isspace()) or any(
        tail and not tail.isspace() for tail in [child.tail for child in element]
    ):
        raise _wrong(element, _("it may hold elements only, no text"))


def _text(element: Any) -> str:
    if len(element):
        raise _wrong(element, _("it may hold text only"))
    return str(element.text or "")


def _decimal(element: Any, text: str) -> Decimal:
    if _DECIMAL.fullmatch(text) is None:
        raise _wrong(element, _("“%(text)s” is no number", text=text[:40]))
    return Decimal(text.strip())


def _date(element: Any, text: str) -> date:
    found = _FECHA.fullmatch(text)
    try:
        if found is not None:
            return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        pass
    raise _wrong(element, _("“%(text)s” is no date dd/mm/yyyy", text=text[:40]))


_LEAVES: dict[type[Any], Callable[[Any, str], Any]] = {
    str: lambda _element, text: str(text),
    Decimal: _decimal,
    date: _date,
}
