"""What a document's class looks like to the schema: its fields as tags, in order.

The tag of a field is its name from snake_case to camelCase; a tuple is a wrapper with one element
per item, named after the item's class.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from datetime import date
from decimal import Decimal
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from plugins.einvoice_sri.domain.bloques import ATRIBUTO, CUERPO, REPETIDO
from plugins.einvoice_sri.domain.comprobantes import CLASES, Comprobante
from plugins.einvoice_sri.domain.tipos import RAICES

#: Fields whose tag is not their name in camelCase. None so far: SRI's tags are regular enough.
EXCEPCIONES: dict[str, str] = {}

CLASE_POR_RAIZ: dict[str, type[Comprobante]] = {RAICES[cual]: CLASES[cual] for cual in CLASES}
RAIZ_POR_CLASE = {clase: raiz for raiz, clase in CLASE_POR_RAIZ.items()}


def tag(name: str) -> str:
    """``razon_social -> razonSocial``, unless the exception table says otherwise."""
    if name in EXCEPCIONES:
        return EXCEPCIONES[name]
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


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


def es_par(clase: type[Any]) -> bool:
    """Whether the class is one of the pairs of words that live in attributes."""
    return campos(clase)[-1].forma in (ATRIBUTO["xml"], CUERPO["xml"])
