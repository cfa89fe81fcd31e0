"""``/api/v1/sales/invoices``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import plugins
from core.contracts.sales import InvoiceDraft, InvoiceLineDraft, InvoiceSnapshot
from core.contracts.services import FiscalIssuing
from core.domain.money import ZERO
from core.errors import NotFound, ServiceMissing
from core.web import body
from core.web.api import Api, endpoint
from core.web.context import Context
from core.web.paging import page_by_key
from plugins.sales.models import CreditNote, Invoice
from plugins.sales.services import find_sales
from plugins.sales.services.issue_credit_notes import issue_credit_note
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.practice import SHOWN
from plugins.sales.services.read_invoices import snapshots


class InvoiceApi(Api):
    """Invoices and the credit notes on them."""

    route_base = "/api/v1/sales/invoices"
    permission = "sales.invoice"

    @endpoint("/", "GET", action="read")
    def index(self, ctx: Context) -> Any:
        """Invoices, newest first, by ``?show=`` (all, open, overdue, paid, cancelled, practice) and ``?q=``."""
        show = ctx.args.get("show", "all")
        found = find_sales.invoices(
            show=show if show in find_sales.FILTERS else "all",
            query=ctx.args.get("q", "")[:100],
            today=ctx.today,
        )
        page = page_by_key(
            ctx.session,
            found,
            [Invoice.id.desc()],
            after=ctx.args.get("after"),
            size=body.size(ctx),
        )
        return body.page_body(page, "invoices", lambda row: find_sales.InvoiceRow(*row)._asdict())

    @endpoint("/<uuid:invoice_id>", "GET", action="read")
    def show(self, ctx: Context, invoice_id: UUID) -> Any:
        """One invoice with lines, taxes and where its fiscal document stands."""
        return _one(ctx, invoice_id)

    @endpoint("/", "POST", action="issue")
    def create(self, ctx: Context) -> Any:
        """Issue an invoice, once per ``Idempotency-Key``."""
        made, is_new = body.once(
            ctx,
            "sales/invoices",
            lambda key: issue_invoices(ctx.session, [_draft(ctx, key)], now=ctx.now)[0].id,
        )
        return _one(ctx, made), 201 if is_new else 200

    @endpoint("/<uuid:invoice_id>/credit-notes", "POST", action="cancel")
    def credit(self, ctx: Context, invoice_id: UUID) -> Any:
        """Credit an invoice: in full, or the ``lines`` given; once per ``Idempotency-Key``."""
        given = ctx.json
        made, is_new = body.once(
            ctx,
            "sales/credit-notes",
            lambda key: (
                issue_credit_note(
                    ctx.session,
                    invoice_id,
                    reason=body.text(given, "reason"),
                    source_key=f"api:{key}",
                    now=ctx.now,
                    lines=[_line(one) for one in body.objects(given, "lines")] or None,
                ).id
            ),
        )
        note = ctx.session.scalars(
            select(CreditNote).where(CreditNote.id == made).execution_options(**SHOWN)
        ).one()
        return (
            {"id": note.id, "number": note.number, "invoice_id": note.invoice_id,
             "issued_on": note.issued_on, "total": note.total, "reason": note.reason},
            201 if is_new else 200,
        )  # fmt: skip


def _draft(ctx: Context, key: str) -> InvoiceDraft:
    given = ctx.json
    point = body.optional_identifier(given, "issue_point_id")
    if point is None:
        points = find_sales.issue_points(ctx.session)
        own = [one.id for one in points if one.purpose == "api"] or [one.id for one in points]
        if not own:
            raise NotFound
        point = own[0]
    return InvoiceDraft(
        customer_id=body.identifier(given, "customer_id"),
        issue_point_id=point,
        issued_on=body.day(given, "issued_on", ctx.today),
        due_on=body.optional_day(given, "due_on"),
        lines=tuple(_line(one) for one in body.objects(given, "lines")),
        source="api",
        source_key=key,
        payment_method=body.text(given, "payment_method", "20"),
        payment_term_days=body.whole(given, "payment_term_days", 0),
        additional_info=tuple(
            (body.text(one, "name"), body.text(one, "value"))
            for one in body.objects(given, "additional_info", largest=15)
        ),
    )


def _line(given: Mapping[str, Any]) -> InvoiceLineDraft:
    return InvoiceLineDraft(
        code=body.text(given, "code"),
        description=body.text(given, "description"),
        quantity=body.fine(given, "quantity"),
        unit_price=body.fine(given, "unit_price"),
        tax_code=body.text(given, "tax_code"),
        discount=body.money(given, "discount", ZERO),
        product_id=body.optional_identifier(given, "product_id"),
    )


def _one(ctx: Context, invoice_id: UUID) -> dict[str, Any]:
    found = snapshots(ctx.session, [invoice_id], lines=True).get(invoice_id)
    if found is None:
        raise NotFound
    try:
        status = plugins.service(FiscalIssuing).statuses(ctx.session, [invoice_id]).get(invoice_id)
    except ServiceMissing:
        status = None
    return show(found) | {
        "fiscal_document": None
        if status is None
        else {
            "access_key": status.access_key,
            "state": status.state,
            "sentence": status.sentence,
            "authorized_at": status.authorized_at,
        }
    }


def show(one: InvoiceSnapshot) -> dict[str, Any]:
    """An invoice as JSON."""
    return {
        "id": one.id,
        "number": one.number,
        "state": one.state,
        "issued_on": one.issued_on,
        "due_on": one.due_on,
        "customer_id": one.customer_id,
        "customer": {
            "tax_id_type": one.customer.tax_id_type,
            "tax_id": one.customer.tax_id,
            "legal_name": one.customer.legal_name,
            "email": one.customer.email,
        },
        "subtotal": one.subtotal,
        "tax": one.tax,
        "total": one.total,
        "balance": one.balance,
        "taxes": [
            {"tax_code": t.tax_code, "rate": t.rate, "base": t.base, "amount": t.amount}
            for t in one.taxes
        ],
        "lines": [
            {
                "code": line.code,
                "description": line.description,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "discount": line.discount,
                "tax_code": line.tax_code,
                "derivation": line.derivation,
            }
            for line in one.lines
        ],
    }
