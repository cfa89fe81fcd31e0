"""REST: electronic documents of the company, their state and files; documents about purchases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.errors import NotFound
from core.i18n import _
from core.web import body
from core.web.api import Api, endpoint
from core.web.context import Context
from core.web.paging import page_by_key
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services import read_documents
from plugins.einvoice_sri.services.cancel_document import find_document
from plugins.einvoice_sri.services.document_files import files_of
from plugins.einvoice_sri.services.issue_purchases import issue_purchase
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
        """The printed sheet; ``?paper=ticket``: a factura on 80 mm."""
        document = find_document(ctx.session, document_id)
        is_ticket = ctx.args.get("paper") == "ticket"
        content = print_ride(ctx.session, document, is_ticket=is_ticket)
        return ctx.file(content, f"{document.access_key}.pdf", "application/pdf")


class PurchaseApi(Api):
    """Documents about purchases: liquidación de compra (settlement), comprobante de retención (withholding)."""

    route_base = "/api/v1/sri/purchases"
    permission = "einvoice_sri.purchase"

    @endpoint("/settlements", "POST", action="issue")
    def settle(self, ctx: Context) -> Any:
        """Issue a liquidación de compra, once per ``Idempotency-Key``; the body holds the fields of
        ``PurchaseSettlementRequest`` and ``issue_point_id``.
        """
        return _issue(ctx, "settlement")

    @endpoint("/withholdings", "POST", action="issue")
    def withhold(self, ctx: Context) -> Any:
        """Issue a comprobante de retención, once per ``Idempotency-Key``; the body holds the fields of
        ``WithholdingRequest`` and ``issue_point_id``.
        """
        return _issue(ctx, "withholding")


def _issue(ctx: Context, what: str) -> Any:
    given = dict(ctx.json)
    point = body.identifier(given, "issue_point_id")
    del given["issue_point_id"]

    def make(key: str) -> UUID:
        row, _is_new = issue_purchase(
            ctx.session, what, given, issue_point_id=point, source_key=f"api:{key}", now=ctx.now
        )
        return row.id

    made, is_new = body.once(ctx, f"sri/{what}", make)
    return _shown(ctx.session.get_one(FiscalDocument, made)), 201 if is_new else 200


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
