"""Arrays as parameters: many ids in one, and some rows in one statement, a column as an array.

From one row to a few hundred that want no COPY (``bulk.copy_rows``). A statement of its own for each
row costs the server three times as much and this process ten times.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Dialect, Table, TextClause, Uuid, any_, literal, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import String, TypeDecorator

from core.db.base import Base
from core.db.tenancy import scope_of, utc_now
from core.ids import hex_of, new_id

_DIALECT = postgresql.dialect()
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
Row = Mapping[str, Any]


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


_ARRAY_ITEM: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "NULL",
    UUID: lambda one: f"{one.int:032x}",
    str: _quoted,
    date: lru_cache(maxsize=1024)(date.isoformat),
}


def array_text(values: Iterable[UUID | date | Decimal | int | str | None]) -> str:
    """A PostgreSQL array as text, for ``CAST(:ids AS uuid[])``: one parameter, quickly written."""
    items: list[Any] = [*values]
    kinds = set(map(type, items))
    if kinds == {UUID}:
        return "{" + ",".join(hex_of(items)) + "}"
    if kinds == {str}:
        joined = '","'.join(items)
        if "\\" not in joined and joined.count('"') == 2 * len(items) - 2:
            return '{"' + joined + '"}'
    return "{" + ",".join([_ARRAY_ITEM.get(type(one), str)(one) for one in items]) + "}"


class _Ids(TypeDecorator[str]):
    """``uuid[]``, given as text and read once: a cast of text would be read again for every row."""

    impl = ARRAY(Uuid)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """The text goes as it is."""


def among(
    column: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None], ids: Iterable[UUID]
) -> ColumnElement[bool]:
    """``column = ANY(ids)``: as ``in_``, but of one parameter however many ids there are."""
    return column == any_(literal(array_text(ids), _Ids()))


def insert_rows(
    session: Session, model: type[Base], rows: Sequence[Row], *, on_conflict: str = ""
) -> None:
    """Insert rows of the scope at hand; all of them name the same columns.

    The tenant is filled in; so are ``id`` and ``created_at`` where they are not given. ``on_conflict``
    is the clause of the statement, such as ``DO NOTHING``.
    """
    if not rows:
        return
    if "id" not in rows[0]:
        rows = [{"id": new_id(), **row} for row in rows]
    session.flush()
    table = cast("Table", model.__table__)
    values = _arrays(table, rows) | {"tenant": scope_of(session).tenant_id, "now": utc_now()}
    session.connection().execute(_insert(table, tuple(rows[0]), on_conflict), values)


def update_rows(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Give rows of the tenant in scope new values; all name the same columns, ``id`` among them.

    Objects of the session do not learn of it.
    """
    if not rows:
        return
    session.flush()
    table = cast("Table", model.__table__)
    values = _arrays(table, rows) | {"tenant": scope_of(session).tenant_id}
    session.connection().execute(_update(table, tuple(rows[0])), values)


def _arrays(table: Table, rows: Sequence[Row]) -> dict[str, list[Any]]:
    found = {}
    for name in rows[0]:
        cells = [row[name] for row in rows]
        kind = table.c[name].type
        if isinstance(kind, JSON):
            cells = [None if one is None else _encode(one) for one in cells]
        elif isinstance(kind, TypeDecorator):  # such as the one that refuses naive datetimes
            cells = [kind.process_bind_param(one, _DIALECT) for one in cells]
        found[name] = cells
    return found


def _source(table: Table, columns: Sequence[str]) -> str:
    arrays = ", ".join(f"CAST(:{name} AS {_type(table, name)}[])" for name in columns)
    listed = ", ".join(f'"{name}"' for name in columns)
    return f"unnest({arrays}) AS v({listed})"


def _type(table: Table, name: str) -> str:
    """Of the array's items. Words travel as text: a cast to ``varchar(n)`` would cut them silently."""
    kind = table.c[name].type
    if isinstance(kind, JSON | String):
        return "text"
    return str(kind.dialect_impl(_DIALECT).compile(dialect=_DIALECT))


def _value(table: Table, name: str) -> str:
    kind = table.c[name].type
    is_json = isinstance(kind, JSON)
    return f'CAST(v."{name}" AS {kind.compile(dialect=_DIALECT)})' if is_json else f'v."{name}"'


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...], on_conflict: str) -> TextClause:
    given = {
        f"{name}, ": f":{value}, "
        for name, value in (("tenant_id", "tenant"), ("created_at", "now"))
        if name in table.c and name not in columns
    }
    listed = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(_value(table, name) for name in columns)
    return text(
        f'INSERT INTO "{table.name}" ({"".join(given)}{listed})'  # noqa: S608  (our own names)
        f" SELECT {''.join(given.values())}{values} FROM {_source(table, columns)}"
        f"{' ON CONFLICT ' + on_conflict if on_conflict else ''}"
    )


@lru_cache(maxsize=256)
def _update(table: Table, columns: tuple[str, ...]) -> TextClause:
    changed = ", ".join(f'"{name}" = {_value(table, name)}' for name in columns if name != "id")
    return text(
        f'UPDATE "{table.name}" AS t SET {changed} FROM {_source(table, columns)}'  # noqa: S608
        " WHERE t.id = v.id AND t.tenant_id = :tenant"
    )
