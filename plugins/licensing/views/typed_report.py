"""«Ya pagué» as it is typed: of one's own licence, of several companies, of several clients."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.money import ZERO
from core.i18n import _
from core.web.context import Context
from core.web.typed import read_day, read_ids, read_money
from plugins.licensing.models import PaymentReportRow
from plugins.licensing.services.report_payment import ReportData

MAX_SLIP = 5 * 1024 * 1024


def warn_of_twins(ctx: Context, made: Sequence[PaymentReportRow]) -> None:
    """A report that looks like an earlier one is stored; the person reads it (A-31)."""
    if any(row.is_duplicate for row in made):
        ctx.flash(
            _("It looks like an earlier report: if it is the same payment, do nothing."), "warn"
        )


def typed_report(ctx: Context) -> ReportData:
    """What the fields of ``licensing/report_fields.html`` say."""
    form_ = ctx.form
    return ReportData(
        bank=form_.get("bank", "")[:80],
        value_on=read_day(form_.get("value_on", ""), "value_on"),
        amount=read_money(form_.get("amount", ""), "amount"),
        reference="" if form_.get("no_reference") else form_.get("reference", "")[:60],
        withheld=read_money(form_.get("withheld", ""), "withheld", empty=ZERO),
        payer=form_.get("payer", "")[:200],
        account=form_.get("account", "")[:200],
        invoice_ids=tuple(read_ids(form_.getlist("invoices"))),
        slip=_slip(ctx),
        form_key=form_.get("form_key", "")[:60] or None,
    )


def _slip(ctx: Context) -> bytes | None:
    """The uploaded slip, never more than its limit and one byte; None: nothing was chosen."""
    upload = ctx.files.get("slip")
    if upload is None or not upload.filename:
        return None
    return upload.stream.read(MAX_SLIP + 1)
