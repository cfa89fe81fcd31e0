"""Many rows by COPY, few by one INSERT: a temporary table costs more than a handful of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from core.db.bulk import copy_rows
from plugins.sales import models

FEW = 20


def write_rows(
    session: Session,
    model: type[models.Invoice | models.InvoiceLine],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Insert ``rows`` (values in the order of ``columns``) into the table of ``model``."""
    table = model.__table__
    assert isinstance(table, Table)
    if len(rows) > FEW:
        copy_rows(session, table, columns, rows)
    elif rows:
        session.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
