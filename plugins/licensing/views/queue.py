"""The confirmation queue: of a distributor, and of the operator what nobody answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.db.session import acting_for
from core.errors import DomainError, NotFound
from core.i18n import _
from core.services import blobs
from core.web.context import Context
from core.web.views import Pages, command, page
from plugins.licensing.models import PaymentReportRow, QueuedReport
from plugins.licensing.services import explain, queue
from plugins.licensing.views.typed import read_ids

SHOWN = 200


class QueuePages(Pages):
    """Reports of own clients, oldest first."""

    route_base = "/licensing/queue"
    permission = "licensing.queue"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """What waits; for the operator with what is past three business days marked."""
        show = ctx.args.get("show", "waiting")
        show = show if show in ("waiting", "confirmed", "rejected") else "waiting"
        rows = ctx.session.scalars(
            select(QueuedReport)
            .where(QueuedReport.state == show)
            .order_by(QueuedReport.reported_at, QueuedReport.id)
            .limit(SHOWN)
        ).all()
        return ctx.render(
            "licensing/queue.html",
            rows=rows,
            show=show,
            late={row.id for row in queue.overdue_reports(ctx.session, now=ctx.now)},
            answer_by={row.id: queue.answer_by(ctx.session, row.reported_at) for row in rows},
            badges=explain.report_badges(),
        )

    @command("/confirm", action="decide")
    def confirm(self, ctx: Context) -> Any:
        """The ticked reports are paid."""
        wanted = read_ids(ctx.form.getlist("reports"))
        if not wanted:
            raise DomainError(_("Tick the payments that arrived."), code="reports", field="reports")
        count = queue.confirm_reports(ctx.session, wanted, now=ctx.now)
        ctx.flash(_("%(count)s payments are confirmed.", count=count))
        return ctx.go("licensing.queue.index")

    @command("/<uuid:report_id>/reject", action="decide")
    def reject(self, ctx: Context, report_id: UUID) -> Any:
        """Not paid, with the reason that the client reads."""
        queue.reject_report(ctx.session, report_id, reason=ctx.form.get("reason", ""), now=ctx.now)
        ctx.flash(_("The payment is rejected; the client reads the reason."))
        return ctx.go("licensing.queue.index")

    @page("/<uuid:report_id>/slip")
    def slip(self, ctx: Context, report_id: UUID) -> Any:
        """The slip, read in the client's scope once the own queue has proved the report."""
        row = ctx.session.scalars(
            select(QueuedReport).where(QueuedReport.report_id == report_id)
        ).one_or_none()
        if row is None or not row.has_slip:
            raise NotFound
        with acting_for(
            row.client_tenant_id, "shows the slip of a payment report", document_id=report_id
        ) as session:
            report = session.get(PaymentReportRow, report_id)
            if report is None or report.slip_blob_id is None:
                raise NotFound
            blob = blobs.read(session, report.slip_blob_id)
            content, name, kind = blob.content, blob.filename, blob.media_type
        return ctx.file(content, name, kind)
