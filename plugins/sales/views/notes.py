"""Credit notes, debit notes and dispatch guides on an invoice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from core.contracts.sales import CustomerData, InvoiceLineDraft
from core.domain.money import ZERO
from core.errors import DomainError, NotFound
from core.i18n import _
from core.web.context import Context
from core.web.typed import form_key, read_day, read_fine, read_money
from core.web.views import Pages, form, page
from plugins.sales.domain.customers import guess_type
from plugins.sales.models import CreditNote, DebitNote, DispatchGuide, Invoice
from plugins.sales.services.issue_credit_notes import issue_credit_note
from plugins.sales.services.issue_debit_notes import issue_debit_note
from plugins.sales.services.issue_guides import GuideData, issue_dispatch_guide
from plugins.sales.services.keep_customers import checked
from plugins.sales.services.practice import SHOWN
from plugins.sales.services.read_invoices import lines_of, read_taxes
from plugins.sales.views.till import fiscal_state

MODELS: dict[str, Any] = {"credit": CreditNote, "debit": DebitNote, "guide": DispatchGuide}


class NotePages(Pages):
    """Documents that refer to an invoice."""

    route_base = "/sales/notes"
    permission = "sales.note"

    @form("/credit/<uuid:invoice_id>", action="issue")
    def credit(self, ctx: Context, invoice_id: UUID) -> Any:
        """Credit an invoice in full, or some of its lines."""
        invoice = _invoice(ctx, invoice_id)
        lines = lines_of(ctx.session, [invoice_id]).get(invoice_id, ())
        key = form_key(ctx.form.get("note_key"))
        if ctx.submitted:
            wanted = None if ctx.form.get("what") != "part" else _parts(ctx, lines)
            ref = issue_credit_note(
                ctx.session,
                invoice_id,
                reason=ctx.form.get("reason", ""),
                source_key=key,
                now=ctx.now,
                lines=wanted,
            )
            ctx.flash(_("Credit note %(number)s is on its way to SRI.", number=ref.number))
            return ctx.go("sales.note.show", kind="credit", note_id=ref.id)
        return ctx.render("sales/credit_note.html", invoice=invoice, lines=lines, note_key=key)

    @form("/debit/<uuid:invoice_id>", action="issue")
    def debit(self, ctx: Context, invoice_id: UUID) -> Any:
        """Charge more on an invoice."""
        invoice = _invoice(ctx, invoice_id)
        taxes = read_taxes(invoice.taxes)
        key = form_key(ctx.form.get("note_key"))
        if ctx.submitted:
            ref = issue_debit_note(
                ctx.session,
                invoice_id,
                reasons=[
                    (ctx.form.get("reason", ""), read_money(ctx.form.get("amount", ""), "amount"))
                ],
                tax_code=ctx.form.get("tax_code", ""),
                source_key=key,
                now=ctx.now,
            )
            ctx.flash(_("Debit note %(number)s is on its way to SRI.", number=ref.number))
            return ctx.go("sales.note.show", kind="debit", note_id=ref.id)
        return ctx.render("sales/debit_note.html", invoice=invoice, taxes=taxes, note_key=key)

    @form("/guide/<uuid:invoice_id>", action="issue")
    def guide(self, ctx: Context, invoice_id: UUID) -> Any:
        """Issue a dispatch guide for the goods of an invoice."""
        invoice = _invoice(ctx, invoice_id)
        key = form_key(ctx.form.get("note_key"))
        if ctx.submitted:
            ref = issue_dispatch_guide(
                ctx.session, invoice_id, _guide(ctx), source_key=key, now=ctx.now
            )
            ctx.flash(_("Dispatch guide %(number)s is on its way to SRI.", number=ref.number))
            return ctx.go("sales.note.show", kind="guide", note_id=ref.id)
        return ctx.render("sales/guide.html", invoice=invoice, note_key=key)

    @page("/issued/<any(credit,debit,guide):kind>/<uuid:note_id>", action="read")
    def show(self, ctx: Context, kind: str, note_id: UUID) -> Any:
        """A note with its state."""
        note = ctx.session.get(MODELS[kind], note_id, execution_options=SHOWN)
        if note is None:
            raise NotFound
        invoice = ctx.session.get(Invoice, note.invoice_id, execution_options=SHOWN)
        return ctx.render(
            "sales/note.html", note=note, kind=kind, invoice=invoice, **fiscal_state(ctx, note_id)
        )


def _invoice(ctx: Context, invoice_id: UUID) -> Invoice:
    invoice = ctx.session.get(Invoice, invoice_id, execution_options=SHOWN)
    if invoice is None:
        raise NotFound
    return invoice


def _parts(ctx: Context, lines: tuple[InvoiceLineDraft, ...]) -> list[InvoiceLineDraft]:
    """The lines with the quantity to credit that was typed; empty or zero: not credited."""
    typed = ctx.form.getlist("quantity")
    parts = []
    for line, text in zip(lines, typed, strict=False):
        if not text.strip():
            continue
        quantity = read_fine(text, "quantity")
        if quantity == 0:
            continue
        if not 0 < quantity <= line.quantity:
            raise DomainError(
                _("Credit at most the quantity of the invoice."),
                code="more_than_invoiced",
                field="quantity",
            )
        share = ZERO if quantity != line.quantity else line.discount
        parts.append(replace(line, quantity=quantity, discount=share, derivation=None))
    return parts


def _guide(ctx: Context) -> GuideData:
    number = "".join(ctx.form.get("carrier_tax_id", "").split())
    try:
        carrier = checked(
            CustomerData(guess_type(number), number, ctx.form.get("carrier_name", ""))
        )
    except DomainError as error:
        field = {"tax_id": "carrier_tax_id", "legal_name": "carrier_name"}.get(error.field or "")
        raise DomainError(error.sentence, code=error.code, field=field) from None
    return GuideData(
        carrier=carrier,
        plate=ctx.form.get("plate", ""),
        start_address=ctx.form.get("start_address", ""),
        starts_on=read_day(ctx.form.get("starts_on", ""), "starts_on"),
        ends_on=read_day(ctx.form.get("ends_on", ""), "ends_on"),
        destination_address=ctx.form.get("destination_address", ""),
        reason=ctx.form.get("reason", ""),
    )
