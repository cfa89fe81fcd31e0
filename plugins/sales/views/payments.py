"""Payments: list, recording over several invoices, taking back, withholdings received."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.contracts.sales import PaymentAllocation, PaymentData
from core.domain.money import ZERO
from core.errors import DomainError, NotFound
from core.i18n import _
from core.services import settings
from core.web.context import Context
from core.web.paging import count_capped, page_by_key
from core.web.typed import form_key, read_day, read_ids, read_money
from core.web.views import Pages, command, form, page
from plugins.sales.domain.withholding import dashed
from plugins.sales.models import Allocation, Customer, Invoice, Payment, Withholding
from plugins.sales.services import find_sales
from plugins.sales.services.keep_credit import credit_of
from plugins.sales.services.read_invoices import open_for
from plugins.sales.services.receive_withholdings import (
    accept_certificate,
    receive_certificate,
    receive_key,
    reject_certificate,
)
from plugins.sales.services.record_payment import record_payment, spread_over_open
from plugins.sales.services.reverse_payment import reverse_payment
from plugins.sales.views.words import METHOD_WORDS

BY_HAND = {  # sales.payment_methods
    "bank": ("transfer", "deposit", "credit"),
    "all": ("transfer", "deposit", "cash", "card", "credit"),
}
LARGEST_XML = 400_000


class PaymentPages(Pages):
    """Money in."""

    route_base = "/sales/payments"
    permission = "sales.payment"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """The list, newest first."""
        found = find_sales.payments()
        rows = page_by_key(ctx.session, found, [Payment.id.desc()], after=ctx.args.get("after"))
        rows = replace(rows, rows=[find_sales.PaymentRow(*one) for one in rows])
        return ctx.render(
            "sales/payments.html",
            page=rows,
            count=count_capped(ctx.session, found),
            methods=METHOD_WORDS,
        )

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Record a payment: first the customer, then the amount and its parts."""
        customer_id = ctx.uuid("customer_id")
        if customer_id is None:
            query = ctx.args.get("q", "")[:100]
            return ctx.render(
                "sales/payment_whose.html",
                query=query,
                customers=find_sales.find_customers(ctx.session, query),
            )
        customer = ctx.session.get(Customer, customer_id)
        if customer is None:
            raise NotFound
        key = form_key(ctx.form.get("payment_key"))
        if ctx.submitted:
            made = self._record(ctx, customer_id, key)
            ctx.flash(_("The payment is recorded."))
            return ctx.go("sales.payment.show", payment_id=made)
        return ctx.render(
            "sales/payment_form.html",
            customer=customer,
            invoices=open_for(ctx.session, customer_id),
            credit=credit_of(ctx.session, customer_id),
            accounts=find_sales.bank_accounts(ctx.session),
            methods=[(one, METHOD_WORDS[one]) for one in _by_hand(ctx)],
            payment_key=key,
            today=ctx.today,
        )

    @staticmethod
    def _record(ctx: Context, customer_id: UUID, key: str) -> UUID:
        amount = read_money(ctx.form.get("amount", ""), "amount")
        if ctx.form.get("method", "") not in _by_hand(ctx):
            raise DomainError(
                _("The way of payment is not one of the list. Choose another one."),
                code="unknown_method",
                field="method",
            )
        parts = _parts(ctx)
        if not parts and amount > ZERO:
            parts = spread_over_open(ctx.session, customer_id, amount)
        return record_payment(
            ctx.session,
            PaymentData(
                customer_id=customer_id,
                method=ctx.form["method"],
                amount=amount,
                value_on=read_day(ctx.form.get("value_on", ""), "value_on"),
                allocations=parts,
                idempotency_key=f"page:{key}",
                bank=ctx.form.get("bank", ""),
                reference=ctx.form.get("reference", ""),
                note=ctx.form.get("note", ""),
            ),
            now=ctx.now,
            account_id=ctx.uuid("account_id"),
        )

    @page("/<uuid:payment_id>", action="read")
    def show(self, ctx: Context, payment_id: UUID) -> Any:
        """A payment and what it covers."""
        payment = ctx.session.get(Payment, payment_id)
        if payment is None:
            raise NotFound
        covers = ctx.session.execute(
            select(Invoice.id, Invoice.number, Allocation.amount)
            .join(Allocation, Allocation.invoice_id == Invoice.id)
            .where(Allocation.payment_id == payment_id)
            .order_by(Invoice.number)
        ).all()
        return ctx.render(
            "sales/payment.html",
            payment=payment,
            customer=ctx.session.get(Customer, payment.customer_id),
            covers=covers,
            methods=METHOD_WORDS,
        )

    @command("/<uuid:payment_id>/reverse", action="write")
    def reverse(self, ctx: Context, payment_id: UUID) -> Any:
        """Take a payment back."""
        reverse_payment(ctx.session, payment_id, reason=ctx.form.get("reason", ""), now=ctx.now)
        ctx.flash(_("The payment is taken back; its invoices are owed again."))
        return ctx.go("sales.payment.show", payment_id=payment_id)

    @page("/withholdings", action="read")
    def withholdings(self, ctx: Context) -> Any:
        """Certificates received; whoever may write decides on those that nobody could check."""
        rows = ctx.session.execute(
            select(Withholding, Customer.legal_name)
            .join(Customer, Customer.id == Withholding.customer_id)
            .order_by(Withholding.id.desc())
            .limit(200)
        ).all()
        return ctx.render("sales/withholdings.html", rows=rows)

    @form("/withholdings/new", action="write")
    def take_withholding(self, ctx: Context) -> Any:
        """A certificate: its XML, or its access key with what it says."""
        if ctx.submitted and ctx.form.get("do") == "key":
            receive_key(
                ctx.session,
                ctx.form.get("access_key", ""),
                invoice_id=_invoice_by_number(ctx, ctx.form.get("invoice_number", "")),
                amount=read_money(ctx.form.get("amount", ""), "amount"),
                now=ctx.now,
            )
            ctx.flash(_("The certificate is in; look it up in SRI and decide below."))
            return ctx.go("sales.payment.withholdings")
        if ctx.submitted:
            upload = ctx.files.get("file")
            content = upload.stream.read(LARGEST_XML) if upload else b""
            if not content:
                raise DomainError(
                    _("Choose the XML of the certificate."), code="file_missing", field="file"
                )
            receive_certificate(ctx.session, content, now=ctx.now)
            ctx.flash(_("The certificate is in."))
            return ctx.go("sales.payment.withholdings")
        return ctx.render("sales/withholding_new.html")

    @command("/withholdings/<uuid:withholding_id>/accept", action="write")
    def accept(self, ctx: Context, withholding_id: UUID) -> Any:
        """Count a certificate as cover."""
        accept_certificate(ctx.session, withholding_id, now=ctx.now)
        ctx.flash(_("The certificate counts as payment."))
        return ctx.go("sales.payment.withholdings")

    @command("/withholdings/<uuid:withholding_id>/reject", action="write")
    def reject(self, ctx: Context, withholding_id: UUID) -> Any:
        """Refuse a certificate."""
        reject_certificate(ctx.session, withholding_id, reason=ctx.form.get("reason", ""))
        ctx.flash(_("The certificate is refused."))
        return ctx.go("sales.payment.withholdings")


def _by_hand(ctx: Context) -> tuple[str, ...]:
    return BY_HAND[settings.read(ctx.session, "sales.payment_methods")]


def _invoice_by_number(ctx: Context, typed: str) -> UUID:
    number = dashed("".join(typed.split()))
    found = ctx.session.scalar(
        select(Invoice.id)
        .where(Invoice.number == number, Invoice.state != "cancelled")
        .order_by(Invoice.id.desc())
        .limit(1)
    )
    if found is None:
        raise DomainError(
            _(
                "No invoice has the number %(number)s. Write it as 001-002-000000123.",
                number=number,
            ),
            code="invoice_unknown",
            field="invoice_number",
        )
    return found


def _parts(ctx: Context) -> tuple[PaymentAllocation, ...]:
    ids = read_ids(ctx.form.getlist("invoice_id"))
    texts = ctx.form.getlist("part")
    parts = []
    for invoice_id, text in zip(ids, texts, strict=False):
        amount = read_money(text, "part") if text.strip() else Decimal(0)
        if amount:
            parts.append(PaymentAllocation(invoice_id, amount))
    return tuple(parts)
