"""Frozen dataclasses of the contracts as JSON and back: events, requests, snapshots.

``to_text`` writes the JSON text at once, for mass writes: the same as ``json.dumps(to_json(value))``.

UUID, date, datetime and Decimal travel as strings, tuples as lists; the types of the fields say how
to read them again, so ``from_json(type(x), to_json(x)) == x``.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

_T = TypeVar("_T")
_PLAIN = (str, int, bool, type(None))
_Reader = Callable[[Any], Any]


def to_json(value: Any) -> Any:
    """The JSON value of a dataclass, or of a value that a field may hold. Raises ``TypeError``."""
    kind = type(value)
    writer = _WRITERS.get(kind)
    if writer is None:
        writer = _WRITERS[kind] = _writer(kind)
    return writer(value)


def _same(value: Any) -> Any:
    return value


def _write_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): to_json(one) for key, one in value.items()}


def _write_sequence(value: Sequence[Any]) -> list[Any]:
    return [to_json(one) for one in value]


def _writer(kind: Any) -> _Reader:
    """How values of a type are written: found once for each type."""
    if issubclass(kind, _PLAIN):
        return _same
    if issubclass(kind, (UUID, Decimal)):
        return str
    if issubclass(kind, date):  # a datetime is a date
        return lambda value: value.isoformat()
    if dataclasses.is_dataclass(kind):
        names = _names(cast(Any, kind))
        return lambda value: {name: to_json(getattr(value, name)) for name in names}
    if issubclass(kind, Mapping):
        return _write_mapping
    if issubclass(kind, (list, tuple)):
        return _write_sequence
    raise TypeError(f"{kind.__name__} cannot travel as JSON")


_WRITERS: dict[Any, _Reader] = {}


_quoted = json.JSONEncoder(ensure_ascii=False).encode
_TextWriter = Callable[[Any], str]


def to_text(value: Any) -> str:
    """The JSON text of a dataclass, or of a value that a field may hold. Raises ``TypeError``."""
    kind = type(value)
    writer = _TEXT_WRITERS.get(kind)
    if writer is None:
        writer = _TEXT_WRITERS[kind] = _text_writer(kind)
    return writer(value)


def _text_writer(kind: Any) -> _TextWriter:
    if not dataclasses.is_dataclass(kind):
        if issubclass(kind, (list, tuple)):
            return lambda value: "[" + ", ".join(map(to_text, value)) + "]"
        if issubclass(kind, (str, UUID, Decimal, date, Mapping, *_PLAIN)):
            return lambda value: _quoted(to_json(value))
        raise TypeError(f"{kind.__name__} cannot travel as JSON")
    names = _names(cast(Any, kind))
    template = "{" + ", ".join(f'"{name}": %s' for name in names) + "}"
    if len(names) < 2:
        return lambda value: template % tuple(to_text(getattr(value, name)) for name in names)
    fields, known = attrgetter(*names), _TEXT_WRITERS

    def write(value: Any) -> str:
        found = fields(value)
        try:
            return template % tuple([known[type(one)](one) for one in found])
        except KeyError:  # a type that was not met before
            return template % tuple(map(to_text, found))

    return write


_TEXT_WRITERS: dict[Any, _TextWriter] = {
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    int: str,
    str: json.encoder.encode_basestring,
    Decimal: lambda value: f'"{value}"',
    UUID: lambda value: f'"{value}"',
    date: lambda value: f'"{value.isoformat()}"',
    datetime: lambda value: f'"{value.isoformat()}"',
    tuple: lambda value: "[" + ", ".join(map(to_text, value)) + "]" if value else "[]",
}


def from_json(cls: type[_T], data: Mapping[str, Any]) -> _T:
    """The dataclass that ``to_json`` wrote. Fields it does not know are left out (a newer version)."""
    kind: Any = cls
    readers = _readers(kind)
    return cls(**{name: readers[name](one) for name, one in data.items() if name in readers})


@cache
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


@cache
def _readers(cls: Any) -> dict[str, _Reader]:
    hints = get_type_hints(cls)
    return {name: _reader(hints[name]) for name in _names(cls)}


def _reader(hint: Any) -> _Reader:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        known = _reader(next(one for one in inner if one is not type(None)))
        return lambda value: None if value is None else known(value)
    if origin in (tuple, list, Sequence):
        return _sequence_reader(inner, origin)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return lambda value: from_json(hint, value)
    if hint is UUID or hint is Decimal:
        return hint
    if hint is datetime or hint is date:
        return hint.fromisoformat
    return lambda value: value


def _sequence_reader(inner: tuple[Any, ...], origin: Any) -> _Reader:
    if origin is not tuple or (len(inner) == 2 and inner[1] is Ellipsis):
        one_reader = _reader(inner[0])
        make = tuple if origin is tuple else list
        return lambda value: make(one_reader(one) for one in value)
    readers = [_reader(one) for one in inner]
    return lambda value: tuple(read(one) for read, one in zip(readers, value, strict=True))
