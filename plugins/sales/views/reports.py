"""Reported payments: the queue in which somebody confirms or rejects."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.errors import NotFound
from core.i18n import _
from core.services import blobs
from core.web.context import Context
from core.web.paging import page_by_key
from core.web.typed import form_key, read_day, read_ids, read_money
from core.web.views import Pages, command, form, page
from plugins.sales.domain import lifecycle
from plugins.sales.models import Customer, Invoice, PaymentReport
from plugins.sales.services import find_sales
from plugins.sales.services.read_invoices import open_for
from plugins.sales.services.report_payments import (
    ReportData,
    confirm_report,
    reject_report,
    report_payment,
)
from plugins.sales.views.words import REPORT_BADGES


class PaymentReportPages(Pages):
    """What customers say they paid."""

    route_base = "/sales/reports"
    permission = "sales.report"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """The queue, oldest first; decided ones by chip."""
        show = ctx.args.get("show", "reported")
        show = show if show in lifecycle.REPORT_STATES else "reported"
        found: Any = (
            select(PaymentReport, Customer.legal_name)
            .join(Customer, Customer.id == PaymentReport.customer_id)
            .where(PaymentReport.state == show)
        )
        order = PaymentReport.id if show == "reported" else PaymentReport.id.desc()
        rows = page_by_key(ctx.session, found, [order], after=ctx.args.get("after"))
        return ctx.render("sales/reports.html", page=rows, show=show, badges=REPORT_BADGES)

    @form("/new/<uuid:customer_id>", action="write")
    def new(self, ctx: Context, customer_id: UUID) -> Any:
        """Enter a report for a customer (an accountant, a call)."""
        customer = ctx.session.get(Customer, customer_id)
        if customer is None:
            raise NotFound
        key = form_key(ctx.form.get("report_key"))
        if ctx.submitted:
            ref = report_payment(
                ctx.session, typed_report(ctx, customer_id), report_key=key, now=ctx.now
            )
            ctx.flash(_("The report is in; it waits to be confirmed."))
            return ctx.go("sales.report.show", report_id=ref.id)
        return ctx.render(
            "sales/report_form.html",
            customer=customer,
            invoices=open_for(ctx.session, customer_id),
            accounts=find_sales.bank_accounts(ctx.session),
            report_key=key,
            today=ctx.today,
        )

    @page("/<uuid:report_id>", action="read")
    def show(self, ctx: Context, report_id: UUID) -> Any:
        """One report with its slip and invoices."""
        report = _report(ctx, report_id)
        ids = read_ids(report.invoice_ids)
        invoices = ctx.session.execute(
            select(Invoice.id, Invoice.number, Invoice.balance, Invoice.due_on).where(
                Invoice.id.in_(ids)
            )
        ).all()
        return ctx.render(
            "sales/report.html",
            report=report,
            customer=ctx.session.get(Customer, report.customer_id),
            invoices=invoices,
            badge=REPORT_BADGES[report.state],
        )

    @page("/<uuid:report_id>/slip", action="read")
    def slip(self, ctx: Context, report_id: UUID) -> Any:
        """The slip as we keep it."""
        report = _report(ctx, report_id)
        if report.slip_id is None:
            raise NotFound
        blob = blobs.read(ctx.session, report.slip_id)
        is_picture = blob.media_type.startswith("image/")
        suffix = {"image/png": "png", "image/jpeg": "jpg"}.get(blob.media_type, "pdf")
        return ctx.file(blob.content, f"comprobante.{suffix}", blob.media_type, inline=is_picture)

    @command("/<uuid:report_id>/confirm", action="decide")
    def confirm(self, ctx: Context, report_id: UUID) -> Any:
        """The money is there."""
        confirm_report(ctx.session, report_id, user_id=ctx.user_id, now=ctx.now)
        ctx.flash(_("Confirmed: the payment is recorded."))
        return ctx.go("sales.report.index")

    @command("/<uuid:report_id>/reject", action="decide")
    def reject(self, ctx: Context, report_id: UUID) -> Any:
        """The money is not there."""
        reject_report(
            ctx.session,
            report_id,
            reason=ctx.form.get("reason", ""),
            user_id=ctx.user_id,
            now=ctx.now,
        )
        ctx.flash(_("Rejected; the customer sees the reason."))
        return ctx.go("sales.report.index")


def _report(ctx: Context, report_id: UUID) -> PaymentReport:
    report = ctx.session.get(PaymentReport, report_id)
    if report is None:
        raise NotFound
    return report


def typed_report(ctx: Context, customer_id: UUID) -> ReportData:
    """The report as typed. Raises ``DomainError`` naming the field."""
    upload = ctx.files.get("slip")
    return ReportData(
        customer_id=customer_id,
        bank=ctx.form.get("bank", ""),
        amount=read_money(ctx.form.get("amount", ""), "amount"),
        value_on=read_day(ctx.form.get("value_on", ""), "value_on"),
        invoice_ids=read_ids(ctx.form.getlist("invoice_id")),
        reference="" if ctx.form.get("no_reference") == "1" else ctx.form.get("reference", ""),
        payer_name=ctx.form.get("payer_name", ""),
        account_id=ctx.uuid("account_id"),
        slip=upload.stream.read() if upload and upload.filename else b"",
    )
