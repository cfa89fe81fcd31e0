"""Invoices: list, export, document page, annulment."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import select

from core.db.session import tenant_work
from core.domain.payment_codes import payment_code
from core.errors import NotFound
from core.i18n import _, lazy
from core.web.context import Context
from core.web.paging import count_capped, page_by_key
from core.web.views import Pages, command, page
from plugins.sales.domain.vocabulary import PRACTICE
from plugins.sales.models import Invoice, InvoiceLine, Salesperson
from plugins.sales.services import find_sales
from plugins.sales.services.issue_credit_notes import annul_invoice
from plugins.sales.services.payment_links import sign_link
from plugins.sales.services.practice import SHOWN, has_practised, is_practising
from plugins.sales.services.read_invoices import read_taxes
from plugins.sales.services.reissue_invoices import may_reissue, predecessor, successor
from plugins.sales.views.till import fiscal_state
from plugins.sales.views.words import METHOD_WORDS, state_of

CHIPS = (
    ("all", lazy("All invoices")),
    ("open", lazy("Unpaid")),
    ("overdue", lazy("Overdue")),
    ("paid", lazy("Paid")),
    ("cancelled", lazy("Cancelled")),
)
PRACTICE_CHIP = (("practice", lazy("Practice")),)
BATCH = 1000


class InvoicePages(Pages):
    """What was sold, and what became of it."""

    route_base = "/sales/invoices"
    permission = "sales.invoice"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """The list, by chip and search."""
        show, query = _wanted(ctx)
        found = find_sales.invoices(show=show, query=query, today=ctx.today)
        chips = CHIPS + PRACTICE_CHIP * (show == "practice" or has_practised(ctx.session))
        rows = page_by_key(ctx.session, found, [Invoice.id.desc()], after=ctx.args.get("after"))
        rows = replace(rows, rows=[find_sales.InvoiceRow(*one) for one in rows])
        return ctx.render(
            "sales/invoices.html",
            page=rows,
            count=count_capped(ctx.session, found),
            chips=[(word, key, key == show) for key, word in chips],
            show=show,
            query=query,
            state_of=lambda row: state_of(row.state, row.due_on, ctx.today),
        )

    @page("/export.csv", action="read")
    def export(self, ctx: Context) -> Any:
        """What the list shows, as CSV for a spreadsheet, streamed in batches."""
        show, query = _wanted(ctx)
        return Response(
            _stream(ctx.tenant_id, show, query, ctx.today),
            mimetype="text/csv",
            headers={
                "Content-Disposition": "attachment; filename=facturas.csv",
                "Cache-Control": "private, no-store",
            },
        )

    @page("/<uuid:invoice_id>", action="read")
    def show(self, ctx: Context, invoice_id: UUID) -> Any:
        """The document with its state, history, lines and totals."""
        invoice = ctx.session.get(Invoice, invoice_id, execution_options=SHOWN)
        if invoice is None:
            raise NotFound
        lines = ctx.session.scalars(
            select(InvoiceLine)
            .where(InvoiceLine.invoice_id == invoice_id)
            .order_by(InvoiceLine.position)
        ).all()
        seller = ctx.session.scalar(
            select(Salesperson.name).where(Salesperson.id == invoice.salesperson_id)
        )
        link = ""
        is_practice = invoice.environment == PRACTICE
        if invoice.state == "issued" and not is_practice and ctx.may("sales.report:write"):
            link = sign_link(ctx.session, invoice_id)
        return ctx.render(
            "sales/invoice.html",
            invoice=invoice,
            is_practice=is_practice,
            replaced=predecessor(ctx.session, invoice),
            replacement=successor(ctx.session, invoice_id)
            if invoice.state == "cancelled"
            else None,
            can_reissue=may_reissue(invoice),
            lines=lines,
            taxes=read_taxes(invoice.taxes),
            seller=seller,
            payments=find_sales.payments_of(ctx.session, invoice_id),
            notes=find_sales.notes_of(ctx.session, invoice_id),
            accounts=find_sales.bank_accounts(ctx.session),
            badge=state_of(invoice.state, invoice.due_on, ctx.today),
            methods=METHOD_WORDS,
            link=link,
            code=payment_code(invoice.customer_id),
            **fiscal_state(ctx, invoice_id),
        )

    @command("/<uuid:invoice_id>/annul", action="cancel")
    def annul(self, ctx: Context, invoice_id: UUID) -> Any:
        """The invoice was annulled in SRI's portal."""
        annul_invoice(ctx.session, invoice_id, reason=ctx.form.get("reason", ""), now=ctx.now)
        ctx.flash(_("The invoice is cancelled."))
        return ctx.go("sales.invoice.show", invoice_id=invoice_id)


def _wanted(ctx: Context) -> tuple[str, str]:
    show = ctx.args.get("show") or ("practice" if is_practising(ctx.session) else "all")
    return (show if show in find_sales.FILTERS else "all", ctx.args.get("q", "")[:100])


def _stream(tenant_id: UUID, show: str, query: str, today: date) -> Iterator[str]:
    yield "\ufeff" + _line(
        ["Número", "Emisión", "Vence", "Identificación", "Cliente", "Total", "Saldo", "Estado"]
    )
    after: UUID | None = None
    while True:
        with tenant_work(tenant_id) as session:
            found = find_sales.invoices(show=show, query=query, today=today)
            if after is not None:
                found = found.where(Invoice.id < after)
            rows = session.execute(found.order_by(Invoice.id.desc()).limit(BATCH)).all()
        for row in rows:
            _tone, word = state_of(row.state, row.due_on, today)
            yield _line(
                [
                    row.number,
                    row.issued_on,
                    row.due_on or "",
                    row.customer_tax_id,
                    row.customer_name,
                    row.total,
                    row.balance,
                    word,
                ]
            )
        if len(rows) < BATCH:
            return
        after = rows[-1].id


def _line(cells: list[Any]) -> str:
    """One CSV line; a cell that a spreadsheet would run as a formula is made plain text."""
    texts = [str(one) for one in cells]
    safe = ["'" + one if one[:1] in "=+-@\t\r" and one[:1] else one for one in texts]
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(safe)
    return out.getvalue()
