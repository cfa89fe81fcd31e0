"""The page behind the signed link of a mail: "Ya pagué", open without sign-in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.session import acting_for, tenant_work
from core.domain.payment_codes import payment_code
from core.errors import DomainError, NotFound
from core.i18n import _
from core.models import Tenant
from core.web.context import Context
from core.web.typed import form_key, read_money
from core.web.views import Pages, form
from plugins.sales.models import Invoice, PaymentReport
from plugins.sales.services import find_sales
from plugins.sales.services.payment_links import check_link
from plugins.sales.services.receive_withholdings import (
    receive_certificate,
    receive_key,
    waiting_for,
)
from plugins.sales.services.report_payments import report_payment
from plugins.sales.views.reports import typed_report
from plugins.sales.views.words import REPORT_BADGES

LARGEST_XML = 400_000


class PayPages(Pages):
    """One invoice of one tenant, for whoever holds its link."""

    route_base = "/pagar"
    blueprint = "sales.pay"
    public = True

    @form("/<uuid:tenant_id>/<uuid:invoice_id>/<signature>", action="report")
    def report(self, ctx: Context, tenant_id: UUID, invoice_id: UUID, signature: str) -> Any:
        """How to pay, and the form that says it was paid."""
        if ctx.submitted:
            return self._take(ctx, tenant_id, invoice_id, signature)
        with tenant_work(tenant_id) as session:
            check_link(session, invoice_id, signature)
            return self._page(ctx, session, tenant_id, invoice_id)

    def _take(self, ctx: Context, tenant_id: UUID, invoice_id: UUID, signature: str) -> Any:
        with tenant_work(tenant_id) as session:
            check_link(session, invoice_id, signature)
        with acting_for(tenant_id, "take in a payment report", document_id=invoice_id) as session:
            invoice = _invoice(session, invoice_id)
            if ctx.form.get("do") == "certificate":
                upload = ctx.files.get("file")
                content = upload.stream.read(LARGEST_XML) if upload else b""
                if not content:
                    raise DomainError(
                        _("Choose the XML of the certificate."), code="file_missing", field="file"
                    )
                receive_certificate(session, content, now=ctx.now)
                return ctx.render("sales/pay_done.html", is_twin=False, is_certificate=True)
            if ctx.form.get("do") == "key":
                _take_key(ctx, session, invoice_id)
                return ctx.render("sales/pay_done.html", is_twin=False, is_certificate=True)
            if set(ctx.form.getlist("invoice_id")) != {str(invoice_id)}:
                raise NotFound
            ref = report_payment(
                session,
                typed_report(ctx, invoice.customer_id),
                report_key=form_key(ctx.form.get("report_key")),
                now=ctx.now,
            )
            return ctx.render("sales/pay_done.html", is_twin=ref.is_twin, is_certificate=False)

    @staticmethod
    def _page(ctx: Context, session: Session, tenant_id: UUID, invoice_id: UUID) -> Any:
        invoice = _invoice(session, invoice_id)
        reports = session.scalars(
            select(PaymentReport)
            .where(PaymentReport.invoice_ids.contains([str(invoice_id)]))
            .order_by(PaymentReport.id.desc())
            .limit(5)
        ).all()
        return ctx.render(
            "sales/pay.html",
            issuer=session.scalar(select(Tenant.name).where(Tenant.id == tenant_id)),
            invoice=invoice,
            accounts=find_sales.bank_accounts(session),
            code=payment_code(invoice.customer_id),
            withheld=waiting_for(session, invoice),
            reports=reports,
            badges=REPORT_BADGES,
            report_key=form_key(ctx.form.get("report_key")),
            today=ctx.today,
        )


def _take_key(ctx: Context, session: Session, invoice_id: UUID) -> None:
    withheld = read_money(ctx.form.get("withheld", ""), "withheld")
    try:
        receive_key(
            session,
            ctx.form.get("access_key", ""),
            invoice_id=invoice_id,
            amount=withheld,
            now=ctx.now,
        )
    except DomainError as error:
        if error.field != "amount":  # the page has another amount too
            raise
        raise DomainError(error.sentence, code=error.code, field="withheld") from None


def _invoice(session: Session, invoice_id: UUID) -> Invoice:
    invoice = session.get(Invoice, invoice_id)
    if invoice is None:
        raise NotFound
    return invoice
