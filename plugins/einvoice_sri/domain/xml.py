"""Documents to bytes and back. The tag of a field is its name from snake_case to camelCase.

The bytes are already in canonical form (inclusive C14N 1.0 without comments), so that the signer
digests them as they are. They carry no XML declaration: C14N has none, UTF-8 is what XML assumes
without one, and whoever stores the signed document may put one in front without touching a digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from lxml import etree

from core.i18n import _
from plugins.einvoice_sri.domain.bloques import ATRIBUTO, CUERPO, REPETIDO
from plugins.einvoice_sri.domain.comprobantes import CLASES, Comprobante
from plugins.einvoice_sri.domain.errores import DocumentoIlegible
from plugins.einvoice_sri.domain.tipos import MAX_BYTES, RAICES

ID = "comprobante"
DS = "http://www.w3.org/2000/09/xmldsig#"
_FIRMA = f"{{{DS}}}Signature"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"

#: Fields whose tag is not their name in camelCase. None so far: SRI's tags are regular enough.
EXCEPCIONES: dict[str, str] = {}

_ILEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECIMAL = re.compile(r"[ \t\n\r]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[ \t\n\r]*")
_FECHA = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")

_CLASES_POR_RAIZ: dict[str, type[Comprobante]] = {RAICES[cual]: CLASES[cual] for cual in CLASES}
_RAIZ_POR_CLASE = {clase: raiz for raiz, clase in _CLASES_POR_RAIZ.items()}

Escribir = Callable[[Any, Callable[[str], None]], None]


def tag(name: str) -> str:
    """``razon_social -> razonSocial``, unless the exception table says otherwise."""
    if name in EXCEPCIONES:
        return EXCEPCIONES[name]
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


# --- what a class looks like -------------------------------------------------------------------


class Campo(NamedTuple):
    """A field as the schema sees it. ``forma``: atributo, cuerpo, hoja, grupo, lista or repetido.

    ``vacia``: an empty tuple is written as an empty wrapper instead of being left out.
    """

    name: str
    tag: str
    forma: str
    tipo: type[Any]
    requerido: bool
    vacia: bool


_CAMPOS: dict[type[Any], tuple[Campo, ...]] = {}


def campos(clase: type[Any]) -> tuple[Campo, ...]:
    """The fields of a document's class in the order in which they are written."""
    if clase not in _CAMPOS:
        hints = get_type_hints(clase)
        _CAMPOS[clase] = tuple(_campo(one, hints[one.name]) for one in fields(clase))
    return _CAMPOS[clase]


def _campo(one: Field[Any], hint: Any) -> Campo:
    if isinstance(hint, UnionType):
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
    forma = one.metadata.get("xml", "hoja")
    if get_origin(hint) is tuple:
        hint = get_args(hint)[0]
        forma = "repetido" if forma == REPETIDO["xml"] else "lista"
    elif hint not in (str, Decimal, date):
        forma = "grupo"
    requerido = one.default is MISSING
    return Campo(one.name, tag(one.name), forma, hint, requerido, requerido or one.default is None)


def item_tag(clase: type[Any]) -> str:
    """The element of an item: its class with a small first letter."""
    return clase.__name__[0].lower() + clase.__name__[1:]


# --- writing ------------------------------------------------------------------------------------


def build(comprobante: Comprobante) -> bytes:
    """The document as canonical UTF-8 bytes, ready to be signed; the same input gives the same bytes.

    Raises ``DocumentoIlegible`` when a text holds a character that XML cannot carry.
    """
    raiz = _RAIZ_POR_CLASE[type(comprobante)]
    out = [f'<{raiz} id="{ID}" version="{_escape_attribute(comprobante.version)}">']
    _writer(type(comprobante))(comprobante, out.append)
    out.append(f"</{raiz}>")
    text = "".join(out)
    if not text.isprintable() and (found := _ILEGAL.search(text)):
        raise DocumentoIlegible(
            _(
                "The document holds the character %(char)s, which XML cannot carry, near “%(near)s”: delete it.",
                char=f"U+{ord(found[0]):04X}",
                near=text[max(0, found.start() - 30) : found.start()],
            ),
            code="sri_xml_character",
        )
    return text.encode("utf-8")


def _escape(text: str) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if "\r" in text:
        text = text.replace("\r", "&#xD;")
    return text


def _escape_attribute(text: str) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if '"' in text:
        text = text.replace('"', "&quot;")
    if "\t" in text or "\n" in text or "\r" in text:
        text = text.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")
    return text


def _decimal(value: Decimal) -> str:
    text = str(value)
    return format(value, "f") if "E" in text else text


def _date(value: date) -> str:
    return f"{value.day:02d}/{value.month:02d}/{value.year:04d}"


_FORMATOS: dict[type[Any], Callable[[Any], str]] = {str: _escape, Decimal: _decimal, date: _date}


_ESCRITORES: dict[type[Any], Escribir] = {}


def _writer(clase: type[Any]) -> Escribir:
    """The function that writes an instance; made once per class."""
    if clase not in _ESCRITORES:
        _ESCRITORES[clase] = _make_writer(clase)
    return _ESCRITORES[clase]


def _make_writer(clase: type[Any]) -> Escribir:
    if _es_par(clase):
        return _pair_writer(clase)
    suyos = [one for one in campos(clase) if one.forma != ATRIBUTO["xml"]]
    pasos = [_paso(one) for one in suyos]
    if len(suyos) == 1:
        (_opening, _closing, formato, partes), name = pasos[0], suyos[0].name

        def write_only(node: Any, add: Callable[[str], None]) -> None:
            value = getattr(node, name)
            if formato is None:
                partes(value, add)
            else:
                add(f"{_opening}{formato(value)}{_closing}")

        return write_only
    leer = attrgetter(*(one.name for one in suyos))

    def write(node: Any, add: Callable[[str], None]) -> None:
        for value, (opening, closing, formato, partes) in zip(leer(node), pasos, strict=True):
            if value is None:
                continue
            if formato is _escape:  # most texts are codes and need no look at each character
                add(opening + (value if value.isalnum() else _escape(value)) + closing)
            elif formato is not None:
                add(opening + formato(value) + closing)
            else:
                partes(value, add)

    return write


def _paso(one: Campo) -> tuple[str, str, Callable[[Any], str] | None, Escribir]:
    """How one field is written: tags and format of a leaf, or a function for what has parts."""
    opening, closing = f"<{one.tag}>", f"</{one.tag}>"
    if one.forma == "hoja":
        return opening, closing, _FORMATOS[one.tipo], _nothing
    inner = _writer(one.tipo)
    if one.forma == "grupo":

        def write_group(node: Any, add: Callable[[str], None]) -> None:
            add(opening)
            inner(node, add)
            add(closing)

        return opening, closing, None, write_group
    item = one.tag if one.forma == "repetido" else item_tag(one.tipo)
    first, last = ("", "") if _es_par(one.tipo) else (f"<{item}>", f"</{item}>")

    def write_items(nodes: tuple[Any, ...], add: Callable[[str], None]) -> None:
        for node in nodes:
            add(first)
            inner(node, add)
            add(last)

    def write_list(nodes: tuple[Any, ...], add: Callable[[str], None]) -> None:
        if nodes or one.vacia:
            add(opening)
            write_items(nodes, add)
            add(closing)

    return opening, closing, None, write_items if one.forma == "repetido" else write_list


def _nothing(node: Any, add: Callable[[str], None]) -> None:
    raise AssertionError(node)


def _es_par(clase: type[Any]) -> bool:
    return campos(clase)[-1].forma in (ATRIBUTO["xml"], CUERPO["xml"])


def _pair_writer(clase: type[Any]) -> Escribir:
    """``detAdicional`` has two attributes, ``campoAdicional`` an attribute and a text."""
    item = item_tag(clase)
    if campos(clase)[-1].forma == ATRIBUTO["xml"]:

        def write_attributes(node: Any, add: Callable[[str], None]) -> None:
            nombre, valor = _escape_attribute(node.nombre), _escape_attribute(node.valor)
            add(f'<{item} nombre="{nombre}" valor="{valor}"></{item}>')

        return write_attributes

    def write_text(node: Any, add: Callable[[str], None]) -> None:
        add(f'<{item} nombre="{_escape_attribute(node.nombre)}">{_escape(node.valor)}</{item}>')

    return write_text


# --- reading ------------------------------------------------------------------------------------


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
        raise DocumentoIlegible(
            _("The file is not XML: %(reason)s.", reason=str(error)[:200]), code="sri_xml_syntax"
        ) from error
    if root.getroottree().docinfo.doctype:
        raise _dtd()
    return root


def _dtd() -> DocumentoIlegible:
    return DocumentoIlegible(
        _("The file declares a DTD or entities; SRI's documents have none."), code="sri_xml_dtd"
    )


def _parser() -> Any:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )


def read(content: bytes) -> Comprobante:
    """The document in ``content``, signed or not; its signature is left aside.

    Order and number of elements are checked, lengths and patterns are the schema's. Raises
    ``DocumentoIlegible`` naming the element.
    """
    return read_element(parse(content))


def read_element(root: Any) -> Comprobante:
    """As :func:`read`, from a parsed root element."""
    clase = _CLASES_POR_RAIZ.get(str(root.tag))
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
        if again:
            values[one.name] = (*values.get(one.name, ()), _group(one.tipo, child))
        else:
            values[one.name] = _value(one, child)
    for one in campos(clase):
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


def _group(clase: type[Any], element: Any) -> Any:
    if not _es_par(clase):
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
    return _PARSERS[one.tipo](element)


def _no_text(element: Any) -> None:
    loose = [element.text, *(child.tail for child in element)]
    if any(text and not text.isspace() for text in loose):
        raise _wrong(element, _("it may hold elements only, no text"))


def _text(element: Any) -> str:
    if len(element):
        raise _wrong(element, _("it may hold text only"))
    return str(element.text or "")


def _read_decimal(element: Any) -> Decimal:
    text = _text(element)
    if _DECIMAL.fullmatch(text) is None:
        raise _wrong(element, _("“%(text)s” is no number", text=text[:40]))
    try:
        return Decimal(text.strip())
    except InvalidOperation as error:
        raise _wrong(element, _("“%(text)s” is no number", text=text[:40])) from error


def _read_date(element: Any) -> date:
    text = _text(element)
    found = _FECHA.fullmatch(text)
    try:
        if found is not None:
            return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        pass
    raise _wrong(element, _("“%(text)s” is no date dd/mm/yyyy", text=text[:40]))


_PARSERS: dict[type[Any], Callable[[Any], Any]] = {
    str: _text,
    Decimal: _read_decimal,
    date: _read_date,
}
