"""The runs: rehearsal, start, progress, report; and the charts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import jobs
from core.i18n import _
from core.web.context import Context
from core.web.paging import page_by_key
from core.web.typed import read_day
from core.web.views import Pages, command, page
from plugins.billing.models import Run
from plugins.billing.services import chart_figures, forecasts, read_subscriptions
from plugins.billing.services.gates import check_day
from plugins.billing.services.report_run import report_run
from plugins.billing.services.run_billing import rehearse
from plugins.billing.services.subscribe import RUN_TENANT
from plugins.billing.views import words


class RunPages(Pages):
    """What each run did, and what the next will do."""

    route_base = "/billing/runs"
    permission = "billing.run"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """Runs, newest first."""
        query = select(*Run.__table__.c)
        rows = page_by_key(
            ctx.session, query, [Run.run_on.desc(), Run.id.desc()], after=ctx.args.get("after")
        )
        return ctx.render(
            "billing/runs.html", page=rows, next_on=chart_figures.next_run_day(ctx.today)
        )

    @page("/rehearsal", action="read")
    def rehearsal(self, ctx: Context) -> Any:
        """What the run of a day will do; by default the next 25th."""
        typed = ctx.args.get("on", "")
        on = read_day(typed, "on") if typed else chart_figures.next_run_day(ctx.today)
        result, shown = rehearse(ctx.session, on=on, now=ctx.now)
        return ctx.render(
            "billing/rehearsal.html",
            result=result,
            shown=shown,
            names=read_subscriptions.names_of(ctx.session, [one.customer_id for one in shown]),
            words=words,
            may_start=on <= ctx.today,
        )

    @command("/start", action="issue")
    def start(self, ctx: Context) -> Any:
        """Hand the run of a day to the workers; its page shows the progress."""
        on = read_day(ctx.form.get("on", ""), "on")
        check_day(ctx.session, on=on, today=ctx.today)
        jobs.defer(
            ctx.session,
            RUN_TENANT,
            {"tenant": str(ctx.tenant_id), "on": on.isoformat()},
            queueing_lock=f"{RUN_TENANT}:{ctx.tenant_id}",
        )
        ctx.flash(_("The run of %(day)s has been handed to the workers.", day=f"{on:%d/%m/%Y}"))
        return ctx.go("billing.run.index")

    @page("/<uuid:run_id>", action="read")
    def show(self, ctx: Context, run_id: UUID) -> Any:
        """Progress while it works, then the report."""
        report = report_run(ctx.session, run_id)
        ids = [one.customer_id for one in report.differences]
        return ctx.render(
            "billing/run.html",
            report=report,
            names=read_subscriptions.names_of(ctx.session, ids),
            words=words,
        )


class ChartPages(Pages):
    """What is to come, recurring revenue, churn, ageing and collection, with the tables behind them."""

    route_base = "/billing/charts"
    permission = "billing.chart"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """All of them."""
        figures = chart_figures.read_figures(ctx.session, today=ctx.today)
        return ctx.render(
            "billing/charts.html",
            figures=figures,
            expected=forecasts.read_forecast(ctx.session, today=ctx.today),
            churn=chart_figures.churn,
            curve_days=chart_figures.curve_rows(figures.curves),
            words=words,
        )
