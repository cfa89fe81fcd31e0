"""REST: electronic documents of the company, their state and files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.errors import NotFound
from core.i18n import _
from core.web.api import Api, endpoint
from core.web.context import Context
from core.web.paging import page_by_key
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services import read_documents
from plugins.einvoice_sri.services.cancel_document import find_document
from plugins.einvoice_sri.services.document_files import files_of
from plugins.einvoice_sri.services.print_ride import print_ride
from plugins.einvoice_sri.services.read_states import sentence


class DocumentApi(Api):
    """Electronic documents."""

    route_base = "/api/v1/sri/documents"
    permission = "einvoice_sri.document"

    @endpoint("/", "GET", action="read")
    def index(self, ctx: Context) -> dict[str, Any]:
        """Documents, newest first; ``group``, ``kind``, ``q`` and ``after`` as on the page."""
        query = read_documents.documents(
            ctx.args.get("group", ""), ctx.args.get("kind", ""), ctx.args.get("q", "")
        )
        columns = [FiscalDocument.issued_on.desc(), FiscalDocument.id.desc()]
        rows = page_by_key(ctx.session, query, columns, after=ctx.args.get("after"))
        return {"documents": [_shown(one) for one in rows], "next": rows.next}

    @endpoint("/<uuid:document_id>", "GET", action="read")
    def show(self, ctx: Context, document_id: UUID) -> dict[str, Any]:
        """One document."""
        return _shown(find_document(ctx.session, document_id))

    @endpoint("/<uuid:document_id>/xml", "GET", action="read")
    def xml(self, ctx: Context, document_id: UUID) -> Any:
        """The authorised file, byte for byte."""
        document = find_document(ctx.session, document_id)
        files = files_of(ctx.session, document)
        if files is None:
            raise NotFound(_("The document is not authorised yet: it has no file."))
        return ctx.file(files.xml, f"{files.access_key}.xml", "application/xml")

    @endpoint("/<uuid:document_id>/ride", "GET", action="read")
    def ride(self, ctx: Context, document_id: UUID) -> Any:
        """The printed sheet."""
        document = find_document(ctx.session, document_id)
        content = print_ride(ctx.session, document)
        return ctx.file(content, f"{document.access_key}.pdf", "application/pdf")


def _shown(row: FiscalDocument) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "number": row.number,
        "environment": row.environment,
        "is_simulated": row.is_simulated,
        "issued_on": row.issued_on,
        "receiver": {
            "tax_id_type": row.receiver_tax_id_type,
            "tax_id": row.receiver_tax_id,
            "name": row.receiver_name,
        },
        "total": row.total,
        "access_key": row.access_key,
        "state": row.state,
        "sentence": sentence(row),
        "code": row.code,
        "messages": row.messages,
        "authorized_at": row.authorized_at,
    }
