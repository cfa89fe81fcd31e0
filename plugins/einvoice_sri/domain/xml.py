"""Documents to bytes and back. The tag of a field is its name from snake_case to camelCase.

The bytes are already in canonical form (inclusive C14N 1.0 without comments), so that the signer
digests them as they are. They carry no XML declaration: C14N has none, UTF-8 is what XML assumes
without one, and whoever stores the signed document may put one in front without touching a digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from core.i18n import _
from plugins.einvoice_sri.domain.bloques import ATRIBUTO
from plugins.einvoice_sri.domain.comprobantes import Comprobante
from plugins.einvoice_sri.domain.errores import DocumentoIlegible
from plugins.einvoice_sri.domain.forma import RAIZ_POR_CLASE, Campo, campos, es_par, item_tag
from plugins.einvoice_sri.domain.lectura import DS, ID, parse, read, read_element

__all__ = ["DS", "ID", "build", "parse", "read", "read_element"]

_ILEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Escribir = Callable[[Any, Callable[[str], None]], None]


def build(comprobante: Comprobante) -> bytes:
    """The document as canonical UTF-8 bytes, ready to be signed; the same input gives the same bytes.

    Raises ``DocumentoIlegible`` when a text holds a character that XML cannot carry.
    """
    raiz = RAIZ_POR_CLASE[type(comprobante)]
    out = [f'<{raiz} id="{ID}" version="{_escape_attribute(comprobante.version)}">']
    _writer(type(comprobante))(comprobante, out.append)
    out.append(f"</{raiz}>")
    return "".join(out).encode("utf-8")


def _check(text: str) -> None:
    """Raises ``DocumentoIlegible`` for what XML cannot carry; letters and digits alone need no look."""
    if not text.isprintable() and (found := _ILEGAL.search(text)):
        raise DocumentoIlegible(
            _(
                "The document holds the character %(char)s, which XML cannot carry, near “%(near)s”: delete it.",
                char=f"U+{ord(found[0]):04X}",
                near=text[max(0, found.start() - 30) : found.start()],
            ),
            code="sri_xml_character",
        )


@lru_cache(maxsize=4096)  # the same texts stand in document after document
def _escape(text: str) -> str:
    _check(text)
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if "\r" in text:
        text = text.replace("\r", "&#xD;")
    return text


@lru_cache(maxsize=1024)
def _escape_attribute(text: str) -> str:
    _check(text)
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if '"' in text:
        text = text.replace('"', "&quot;")
    if "\t" in text or "\n" in text or "\r" in text:
        text = text.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")
    return text


def _date(value: date) -> str:
    return f"{value.day:02d}/{value.month:02d}/{value.year:04d}"


_ESCRITORES: dict[type[Any], Escribir] = {}


def _writer(clase: type[Any]) -> Escribir:
    """The function that writes an instance; made once per class."""
    if clase not in _ESCRITORES:
        _ESCRITORES[clase] = _make_writer(clase)
    return _ESCRITORES[clase]


#: How a leaf is written; most texts are codes and need no look at each character.
_HOJAS: dict[type[Any], str] = {
    str: "value if value.isalnum() else escape(value)",
    Decimal: 'text if "E" not in (text := str(value)) else format(value, "f")',
    date: "fecha(value)",
}


def _make_writer(clase: type[Any]) -> Escribir:
    """A function with one statement for each field, as one would write it by hand: that costs a third
    less than a loop over the fields. Its source is made of nothing but names in our own classes.
    """
    if es_par(clase):
        return _pair_writer(clase)
    names: dict[str, Any] = {"escape": _escape, "fecha": _date}
    lines = ["def write(node, add):"]
    for one in campos(clase):
        if one.forma == ATRIBUTO["xml"]:
            continue
        if one.forma == "hoja":
            put = f'add("<{one.tag}>" + ({_HOJAS[one.tipo]}) + "</{one.tag}>")'
        else:
            names[f"write_{one.name}"] = _paso(one)
            put = f"write_{one.name}(value, add)"
        lines += [f"    value = node.{one.name}", "    if value is not None:", f"        {put}"]
    exec("\n".join(lines), names)  # noqa: S102
    writer: Escribir = names["write"]
    return writer


def _paso(one: Campo) -> Escribir:
    """How a field with parts is written."""
    opening, closing = f"<{one.tag}>", f"</{one.tag}>"
    inner = _writer(one.tipo)
    if one.forma == "grupo":

        def write_group(node: Any, add: Callable[[str], None]) -> None:
            add(opening)
            inner(node, add)
            add(closing)

        return write_group
    item = one.tag if one.forma == "repetido" else item_tag(one.tipo)
    first, last = ("", "") if es_par(one.tipo) else (f"<{item}>", f"</{item}>")

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

    return write_items if one.forma == "repetido" else write_list


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
