"""Rows of a bank's export: CSV in the usual encodings and separators, or XLSX."""

from __future__ import annotations

import csv
import io
import zipfile
from itertools import islice
from typing import Any

from core.errors import DomainError
from core.i18n import _

LARGEST = 5 * 1024 * 1024
LARGEST_UNPACKED = 20 * 1024 * 1024
MAX_TAGS = 1_000_000  # of a sheet or its strings: 20,000 rows of eight columns have 700,000
MAX_OTHER_TAGS = 50_000  # of styles, theme, relations: openpyxl makes an object of each
MAX_ROWS = 20_000
MAX_COLUMNS = 60


def read_table(content: bytes) -> list[list[Any]]:
    """The rows of a CSV or XLSX file, its kind told by content. Raises ``DomainError``."""
    if len(content) > LARGEST:
        raise DomainError(
            _("The statement is larger than 5 MB. Export a shorter period."),
            code="statement_too_large",
            field="file",
        )
    rows = _xlsx(content) if content[:4] == b"PK\x03\x04" else _csv(content)
    rows = [row for row in rows if any(str(cell or "").strip() for cell in row)]
    if len(rows) < 2:
        raise _foreign()
    return rows


def _xlsx(content: bytes) -> list[list[Any]]:
    from openpyxl import load_workbook  # half a second that no other start should pay

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_parts(archive)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            found = sheet.iter_rows(max_row=MAX_ROWS, max_col=MAX_COLUMNS, values_only=True)
            return [list(row) for row in found]
        finally:
            book.close()
    except DomainError:
        raise
    except Exception as error:  # openpyxl raises whatever it stumbles over in a foreign file
        raise _foreign() from error


def _check_parts(archive: zipfile.ZipFile) -> None:
    """Refuse a small file that unpacks to something huge, before anybody takes it apart."""
    parts = archive.infolist()
    if sum(one.file_size for one in parts) > LARGEST_UNPACKED:
        raise _foreign()
    for one in parts:
        is_data = one.filename.startswith(("xl/worksheets/", "xl/sharedStrings"))
        if archive.read(one).count(b"<") > (MAX_TAGS if is_data else MAX_OTHER_TAGS):
            raise _foreign()


def _csv(content: bytes) -> list[list[Any]]:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise _foreign()
    if "\x00" in text:
        raise _foreign()
    head = text[:4000]
    separator = max(";,\t|", key=head.count)
    if not head.count(separator):
        raise _foreign()
    try:
        rows = list(islice(csv.reader(io.StringIO(text), delimiter=separator), MAX_ROWS))
    except csv.Error:
        raise _foreign() from None
    return [row[:MAX_COLUMNS] for row in rows]


def _foreign() -> DomainError:
    return DomainError(
        _("The file is neither CSV nor XLSX with rows. Export the statement from the bank again."),
        code="statement_unreadable",
        field="file",
    )
