"""The confirmation queue: of a distributor, and of the operator what nobody answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.services import PaymentRecording
from core.db.session import acting_for
from core.errors import DomainError, NotFound
from core.i18n import _, ngettext
from core.plugins import service
from core.services import blobs
from core.web.context import Context
from core.web.typed import read_ids
from core.web.views import Pages, command, page
from plugins.licensing.models import PaymentReportRow, QueuedReport
from plugins.licensing.services import explain, keep_portfolio, queue
from plugins.licensing.services.book_money import names_of_booked
from plugins.licensing.services.parties import operator_id

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
            gone=keep_portfolio.find_gone(ctx.session),
            badges=explain.report_badges(),
        )

    @command("/confirm", action="decide")
    def confirm(self, ctx: Context) -> Any:
        """The ticked reports are paid."""
        wanted = read_ids(ctx.form.getlist("reports"))
        if not wanted:
            raise DomainError(_("Tick the payments that arrived."), code="reports", field="reports")
        booked = names_of_booked(ctx.session, wanted)
        count = queue.confirm_reports(ctx.session, wanted, now=ctx.now)
        ctx.flash(
            ngettext(
                "%(count)s payment is confirmed.",
                "%(count)s payments are confirmed.",
                count,
                count=count,
            )
        )
        for name in booked:
            ctx.flash(
                _(
                    "The money of %(name)s is in the books already: its report is confirmed and no"
                    " second payment is recorded.",
                    name=name,
                ),
                "warn",
            )
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
        found = _read_slip(
            row.client_tenant_id,
            report_id,
            lambda session: session.scalar(
                select(PaymentReportRow.slip_blob_id).where(PaymentReportRow.id == report_id)
            ),
        ) or _read_slip(  # a report by the signed link: its slip lies in the operator's books
            operator_id(ctx.session),
            report_id,
            lambda session: service(PaymentRecording).slip_of(session, report_id),
        )
        if found is None:
            raise NotFound
        return ctx.file(*found)


def _read_slip(
    tenant_id: UUID, report_id: UUID, find: Callable[[Session], UUID | None]
) -> tuple[bytes, str, str] | None:
    with acting_for(
        tenant_id, "shows the slip of a payment report", document_id=report_id
    ) as session:
        blob_id = find(session)
        if blob_id is None:
            return None
        blob = blobs.read(session, blob_id)
        return blob.content, blob.filename, blob.media_type
