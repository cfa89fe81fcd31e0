"""The text of PostgreSQL's COPY, written column by column for many rows at once: adapting value by
value costs more than the server needs to store them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from json import JSONEncoder
from typing import Any
from uuid import UUID

from core.ids import hex_of

ROWS_AT_ONCE = 1000
NOTHING = "\\N"
_SPECIAL = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_TABLE = str.maketrans(_SPECIAL)
_encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_PLAIN = frozenset((type(None), str, UUID, Decimal, int, bool, date, datetime))
_Column = tuple[Any, ...]
_Writer = Callable[[_Column], list[str]]


class JsonText(str):
    """A JSON value that is JSON text already (``core.contracts.codec.to_texts``)."""

    __slots__ = ()


def _texts(values: Sequence[str]) -> list[str]:
    whole = "".join(values)
    if any(one in whole for one in _SPECIAL):
        return [one.translate(_TABLE) for one in values]
    return list(values)


def json_text(value: Any) -> str | None:
    """The text of a JSON value; ``JsonText`` is that already."""
    return value if value is None or type(value) is JsonText else _encode(value)


def _jsons(values: _Column) -> list[str]:
    """JSON cells; a value that stands in many rows is written once."""
    different = {id(one): one for one in values if one is not None}
    texts = _texts([json_text(one) or "" for one in different.values()])
    written = {id(None): NOTHING} | dict(zip(different, texts, strict=True))
    return [written[id(one)] for one in values]


_WRITERS: dict[type, _Writer] = {
    type(None): lambda values: [NOTHING] * len(values),
    str: _texts,
    JsonText: _texts,
    UUID: hex_of,
    Decimal: lambda values: [*map(str, values)],
    int: lambda values: [*map(str, values)],
    float: lambda values: [*map(repr, values)],
    bool: lambda values: ["t" if one else "f" for one in values],
    date: lambda values: [*map(date.isoformat, values)],
    datetime: lambda values: [*map(datetime.isoformat, values)],
    bytes: lambda values: ["\\\\x" + one.hex() for one in values],
}


def _writer(kind: type) -> _Writer:
    """How values of a type that is not in the table (an enumeration, say) are written."""
    for known in (bool, str, int, float, Decimal, datetime, date, UUID, bytes):
        if issubclass(kind, known):
            return _WRITERS[known]
    raise TypeError(f"{kind.__name__} cannot be copied into a table")


def _cells(values: _Column, is_json: bool) -> list[str]:
    if is_json:
        return _jsons(values)
    kinds = set(map(type, values))
    if len(kinds) == 1:
        (kind,) = kinds
        if kind not in _WRITERS:
            _WRITERS[kind] = _writer(kind)
        return _WRITERS[kind](values)
    if len(kinds) == 2 and type(None) in kinds:
        present = iter(_cells(tuple([one for one in values if one is not None]), is_json))
        return [NOTHING if one is None else next(present) for one in values]
    return [_cells((one,), is_json)[0] for one in values]


def copy_lines(columns: Sequence[tuple[_Column, bool]]) -> Iterator[str]:
    """The text of the rows, a block at a time. Of each column its values, and whether they are JSON.

    Raises ``TypeError`` for values that no column can hold.
    """
    for begin in range(0, len(columns[0][0]), ROWS_AT_ONCE):
        cells = [
            _cells(values[begin : begin + ROWS_AT_ONCE], is_json) for values, is_json in columns
        ]
        yield "\n".join(map("\t".join, zip(*cells, strict=True))) + "\n"


def is_common(values: _Column, is_json: bool) -> bool:
    """One value for all rows, such as the tenant or the day."""
    first = values[0]
    if is_json:
        return len(set(map(id, values))) == 1
    return type(first) in _PLAIN and values[-1] == first and values.count(first) == len(values)
