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
_Memo = dict[int, str]
_TextWriter = Callable[[Any, _Memo], str]


def to_text(value: Any, memo: _Memo | None = None) -> str:
    """The JSON text of a dataclass, or of a value that a field may hold. Raises ``TypeError``.

    With the same ``memo`` for many values, tuples that they share are written once (as
    ``copy.deepcopy`` does it, by identity): the values must outlive the memo.
    """
    return _text_writer(type(value))(value, {} if memo is None else memo)


def _text_writer(kind: Any) -> _TextWriter:
    """How values of a type are written as text: found once for each type."""
    if kind not in _TEXT_WRITERS:
        _TEXT_WRITERS[kind] = _new_text_writer(kind)
    return _TEXT_WRITERS[kind]


def _new_text_writer(kind: Any) -> _TextWriter:
    if issubclass(kind, (str, UUID, Decimal, date, Mapping, list, *_PLAIN)):
        return lambda value, _: _quoted(to_json(value))
    if issubclass(kind, tuple):
        return _tuple_text
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind.__name__} cannot travel as JSON")
    names = _names(cast(Any, kind))
    template = "{" + ", ".join(f'"{name}": %s' for name in names) + "}"
    known = _TEXT_WRITERS

    def write(value: Any, memo: _Memo) -> str:
        found = [getattr(value, name) for name in names]
        try:
            return template % tuple([known[type(one)](one, memo) for one in found])
        except KeyError:  # a type that was not met before
            return template % tuple([_text_writer(type(one))(one, memo) for one in found])

    return write


def _tuple_text(value: tuple[Any, ...], memo: _Memo) -> str:
    if not value:
        return "[]"
    text = memo.get(id(value))
    if text is None:
        parts = [_text_writer(type(one))(one, memo) for one in value]
        text = memo[id(value)] = "[" + ", ".join(parts) + "]"
    return text


_TEXT_WRITERS: dict[Any, _TextWriter] = {
    type(None): lambda _value, _memo: "null",
    bool: lambda value, _: "true" if value else "false",
    int: lambda value, _: str(value),
    str: lambda value, _: json.encoder.encode_basestring(value),
    Decimal: lambda value, _: f'"{value}"',
    UUID: lambda value, _: f'"{value}"',
    date: lambda value, _: f'"{value.isoformat()}"',
    datetime: lambda value, _: f'"{value.isoformat()}"',
    tuple: _tuple_text,
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
