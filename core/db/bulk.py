"""Mass writes: COPY into a temporary table, then INSERT … SELECT, so that row-level security checks
each row (PostgreSQL refuses COPY straight into a table with policies).

The text of the COPY is written here, a block for all rows at once: adapting value by value costs
more than PostgreSQL needs to store them. The temporary table stays with its connection, empty after
each commit, so that a run of thousands of batches does not churn the catalogue.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID
from zlib import crc32

import psycopg
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.db.tenancy import ForeignTenantError, scope_of

ROWS_AT_ONCE = 1000
_SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_Written = Callable[[Any], str]


def _text(value: str) -> str:
    return value.translate(_SPECIAL)


_AS_TEXT: dict[type, _Written] = {
    type(None): lambda _: "\\N",
    str: _text,
    UUID: lambda value: value.hex,
    Decimal: str,
    int: str,
    float: repr,
    bool: lambda value: "t" if value else "f",
    date: date.isoformat,
    datetime: datetime.isoformat,
    bytes: lambda value: "\\\\x" + value.hex(),
}


def _written_as(kind: type) -> _Written:
    """How values of a type that is not in the table (an enumeration, say) are written."""
    for known in (bool, str, int, float, Decimal, datetime, date, UUID, bytes, dict, list):
        if issubclass(kind, known):
            return _AS_TEXT[known]
    raise TypeError(f"{kind.__name__} cannot be copied into a table")


def _json_text(value: Any) -> str:
    return "\\N" if value is None else json.dumps(value).translate(_SPECIAL)


_AS_TEXT |= {dict: _json_text, list: _json_text, tuple: _json_text}


def _lines(rows: Iterable[Sequence[Any]], json_at: Sequence[int]) -> Iterator[str]:
    known = _AS_TEXT
    for row in rows:
        try:
            cells = [known[type(value)](value) for value in row]
        except KeyError:
            for value in row:
                known.setdefault(type(value), _written_as(type(value)))
            cells = [known[type(value)](value) for value in row]
        for i in json_at:
            if not isinstance(row[i], (dict, list)):
                cells[i] = _json_text(row[i])
        yield "\t".join(cells)


def _own(
    rows: Iterable[Sequence[Any]], at: int | None, tenant: UUID | None, table: str
) -> Iterator[Sequence[Any]]:
    for row in rows:
        if at is not None and row[at] != tenant:
            raise ForeignTenantError(f"bulk row of another tenant for {table}")
        yield row


def copy_rows(
    session: Session,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    ignore_conflicts: bool = False,
) -> int:
    """Insert ``rows`` (values in the order of ``columns``) in the session's transaction; their number.

    ``tenant_id`` must be among the columns of a tenant's table and equal the scope's. JSONB values
    are given as plain Python objects. With ``ignore_conflicts`` rows that exist already are skipped
    and not counted. Raises SQLAlchemy's ``DBAPIError`` for what the database refuses.
    """
    dialect = session.get_bind().dialect
    at = columns.index("tenant_id") if "tenant_id" in columns else None
    json_at = frozenset(
        i for i, name in enumerate(columns) if isinstance(table.c[name].type, JSONB)
    )
    types = [
        table.c[name].type.dialect_impl(dialect).compile(dialect=dialect).lower()
        for name in columns
    ]
    listed = ", ".join(f'"{name}"' for name in columns)
    defined = ", ".join(f'"{n}" {t}' for n, t in zip(columns, types, strict=True))
    temporary = f"load_{crc32(defined.encode()):08x}_{table.name}"[:63]
    tail = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    insert = f'INSERT INTO "{table.name}" ({listed}) SELECT {listed} FROM "{temporary}"{tail}'  # noqa: S608
    session.flush()
    driver = session.connection().connection.driver_connection
    if driver is None:
        raise RuntimeError("the session has no connection")
    loaded: set[str] = session.info.setdefault("loaded", set())
    lines = _lines(_own(rows, at, scope_of(session).tenant_id, table.name), tuple(json_at))
    try:
        with driver.cursor() as cursor:
            cursor.execute(
                f'CREATE TEMPORARY TABLE IF NOT EXISTS "{temporary}" ({defined}) ON COMMIT DELETE ROWS'
            )
            if temporary in loaded:
                cursor.execute(f'TRUNCATE "{temporary}"')
            loaded.add(temporary)
            with cursor.copy(f'COPY "{temporary}" ({listed}) FROM STDIN') as copy:
                while block := list(islice(lines, ROWS_AT_ONCE)):
                    copy.write("\n".join(block) + "\n")
            cursor.execute(insert)
            return int(cursor.rowcount)
    except psycopg.Error as error:
        raise DBAPIError.instance(insert, None, error, psycopg.Error, dialect=dialect) from error
