"""Mass writes: COPY into a temporary table, then INSERT … SELECT, so that row-level security checks
each row (PostgreSQL refuses COPY straight into a table with policies).

The two may be apart: what is staged early costs nobody a wait, and gets its last values (numbers,
say, for which others have to queue) when it is inserted. Temporary tables stay with their
connection, empty after each commit, so that a run of thousands of batches does not churn the catalogue.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from zlib import crc32

import psycopg
from sqlalchemy import Table, insert
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.db.arrays import array_text
from core.db.aside import finish_writing, write_aside
from core.db.copy_text import JsonText, copy_lines, is_common, json_text
from core.db.tenancy import ForeignTenantError, scope_of

FEW = 20  # rows: up to here one plain INSERT costs less than a temporary table
ASIDE_FROM = 500  # rows: PostgreSQL stores them while this process works on
_Row = tuple[Any, ...]
_Columns = dict[str, _Row]
_PLACE = "_place"  # of a row among those staged with it, from 1
_GROUP = "_group"  # of rows that have their values ``alike`` in common


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


class Staged(Protocol):
    """Rows on their way into a table."""

    def insert(self, **late: Sequence[Any]) -> None:
        """Insert them, once. ``late`` are columns that were not known before, a value for each row.

        Raises SQLAlchemy's ``DBAPIError`` for what the database refuses; of many rows the next
        statement or the commit does, since PostgreSQL stores them while the caller goes on.
        """


def stage_rows(
    session: Session,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    alike: Sequence[str] = (),
) -> Staged:
    """Bring ``rows`` (values in the order of ``columns``) to the server, in the session's transaction.

    ``tenant_id`` must be among the columns of a tenant's table and equal the scope's. JSON values
    are plain Python objects or ``JsonText``. What all rows have in common travels once, with the
    INSERT. ``alike`` are more columns, whose values many rows have in common: each row then ends with
    the tuple of them, and a tuple that is the same object in several rows travels once. The rows need
    not come to lie in the order given. Until these are inserted, no others of the same table and
    columns may be staged.
    """
    ready = [*rows]
    own: list[_Row] = [*zip(*ready, strict=True)]
    groups: _Row = own.pop() if alike and own else ()
    different = {id(one): one for one in groups}
    if len(different) * 2 > len(groups) or len(ready) <= FEW:  # alike in name only
        own += zip(*groups, strict=True)
        columns, alike, groups = (*columns, *alike), (), ()
    values = dict(zip(columns, own, strict=False))
    shared = dict(zip(alike, zip(*different.values(), strict=True), strict=False))
    tenant = scope_of(session).tenant_id
    for one in (values, shared):
        if any(its is not tenant and its != tenant for its in one.get("tenant_id", ())):
            raise ForeignTenantError(f"bulk row of another tenant for {table.name}")
    if len(ready) <= FEW:
        return _Few(session, table, columns, [*zip(*own, strict=True)])
    return _stage(session, table, values, shared, groups)


def copy_rows(
    session: Session,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    alike: Sequence[str] = (),
) -> None:
    """``stage_rows`` and ``insert`` in one go."""
    stage_rows(session, table, columns, rows, alike=alike).insert()


@dataclass(frozen=True, slots=True)
class _Few:
    session: Session
    table: Table
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def insert(self, **late: Sequence[Any]) -> None:
        if self.rows:
            added = zip(*late.values(), strict=True) if late else [()] * len(self.rows)
            rows = [(*row, *more) for row, more in zip(self.rows, added, strict=True)]
            insert_each(self.session, self.table, (*self.columns, *late), rows)


def insert_each(
    session: Session, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """A plain INSERT of rows as ``stage_rows`` takes them; whose they may be row-level security says."""
    session.flush()
    values = [
        {
            name: json.loads(one) if type(one) is JsonText else one
            for name, one in zip(columns, row, strict=True)
        }
        for row in rows
    ]
    session.connection().execute(insert(table), values)


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns of rows on their way, in a temporary table, and those of which all have one value."""

    temporary: str
    types: dict[str, str]
    common: dict[str, Any]
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    blocks: list[str]

    def prepare(self, *, used: bool) -> list[str]:
        """The statements before its COPY; ``used`` by this transaction already."""
        defined = ", ".join(
            [f'"{name}" {kind}' for name, kind in self.types.items()]
            + [f'"{key}" integer' for key in self.keys]
        )
        made = (
            f'CREATE TEMPORARY TABLE IF NOT EXISTS "{self.temporary}" ({defined})'
            " ON COMMIT DELETE ROWS"
        )
        return [made, f'TRUNCATE "{self.temporary}"'] if used else [made]

    def load(self, cursor: psycopg.Cursor[Any]) -> None:
        with cursor.copy(f'COPY "{self.temporary}" ({_listed(self.columns)}) FROM STDIN') as copy:
            for block in self.blocks:
                copy.write(block)
        self.blocks.clear()  # some megabytes, and the transaction goes on

    def picked(self) -> dict[str, str]:
        """How to read each column; what all have in common is a parameter."""
        return {
            name: f"%s::{_uncut(kind)}" if name in self.common else f'"{self.temporary}"."{name}"'
            for name, kind in self.types.items()
        }


def _part(
    session: Session,
    table: Table,
    prefix: str,
    values: _Columns,
    keys: dict[str, tuple[int, ...]],
    *,
    beside: Sequence[str] = (),
) -> _Part:
    """``beside`` are the columns of the other part: parts of different rows share no table."""
    types = {name: _sql_type(session, table, name) for name in values}
    json_columns = {name for name in values if isinstance(table.c[name].type, JSON)}
    common = {
        name: json_text(one[0]) if name in json_columns else one[0]
        for name, one in values.items()
        if name != "id" and is_common(one, name in json_columns)
    }
    own = {name: (one, name in json_columns) for name, one in values.items() if name not in common}
    own |= {key: (numbers, False) for key, numbers in keys.items()}
    named = crc32(repr((types, *keys, *beside)).encode())
    return _Part(
        f"{prefix}_{named:08x}_{table.name}"[:63],
        types,
        common,
        tuple(keys),
        tuple(own),
        [*copy_lines([*own.values()])],
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Many:
    session: Session
    table: Table
    rows: _Part
    groups: _Part | None
    count: int

    def insert(self, **late: Sequence[Any]) -> None:
        staged = _staged(self.session)
        if staged[self.rows.temporary] is not self:
            raise RuntimeError(f"these rows for {self.table.name} are no longer staged")
        staged[self.rows.temporary] = None
        picked, parameters = self.rows.picked(), [*self.rows.common.values()]
        source = f'"{self.rows.temporary}"'
        if self.groups is not None:
            picked |= self.groups.picked()
            parameters += self.groups.common.values()
            source += f' JOIN "{self.groups.temporary}" USING ("{_GROUP}")'
        for name, values in late.items():
            kind = _uncut(_sql_type(self.session, self.table, name))
            if kind == "text":  # in an array it is found by walking over all those before it
                picked[name] = f'(%s::jsonb)->>("{_PLACE}" - 1)'
                parameters.append(json_text(values))
            else:
                picked[name] = f'(%s::{kind}[])["{_PLACE}"]'
                parameters.append(array_text(values))
        statement = (
            f'INSERT INTO "{self.table.name}" ({_listed(picked)})'  # noqa: S608  (our own names)
            f" SELECT {', '.join(picked.values())} FROM {source}"
        )

        def move(cursor: psycopg.Cursor[Any]) -> None:
            cursor.execute(statement, parameters)
            if cursor.rowcount != self.count:  # a savepoint has taken them away
                raise RuntimeError(f"these rows for {self.table.name} are no longer staged")
            if self.count >= ASIDE_FROM:  # the first ones: plans are made for an empty table
                cursor.execute("SELECT core_gather_statistics(%s::regclass)", [self.table.name])

        _tell(self.session, statement, move, aside=self.count >= ASIDE_FROM)


def _stage(
    session: Session, table: Table, values: _Columns, alike: _Columns, groups: Sequence[_Row]
) -> Staged:
    count = len(next(iter(values.values())))
    keys = {_PLACE: tuple(range(1, count + 1))}
    parts = []
    if groups:
        number = {one: at for at, one in enumerate(dict.fromkeys(map(id, groups)), start=1)}
        keys[_GROUP] = tuple([number[id(one)] for one in groups])
        own = tuple(number.values())
        parts.append(_part(session, table, "alike", alike, {_GROUP: own}, beside=tuple(values)))
    parts.append(_part(session, table, "load", values, keys))
    staged = _staged(session)
    # plans (also of foreign keys) may be those of tables that were empty
    before = [] if staged else ["DISCARD PLANS"]
    for one in parts:
        before += one.prepare(used=one.temporary in staged)
        staged[one.temporary] = None

    def load(cursor: psycopg.Cursor[Any]) -> None:
        for statement in before:
            cursor.execute(statement)
        for one in parts:
            one.load(cursor)

    many = _Many(session, table, parts[-1], parts[0] if groups else None, count)
    staged[parts[-1].temporary] = many
    _tell(session, f"COPY {table.name}", load, aside=count >= ASIDE_FROM)
    return many


def _staged(session: Session) -> dict[str, Staged | None]:
    """What this session has staged, by temporary table; None once it is inserted."""
    found: dict[str, Staged | None] = session.info.setdefault("staged", {})
    return found


def _tell(
    session: Session,
    statement: str,
    job: Callable[[psycopg.Cursor[Any]], object],
    *,
    aside: bool,
) -> None:
    """Let ``job`` talk to the server past SQLAlchemy; its errors become SQLAlchemy's."""
    session.flush()
    connection = session.connection()
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the session has no connection")

    def write() -> None:
        try:
            with driver.cursor() as cursor:
                job(cursor)
        except psycopg.Error as error:
            raise DBAPIError.instance(
                statement, None, error, psycopg.Error, dialect=connection.dialect
            ) from error

    if aside:
        write_aside(session, connection, write)
    else:
        finish_writing(connection)
        write()


def _sql_type(session: Session, table: Table, name: str) -> str:
    dialect = session.get_bind().dialect
    return table.c[name].type.dialect_impl(dialect).compile(dialect=dialect).lower()


def _uncut(kind: str) -> str:
    """The type to cast a parameter to: a cast to ``varchar(n)`` would cut it silently."""
    return "text" if kind.startswith("varchar") else kind


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
