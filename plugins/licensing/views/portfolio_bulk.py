"""What a distributor does for all ticked clients at once."""

from __future__ import annotations

from typing import Any

from core.web.context import Context
from core.web.typed import read_ids
from core.web.views import Pages, command
from plugins.licensing.services import bulk_portfolio


class PortfolioBulkPages(Pages):
    """Own clients only; a code is shown once, therefore each answers with its own page."""

    route_base = "/portfolio/ticked"
    permission = "licensing.portfolio"

    @command("/remind", action="write")
    def remind_ticked(self, ctx: Context) -> Any:
        """Mail what is still to be paid."""
        told = bulk_portfolio.remind_clients(ctx.session, _ticked(ctx), now=ctx.now)
        return ctx.render("licensing/ticked.html", told=told)

    @command("/first-access", action="write")
    def first_access_ticked(self, ctx: Context) -> Any:
        """Mail the activation links again; each short code is shown here."""
        told = bulk_portfolio.send_first_accesses(ctx.session, _ticked(ctx), now=ctx.now)
        return ctx.render("licensing/ticked.html", told=told)


def _ticked(ctx: Context) -> list[Any]:
    return read_ids(ctx.form.getlist("clients"))
