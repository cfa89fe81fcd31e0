"""Issuing an annulled invoice again: the form comes filled in with what it held."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from core.contracts.sales import InvoiceLineDraft
from core.domain import tax_ids
from core.errors import DomainError, NotFound
from core.i18n import _
from core.services import tax_rates
from core.web.context import Context
from core.web.typed import read_fine, read_money, required
from core.web.views import Pages, form
from plugins.sales.domain.totals import DocumentTotals, total_up
from plugins.sales.models import Customer, Invoice
from plugins.sales.services.practice import SHOWN
from plugins.sales.services.prepare_drafts import IVA
from plugins.sales.services.read_invoices import lines_of
from plugins.sales.services.reissue_invoices import may_reissue, reissue_invoice, successor

PLACE = "einvoice_sri.document"
COLUMNS = ("code", "description", "quantity", "price", "discount", "rate")


class ReissuePages(Pages):
    """*Emitir de nuevo*."""

    route_base = "/sales/invoices"
    permission = "sales.invoice"
    blueprint = "sales.reissue"

    @form("/<uuid:invoice_id>/again", action="issue")
    def again(self, ctx: Context, invoice_id: UUID) -> Any:
        """The annulled invoice as a form; *Emitir de nuevo* issues it with the next number."""
        invoice = ctx.session.get(Invoice, invoice_id, execution_options=SHOWN)
        if invoice is None:
            raise NotFound
        made = successor(ctx.session, invoice_id)
        if made is not None or not may_reissue(invoice):
            return ctx.go("sales.invoice.show", invoice_id=made.id if made else invoice_id)
        held = lines_of(ctx.session, [invoice_id])[invoice_id]
        typed = MultiDict(ctx.form) or _filled_in(invoice, held)
        rows = _rows(typed)
        do = ctx.form.get("do", "issue")
        if ctx.submitted and do.startswith("remove-") and do[7:].isdigit() and len(rows) > 1:
            del rows[int(do[7:]) : int(do[7:]) + 1]
            _write(typed, rows)
        if ctx.submitted and do == "issue":
            ref = reissue_invoice(
                ctx.session,
                invoice_id,
                customer_id=_customer(ctx.session, typed.get("tax_id", "")),
                lines=_lines(rows, held),
                now=ctx.now,
            )
            ctx.flash(_("Invoice %(number)s is on its way to SRI.", number=ref.number), "wait")
            return ctx.go("sales.invoice.show", invoice_id=ref.id)
        totals = None
        try:
            totals = _total_up(ctx, _lines(rows, held))
        except DomainError as problem:
            if ctx.submitted:
                ctx.error = problem
        ctx.form = typed
        return ctx.render(
            "sales/reissue.html",
            invoice=invoice,
            rows=rows,
            totals=totals,
            rates=tax_rates.current(ctx.session, IVA, ctx.today),
        )


def document_block(place: str, session: Session, subject_id: UUID | None) -> str | None:
    """On the page of an electronic document: its invoice, and the way to issue an annulled one again."""
    if place != PLACE or subject_id is None:
        return None
    invoice = session.get(Invoice, subject_id, execution_options=SHOWN)
    if invoice is None:
        return None
    again = may_reissue(invoice) and successor(session, invoice.id) is None
    return Markup(render_template("sales/document_block.html", invoice=invoice, again=again))  # noqa: S704


def _filled_in(invoice: Invoice, lines: tuple[InvoiceLineDraft, ...]) -> MultiDict[str, str]:
    typed: MultiDict[str, str] = MultiDict({"tax_id": invoice.customer_tax_id})
    _write(
        typed,
        [
            {
                "code": one.code,
                "description": one.description,
                "quantity": _plain(one.quantity),
                "price": _plain(one.unit_price),
                "discount": _plain(one.discount) if one.discount else "",
                "rate": one.tax_code,
            }
            for one in lines
        ],
    )
    return typed


def _plain(value: Any) -> str:
    return f"{value.normalize():f}".replace(".", ",")


def _rows(typed: MultiDict[str, str]) -> list[dict[str, str]]:
    columns = {name: typed.getlist(f"line_{name}") for name in COLUMNS}
    return [
        {name: cells[at] if at < len(cells) else "" for name, cells in columns.items()}
        for at in range(len(columns["description"]))
    ]


def _write(typed: MultiDict[str, str], rows: list[dict[str, str]]) -> None:
    for name in COLUMNS:
        typed.setlist(f"line_{name}", [row[name] for row in rows])


def _lines(
    rows: list[dict[str, str]], held: tuple[InvoiceLineDraft, ...]
) -> list[InvoiceLineDraft]:
    """The lines as typed; one that is still of the same product keeps its link and details."""
    known = {one.code: one for one in held}
    lines = []
    for at, row in enumerate(rows):
        old = known.get(row["code"])
        lines.append(
            InvoiceLineDraft(
                code=required(row["code"], f"line_code-{at}", _("Write the product's code.")),
                description=required(
                    row["description"], f"line_description-{at}", _("Write what was sold.")
                ),
                quantity=read_fine(row["quantity"], f"line_quantity-{at}"),
                unit_price=read_fine(row["price"], f"line_price-{at}"),
                tax_code=row["rate"],
                discount=read_money(row["discount"] or "0", f"line_discount-{at}"),
                product_id=old.product_id if old else None,
                details=old.details if old else (),
            )
        )
    return lines


def _total_up(ctx: Context, lines: list[InvoiceLineDraft]) -> DocumentTotals:
    codes = {one.tax_code for one in lines}
    rates = {code: tax_rates.rate(ctx.session, IVA, code, ctx.today) for code in codes}
    return total_up(lines, rates)


def _customer(session: Session, text: str) -> UUID:
    number = tax_ids.normalise(text)
    found = session.scalar(
        select(Customer.id).where(Customer.tax_id == number, Customer.is_active).limit(1)
    )
    if found is None:
        raise DomainError(
            _("No customer has this identification: create the customer first, or correct it."),
            code="customer_unknown",
            field="tax_id",
        )
    return found
