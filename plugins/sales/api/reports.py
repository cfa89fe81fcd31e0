"""``/api/v1/sales/reports``: payments that customers say they made."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.errors import NotFound
from core.i18n import _
from core.web import body
from core.web.api import Api, endpoint
from core.web.context import Context
from core.web.paging import page_by_key
from plugins.sales.domain import lifecycle
from plugins.sales.models import PaymentReport
from plugins.sales.services.report_payments import (
    ReportData,
    confirm_report,
    reject_report,
    report_payment,
)


class PaymentReportApi(Api):
    """The customer's word first, the money's confirmation later."""

    route_base = "/api/v1/sales/reports"
    permission = "sales.report"

    @endpoint("/", "GET", action="read")
    def index(self, ctx: Context) -> Any:
        """Reports, newest first; ``?state=`` reported, confirmed or rejected."""
        found = select(PaymentReport)
        if ctx.args.get("state", "") in lifecycle.REPORT_STATES:
            found = found.where(PaymentReport.state == ctx.args["state"])
        page = page_by_key(
            ctx.session,
            found,
            [PaymentReport.id.desc()],
            after=ctx.args.get("after"),
            size=body.size(ctx),
        )
        return body.page_body(page, "reports", show)

    @endpoint("/<uuid:report_id>", "GET", action="read")
    def show(self, ctx: Context, report_id: UUID) -> Any:
        """One report."""
        return _one(ctx, report_id)

    @endpoint("/", "POST", action="write")
    def create(self, ctx: Context) -> Any:
        """Report a payment, once per ``Idempotency-Key``; ``slip`` is a picture or PDF in base64."""
        made, is_new = body.once(ctx, "sales/reports", lambda key: _report(ctx, key))
        return _one(ctx, made), 201 if is_new else 200

    @endpoint("/<uuid:report_id>/confirm", "POST", action="decide")
    def confirm(self, ctx: Context, report_id: UUID) -> Any:
        """The money is there: the payment's id."""
        payment_id = confirm_report(ctx.session, report_id, user_id=ctx.user_id, now=ctx.now)
        return {"payment_id": payment_id}

    @endpoint("/<uuid:report_id>/reject", "POST", action="decide")
    def reject(self, ctx: Context, report_id: UUID) -> Any:
        """The money is not there; the customer reads ``reason``."""
        reason = body.text(ctx.json, "reason", "")
        reject_report(ctx.session, report_id, reason=reason, user_id=ctx.user_id, now=ctx.now)
        return _one(ctx, report_id)


def _report(ctx: Context, key: str) -> UUID:
    given = ctx.json
    ids = given.get("invoice_ids", [])
    if not isinstance(ids, list) or len(ids) > 100:
        raise body.refuse(
            "invoice_ids", _("The field %(name)s must be a list of ids.", name="invoice_ids")
        )
    report = ReportData(
        customer_id=body.identifier(given, "customer_id"),
        bank=body.text(given, "bank"),
        amount=body.money(given, "amount"),
        value_on=body.day(given, "value_on"),
        invoice_ids=[body.identifier({"invoice_ids": one}, "invoice_ids") for one in ids],
        reference=body.text(given, "reference", ""),
        payer_name=body.text(given, "payer_name", ""),
        account_id=body.optional_identifier(given, "account_id"),
        slip=_slip(body.text(given, "slip", "")),
    )
    return report_payment(ctx.session, report, report_key=f"api:{key}", now=ctx.now).id


def _slip(typed: str) -> bytes:
    try:
        return base64.b64decode(typed, validate=True)
    except (binascii.Error, ValueError):
        raise body.refuse(
            "slip", _("The slip must be a picture or PDF in base64."), "slip_unreadable"
        ) from None


def _one(ctx: Context, report_id: UUID) -> dict[str, Any]:
    row = ctx.session.get(PaymentReport, report_id)
    if row is None:
        raise NotFound
    ctx.session.refresh(row)
    return show(row)


def show(one: PaymentReport) -> dict[str, Any]:
    """A report as JSON."""
    return {
        "id": one.id,
        "customer_id": one.customer_id,
        "bank": one.bank,
        "reference": one.reference,
        "payer_name": one.payer_name,
        "value_on": one.value_on,
        "amount": one.amount,
        "invoice_ids": one.invoice_ids,
        "state": one.state,
        "is_twin": one.is_twin,
        "is_late": one.is_late,
        "has_slip": one.slip_id is not None,
        "reason": one.reason,
        "payment_id": one.payment_id,
    }
