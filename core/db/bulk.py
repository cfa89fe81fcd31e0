"""Mass writes: COPY into a temporary table, then INSERT … SELECT, so that row-level security checks
each row (PostgreSQL refuses COPY straight into a table with policies).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from core.db.tenancy import ForeignTenantError, scope_of


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
    and not counted.
    """
    tenant = scope_of(session).tenant_id
    at = columns.index("tenant_id") if "tenant_id" in columns else None
    json_at = [i for i, name in enumerate(columns) if isinstance(table.c[name].type, JSONB)]
    types = [
        table.c[name]
        .type.dialect_impl(session.get_bind().dialect)
        .compile(dialect=session.get_bind().dialect)
        .lower()
        for name in columns
    ]
    listed = ", ".join(f'"{name}"' for name in columns)
    temporary = f"load_{table.name}"[:63]
    session.flush()
    driver = session.connection().connection.driver_connection
    if driver is None:
        raise RuntimeError("the session has no connection")
    with driver.cursor() as cursor:
        defined = ", ".join(f'"{n}" {t}' for n, t in zip(columns, types, strict=True))
        cursor.execute(
            f'CREATE TEMPORARY TABLE IF NOT EXISTS "{temporary}" ({defined}) ON COMMIT DROP'
        )
        cursor.execute(f'TRUNCATE "{temporary}"')
        with cursor.copy(f'COPY "{temporary}" ({listed}) FROM STDIN') as copy:
            for row in rows:
                if at is not None and row[at] != tenant:
                    raise ForeignTenantError(f"bulk row of another tenant for {table.name}")
                if json_at:
                    values = list(row)
                    for i in json_at:
                        values[i] = None if values[i] is None else Jsonb(values[i])
                    copy.write_row(values)
                else:
                    copy.write_row(row)
        tail = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
        cursor.execute(
            f'INSERT INTO "{table.name}" ({listed}) SELECT {listed} FROM "{temporary}"{tail}'  # noqa: S608
        )
        return int(cursor.rowcount)
