"""Mass writes: COPY into a temporary table, then INSERT … SELECT, so that row-level security checks
each row (PostgreSQL refuses COPY straight into a table with policies).

The text of the COPY is written here, column by column for many rows at once: adapting value by value
costs more than PostgreSQL needs to store them. The temporary table stays with its connection, empty
after each commit, so that a run of thousands of batches does not churn the catalogue.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from json import JSONEncoder
from typing import Any
from uuid import UUID
from zlib import crc32

import psycopg
from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Table,
    Uuid,
    any_,
    event,
    literal,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeDecorator

from core.db.tenancy import ForeignTenantError, scope_of

ROWS_AT_ONCE = 1000
ASIDE_FROM = 500  # rows: PostgreSQL stores them while this process works on
_WRITING = "yupana.writing"
_aside = ThreadPoolExecutor(thread_name_prefix="bulk")
NOTHING = "\\N"
_SPECIAL = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_TABLE = str.maketrans(_SPECIAL)
_encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_PLAIN = frozenset((type(None), str, UUID, Decimal, int, bool, date, datetime))
_Column = tuple[Any, ...]
_Writer = Callable[[_Column], list[str]]


_ARRAY_ITEM: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "NULL",
    UUID: lambda one: f"{one.int:032x}",
}


@contextmanager
def without_collector() -> Iterator[None]:
    """No search for cyclic garbage inside the block: a batch makes many objects, which die with it.

    Without this the searches take a fifth of a large run. Blocks of several threads may overlap.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class JsonText(str):
    """A JSON value that is JSON text already (``core.contracts.codec.to_texts``)."""

    __slots__ = ()


def array_text(values: Iterable[UUID | date | Decimal | int | None]) -> str:
    """A PostgreSQL array as text, for ``CAST(:ids AS uuid[])``: one parameter, quickly written."""
    return "{" + ",".join([_ARRAY_ITEM.get(type(one), str)(one) for one in values]) + "}"


class _Ids(TypeDecorator[str]):
    """``uuid[]``, given as text and read once: a cast of text would be read again for every row."""

    impl = ARRAY(Uuid)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """The text goes as it is."""


def among(column: InstrumentedAttribute[UUID], ids: Iterable[UUID]) -> ColumnElement[bool]:
    """``column = ANY(ids)``: as ``in_``, but of one parameter however many ids there are."""
    return column == any_(literal(array_text(ids), _Ids()))


def _texts(values: Sequence[str]) -> list[str]:
    whole = "".join(values)
    if any(one in whole for one in _SPECIAL):
        return [one.translate(_TABLE) for one in values]
    return list(values)


def _json(value: Any) -> str | None:
    return value if value is None or type(value) is JsonText else _encode(value)


def _jsons(values: _Column) -> list[str]:
    """JSON cells; a value that stands in many rows is written once."""
    different = {id(one): one for one in values if one is not None}
    texts = _texts([_json(one) or "" for one in different.values()])
    written = {id(None): NOTHING} | dict(zip(different, texts, strict=True))
    return [written[id(one)] for one in values]


_WRITERS: dict[type, _Writer] = {
    type(None): lambda values: [NOTHING] * len(values),
    str: _texts,
    JsonText: _texts,
    UUID: lambda values: [f"{one.int:032x}" for one in values],
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


def _lines(columns: Sequence[tuple[_Column, bool]]) -> Iterator[str]:
    """The text of the COPY, a block of rows at a time."""
    for begin in range(0, len(columns[0][0]), ROWS_AT_ONCE):
        cells = [
            _cells(values[begin : begin + ROWS_AT_ONCE], is_json) for values, is_json in columns
        ]
        yield "\n".join(map("\t".join, zip(*cells, strict=True))) + "\n"


def _is_common(values: _Column, is_json: bool) -> bool:
    """One value for all rows, such as the tenant or the day."""
    first = values[0]
    if is_json:
        return len(set(map(id, values))) == 1
    return type(first) in _PLAIN and values[-1] == first and values.count(first) == len(values)


def copy_rows(
    session: Session,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    ignore_conflicts: bool = False,
) -> int:
    """Insert ``rows`` (values in the order of ``columns``) in the session's transaction; their number.

    ``tenant_id`` must be among the columns of a tenant's table and equal the scope's. JSON values
    are given as plain Python objects. With ``ignore_conflicts`` rows that exist already are skipped
    and not counted. What all rows have in common travels once, with the INSERT. Raises SQLAlchemy's
    ``DBAPIError`` for what the database refuses; of many rows the next statement or the commit does,
    since PostgreSQL stores them while the caller goes on.
    """
    values: dict[str, _Column] = dict(zip(columns, zip(*rows, strict=True), strict=False))
    if not values:
        return 0
    tenant = scope_of(session).tenant_id
    if any(one != tenant for one in set(values.get("tenant_id", ()))):
        raise ForeignTenantError(f"bulk row of another tenant for {table.name}")
    dialect = session.get_bind().dialect
    types = {
        name: table.c[name].type.dialect_impl(dialect).compile(dialect=dialect).lower()
        for name in columns
    }
    json = {name for name in columns if isinstance(table.c[name].type, JSON)}
    common = {
        name: _json(values[name][0]) if name in json else values[name][0]
        for name in columns[1:]
        if _is_common(values[name], name in json)
    }
    own = [name for name in columns if name not in common]
    defined = ", ".join(f'"{name}" {types[name]}' for name in columns)
    temporary = f"load_{crc32(defined.encode()):08x}_{table.name}"[:63]
    tail = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    picked = ", ".join(f"%s::{types[name]}" if name in common else f'"{name}"' for name in columns)
    insert = (
        f'INSERT INTO "{table.name}" ({_listed(columns)}) SELECT {picked} FROM "{temporary}"{tail}'  # noqa: S608
    )
    blocks = [*_lines([(values[name], name in json) for name in own])]
    session.flush()
    connection = session.connection()
    finish_writing(connection)
    loaded: set[str] = session.info.setdefault("loaded", set())
    # plans (also of foreign keys) may be those of tables that were empty
    before = [] if loaded else ["DISCARD PLANS"]
    before.append(
        f'CREATE TEMPORARY TABLE IF NOT EXISTS "{temporary}" ({defined}) ON COMMIT DELETE ROWS'
    )
    if temporary in loaded:
        before.append(f'TRUNCATE "{temporary}"')
    loaded.add(temporary)
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the session has no connection")

    def write() -> int:
        try:
            with driver.cursor() as cursor:
                for statement in before:
                    cursor.execute(statement)
                with cursor.copy(f'COPY "{temporary}" ({_listed(own)}) FROM STDIN') as copy:
                    for block in blocks:
                        copy.write(block)
                cursor.execute(insert, [*common.values()])
                return int(cursor.rowcount)
        except psycopg.Error as error:
            raise DBAPIError.instance(
                insert, None, error, psycopg.Error, dialect=dialect
            ) from error

    count = len(values[columns[0]])
    if ignore_conflicts or count < ASIDE_FROM:
        return write()
    connection.info[_WRITING] = _aside.submit(write)
    session.info[_WRITING] = connection
    return count


def finish_writing(connection: Connection) -> None:
    """Wait for what ``copy_rows`` is still writing on ``connection``. Raises what it met."""
    if connection.invalidated:  # lost, and with it whatever was on its way
        return
    writing: Future[int] | None = connection.info.pop(_WRITING, None)
    if writing is not None:
        writing.result()


@event.listens_for(Engine, "before_cursor_execute")
def _before_statement(connection: Connection, *_: Any) -> None:
    finish_writing(connection)


@event.listens_for(Session, "before_commit")  # a savepoint's, too
def _before_release(session: Session) -> None:
    connection: Connection | None = session.info.pop(_WRITING, None)
    if connection is not None and not connection.closed:
        finish_writing(connection)


@event.listens_for(Engine, "commit")
def _before_commit(connection: Connection) -> None:
    finish_writing(connection)


@event.listens_for(Engine, "rollback")
@event.listens_for(Engine, "rollback_savepoint")
def _before_rollback(connection: Connection, *_: Any) -> None:
    with suppress(DBAPIError):
        finish_writing(connection)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
