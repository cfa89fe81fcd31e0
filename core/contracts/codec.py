"""Frozen dataclasses of the contracts as JSON and back: events, requests, snapshots.

``to_texts`` writes the JSON text of many at once, for mass writes; ``from_json`` reads the same in it.

A field that has its default is left out, so a default may never change its meaning.
UUID, date, datetime and Decimal travel as strings, tuples as lists; the types of the fields say how
to read them again, so ``from_json(type(x), to_json(x)) == x``.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import chain, islice
from operator import attrgetter
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from core.ids import texts_of

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


def _write_fields(value: Any) -> dict[str, Any]:
    found = {}
    for name, default in _fields(cast(Any, type(value))):
        one = getattr(value, name)
        if not (type(one) is type(default) and one == default and str(one) == str(default)):
            found[name] = to_json(one)
    return found


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
        return _write_fields
    if issubclass(kind, Mapping):
        return _write_mapping
    if issubclass(kind, (list, tuple)):
        return _write_sequence
    raise TypeError(f"{kind.__name__} cannot travel as JSON")


_WRITERS: dict[Any, _Reader] = {}


_quoted = json.JSONEncoder(ensure_ascii=False).encode
_TEXT_WRITERS: dict[Any, Callable[[Any], str]] = {
    type(None): lambda _value: "null",
    bool: lambda value: "true" if value else "false",
    int: str,
    str: json.encoder.encode_basestring,
    Decimal: lambda value: f'"{value}"',
    UUID: lambda value: f'"{value}"',
    date: lambda value: f'"{value.isoformat()}"',
    datetime: lambda value: f'"{value.isoformat()}"',
}


def to_texts(values: Sequence[Any], *, without: Collection[str] = ()) -> list[str]:
    """The JSON texts of values that fields may hold, such as dataclasses. Raises ``TypeError``.

    Field by field for all of them, and an object that stands in many places is written once. The
    fields ``without`` are left out, ``counterpart.email`` being one of a field's own.
    """
    different = {id(one): one for one in values}
    ones = [*different.values()]
    kinds = set(map(type, ones))
    if len(kinds) > 1:
        return [to_texts([one], without=without)[0] for one in values]
    texts = _texts(kinds.pop(), ones, without) if kinds else []
    if len(ones) == len(values):
        return texts
    written = dict(zip(different, texts, strict=True))
    return [written[id(one)] for one in values]


def _texts(kind: Any, values: Sequence[Any], without: Collection[str]) -> list[str]:
    if kind is UUID:
        return [f'"{one}"' for one in texts_of(values)]
    writer = _TEXT_WRITERS.get(kind)
    if writer is not None:
        return [*map(writer, values)]
    if dataclasses.is_dataclass(kind):
        columns = {}
        for name, default in _fields(cast(Any, kind)):
            column = [*map(attrgetter(name), values)]
            if name not in without and set(map(id, column)) != {id(default)}:
                inner = [one[len(name) + 1 :] for one in without if one.startswith(f"{name}.")]
                columns[name] = to_texts(column, without=inner)
        if not columns:
            return ["{}"] * len(values)
        template = "{" + ", ".join(f'"{name}": %s' for name in columns) + "}"
        return [template % row for row in zip(*columns.values(), strict=True)]
    if issubclass(kind, tuple):
        texts = iter(to_texts([*chain.from_iterable(values)]))
        return ["[" + ", ".join(islice(texts, len(one))) + "]" for one in values]
    return [_quoted(to_json(one)) for one in values]


def from_json(cls: type[_T], data: Mapping[str, Any]) -> _T:
    """The dataclass that ``to_json`` wrote. Fields it does not know are left out (a newer version)."""
    kind: Any = cls
    readers = _readers(kind)
    return cls(**{name: readers[name](one) for name, one in data.items() if name in readers})


@cache
def _fields(cls: Any) -> tuple[tuple[str, Any], ...]:
    """Names and defaults; ``dataclasses.MISSING`` where there is none."""
    return tuple((field.name, field.default) for field in dataclasses.fields(cls))


@cache
def _readers(cls: Any) -> dict[str, _Reader]:
    hints = get_type_hints(cls)
    return {name: _reader(hints[name]) for name, _default in _fields(cls)}


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
