"""Mass writes: COPY into a temporary table, then INSERT … SELECT, so that row-level security checks
each row (PostgreSQL refuses COPY straight into a table with policies).

The two may be apart: what is staged early costs nobody a wait, and gets its last values (numbers,
say, for which others have to queue) when it is inserted. The temporary table stays with its
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
_PLACE = "_place"  # of a row among those staged with it, from 1


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
) -> Staged:
    """Bring ``rows`` (values in the order of ``columns``) to the server, in the session's transaction.

    ``tenant_id`` must be among the columns of a tenant's table and equal the scope's. JSON values
    are plain Python objects or ``JsonText``. What all rows have in common travels once, with the
    INSERT. Until these are inserted, no others of the same table and columns may be staged.
    """
    ready = [*rows]
    values = dict(zip(columns, zip(*ready, strict=True), strict=False))
    tenant = scope_of(session).tenant_id
    if any(one is not tenant and one != tenant for one in values.get("tenant_id", ())):
        raise ForeignTenantError(f"bulk row of another tenant for {table.name}")
    if len(ready) <= FEW:
        return _Few(session, table, columns, ready)
    return _stage(session, table, values, len(ready))


def copy_rows(
    session: Session,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """``stage_rows`` and ``insert`` in one go."""
    stage_rows(session, table, columns, rows).insert()


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


@dataclass(frozen=True, slots=True, eq=False)
class _Many:
    session: Session
    table: Table
    temporary: str
    types: dict[str, str]
    common: dict[str, Any]
    count: int

    def insert(self, **late: Sequence[Any]) -> None:
        staged = _staged(self.session)
        if staged[self.temporary] is not self:
            raise RuntimeError(f"these rows for {self.table.name} are no longer staged")
        staged[self.temporary] = None
        picked = {
            name: f"%s::{_uncut(kind)}" if name in self.common else f'"{name}"'
            for name, kind in self.types.items()
        }
        parameters = [*self.common.values()]
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
            f' SELECT {", ".join(picked.values())} FROM "{self.temporary}"'
        )

        def move(cursor: psycopg.Cursor[Any]) -> None:
            cursor.execute(statement, parameters)
            if cursor.rowcount != self.count:  # a savepoint has taken them away
                raise RuntimeError(f"these rows for {self.table.name} are no longer staged")

        _tell(self.session, statement, move, aside=self.count >= ASIDE_FROM)


def _stage(
    session: Session, table: Table, values: dict[str, tuple[Any, ...]], count: int
) -> Staged:
    types = {name: _sql_type(session, table, name) for name in values}
    json_columns = {name for name in values if isinstance(table.c[name].type, JSON)}
    common = {
        name: json_text(one[0]) if name in json_columns else one[0]
        for name, one in values.items()
        if name != "id" and is_common(one, name in json_columns)
    }
    own = {name: (one, name in json_columns) for name, one in values.items() if name not in common}
    own[_PLACE] = tuple(range(1, count + 1)), False
    blocks = [*copy_lines([*own.values()])]
    defined = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    temporary = f"load_{crc32(defined.encode()):08x}_{table.name}"[:63]
    staged = _staged(session)
    # plans (also of foreign keys) may be those of tables that were empty
    before = [] if staged else ["DISCARD PLANS"]
    before.append(
        f'CREATE TEMPORARY TABLE IF NOT EXISTS "{temporary}" ({defined}, "{_PLACE}" integer)'
        " ON COMMIT DELETE ROWS"
    )
    if temporary in staged:
        before.append(f'TRUNCATE "{temporary}"')
    statement = f'COPY "{temporary}" ({_listed(own)}) FROM STDIN'

    def load(cursor: psycopg.Cursor[Any]) -> None:
        for one in before:
            cursor.execute(one)
        with cursor.copy(statement) as copy:
            for block in blocks:
                copy.write(block)

    many = staged[temporary] = _Many(session, table, temporary, types, common, count)
    _tell(session, statement, load, aside=count >= ASIDE_FROM)
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
