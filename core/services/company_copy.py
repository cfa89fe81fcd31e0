"""The copy of everything that a company takes with it: CSV files, its files, its legal documents.

Made while it is sent, a page of rows per transaction of the company's own scope: memory stays flat and
nothing is locked, however long the line takes.
"""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import plugins
from core.adapters.clock import to_local
from core.adapters.zip_stream import ZipStream
from core.contracts.hooks import ExportTable
from core.db.session import tenant_work
from core.i18n import _, lazy
from core.models import (
    AuditEntry,
    Blob,
    Branch,
    CompanyProfile,
    IssuePoint,
    Membership,
    NumberSeries,
    Setting,
    TaxRegime,
    Tenant,
)
from core.security.models import Person

PAGE = 1000  # rows read in one transaction
FILES = 10  # logos, slips and photos read in one transaction
DOCUMENTS = 20  # legal documents read in one transaction
RISKY = "=+-@\t\r"  # how a text begins that a spreadsheet would run


def _of_member(column: Any) -> Any:
    return select(column).where(Person.id == Membership.user_id).scalar_subquery()


CORE_TABLES = (
    ExportTable(
        "empresa",
        lazy("Your company as it prints on documents"),
        CompanyProfile.id,
        {
            "Razón social": CompanyProfile.legal_name,
            "Nombre comercial": CompanyProfile.trade_name,
            "Dirección matriz": CompanyProfile.head_office_address,
            "Correo": CompanyProfile.email,
            "Teléfono": CompanyProfile.phone,
            "Logo (id)": CompanyProfile.logo_blob_id,
        },
    ),
    ExportTable(
        "regimenes",
        lazy("Your tax regimes with the day from which each holds"),
        TaxRegime.id,
        {
            "Desde": TaxRegime.valid_from,
            "Régimen": TaxRegime.regime,
            "Obligado a llevar contabilidad": TaxRegime.keeps_accounts,
            "Agente de retención": TaxRegime.withholding_agent_resolution,
            "Contribuyente especial": TaxRegime.special_taxpayer_resolution,
            "Gran contribuyente": TaxRegime.large_taxpayer_resolution,
            "Confirmado el": TaxRegime.confirmed_on,
        },
    ),
    ExportTable(
        "establecimientos",
        lazy("Your establishments"),
        Branch.id,
        {
            "Código": Branch.code,
            "Nombre": Branch.name,
            "Dirección": Branch.address,
            "Activo": Branch.is_active,
        },
    ),
    ExportTable(
        "puntos_de_emision",
        lazy("Your emission points"),
        IssuePoint.id,
        {
            "Establecimiento (id)": IssuePoint.branch_id,
            "Código": IssuePoint.code,
            "Nombre": IssuePoint.name,
            "Uso": IssuePoint.purpose,
            "Activo": IssuePoint.is_active,
        },
    ),
    ExportTable(
        "secuencias",
        lazy("The next number of each kind of document"),
        NumberSeries.id,
        {
            "Punto de emisión (id)": NumberSeries.issue_point_id,
            "Tipo de comprobante": NumberSeries.document_kind,
            "Ambiente": NumberSeries.environment,
            "Siguiente": NumberSeries.next_number,
        },
    ),
    ExportTable(
        "personas",
        lazy("Who works in your company, and in which role"),
        Membership.id,
        {
            "Nombres": _of_member(Person.first_name),
            "Apellidos": _of_member(Person.last_name),
            "Identificación": _of_member(Person.username),
            "Correo": _of_member(Person.email),
            "Rol": Membership.role,
            "Activo": Membership.is_active,
            "Persona (número)": Membership.user_id,
        },
    ),
    ExportTable(
        "ajustes",
        lazy("The settings that you changed"),
        Setting.id,
        {"Clave": Setting.key, "Valor": Setting.value},
    ),
    ExportTable(
        "auditoria",
        lazy("Who did what, and when"),
        AuditEntry.id,
        {
            "Fecha y hora": AuditEntry.created_at,
            "Persona (número)": AuditEntry.user_id,
            "Acción": AuditEntry.action,
            "Motivo": AuditEntry.reason,
            "Sobre (id)": AuditEntry.subject_id,
            "Detalles": AuditEntry.details,
        },
    ),
)


@dataclass(slots=True)
class _Written:
    """What has gone into the ZIP, for the file that explains it."""

    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    documents: int = 0


def all_tables() -> list[ExportTable]:
    """The tables of core and of every plugin of the installation, in their order."""
    answers = plugins.call("export_tables")
    return [*CORE_TABLES, *(one for answer in answers for one in answer)]


def stream_copy(tenant_id: UUID, *, now: datetime) -> Iterator[bytes]:
    """Everything of a company as one ZIP, piece by piece; ``LEAME.txt`` in it says what is what."""
    archive, written = ZipStream(now), _Written()
    for table in all_tables():
        yield from archive.pieces(f"{table.name}.csv", _csv(tenant_id, table, written))
    yield from _files(archive, tenant_id, written)
    for piece in _documents(archive, tenant_id, "comprobantes/", ""):
        written.documents += 1
        yield piece
    yield archive.file("LEAME.txt", _readme(tenant_id, written, now=now).encode("utf-8-sig"))
    yield archive.end()


def stream_documents(tenant_id: UUID, *, after: str = "", now: datetime) -> Iterator[bytes]:
    """XML and RIDE of every authorised document of a company as one ZIP; those behind the access key
    ``after``, when a broken download goes on.
    """
    archive = ZipStream(now)
    yield from _documents(archive, tenant_id, "", after)
    yield archive.end()


def _csv(tenant_id: UUID, table: ExportTable, written: _Written) -> Iterator[bytes]:
    written.rows[table.name] = 0
    yield b"\xef\xbb\xbf" + _lines([["id", *table.columns]])
    last: UUID | None = None
    while True:
        query = select(table.key, *table.columns.values()).order_by(table.key).limit(PAGE)
        if last is not None:
            query = query.where(table.key > last)
        with tenant_work(tenant_id) as session:
            rows = session.execute(query).all()
        if rows:
            yield _lines(rows)
            last = rows[-1][0]
        written.rows[table.name] += len(rows)
        if len(rows) < PAGE:
            return


def _files(archive: ZipStream, tenant_id: UUID, written: _Written) -> Iterator[bytes]:
    last: UUID | None = None
    while True:
        query = select(Blob.id, Blob.filename, Blob.content).order_by(Blob.id).limit(FILES)
        if last is not None:
            query = query.where(Blob.id > last)
        with tenant_work(tenant_id) as session:
            rows = session.execute(query).all()
        for blob_id, filename, content in rows:
            name = "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in filename)
            yield archive.file(f"archivos/{blob_id}-{name or 'archivo'}", content)
            written.files, last = written.files + 1, blob_id
        if len(rows) < FILES:
            return


def _documents(archive: ZipStream, tenant_id: UUID, folder: str, after: str) -> Iterator[bytes]:
    """One piece per document."""
    while True:
        found = []
        with tenant_work(tenant_id) as session:
            keys = plugins.call("legal_documents", session=session, after=after, size=DOCUMENTS)
            for key in keys or ():
                files = plugins.call("document_files", session=session, access_key=key)
                if files is not None:
                    found.append((key, files))
        for key, files in found:
            xml = archive.file(f"{folder}{key}.xml", files.xml)
            yield xml + archive.file(f"{folder}{key}.pdf", files.ride)
        if len(keys or ()) < DOCUMENTS:
            return
        after = keys[-1]


def _lines(rows: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([_cell(one) for one in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as a spreadsheet reads it; a text that it would run as a formula is made plain."""
    if isinstance(value, bool):
        return "sí" if value else "no"
    if isinstance(value, datetime):
        return f"{to_local(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] and text[0] in RISKY else text


def _readme(tenant_id: UUID, written: _Written, *, now: datetime) -> str:
    with tenant_work(tenant_id) as session:
        company = session.get_one(Tenant, tenant_id)
    made = f"{to_local(now):%d/%m/%Y %H:%M}"
    tables = [
        f"{table.name}.csv — {table.about} ({written.rows[table.name]})" for table in all_tables()
    ]
    chapters = [
        (
            _("WHAT IS IN IT"),
            [
                *tables,
                _(
                    "archivos/ — your logos, slips and photos (%(count)s); each name begins with the id"
                    " that the tables mention",
                    count=written.files,
                ),
                _(
                    "comprobantes/ — each document that SRI authorised (%(count)s): the XML, which is"
                    " the legal document, and its RIDE in PDF; the name is the access key",
                    count=written.documents,
                ),
            ],
        ),
        (
            _("HOW TO READ IT"),
            [
                _(
                    "The .csv files open with Excel, LibreOffice or Google Sheets: text in UTF-8, commas"
                    " between columns, a point before decimals, dates as 2026-04-25, hours of Ecuador."
                ),
                _(
                    "«id» names a row; a column such as «Cliente (id)» says to which row it belongs."
                ),
                _(
                    "A text that begins with =, +, - or @ has an apostrophe before it, so that no"
                    " spreadsheet takes it for a formula."
                ),
            ],
        ),
        (
            _("WHAT IS NOT IN IT"),
            [
                _(
                    "Passwords, PINs and the key of your electronic signature: they are kept sealed and"
                    " leave with nobody. You have your P12 file yourself."
                ),
            ],
        ),
        (
            _("KEEP IT"),
            [
                _(
                    "Keep the XML files for seven years: SRI may ask for them. They also stay available"
                    " to you here, whatever becomes of the licence."
                ),
            ],
        ),
    ]
    lines = [
        _("Everything that %(name)s has here", name=company.name),
        _("RUC %(tax_id)s. Copy made on %(made)s (Ecuador).", tax_id=company.tax_id, made=made),
    ]
    for title, told in chapters:
        lines += ["", str(title), ""]
        for one in told:
            lines += textwrap.wrap(str(one), 90, initial_indent="  ", subsequent_indent="    ")
    return "\r\n".join([*lines, ""])
