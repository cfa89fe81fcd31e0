"""Support hours: the client's side and the distributor's side of the same tickets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.errors import DomainError
from core.i18n import _
from core.web.context import Context
from core.web.typed import read_optional_whole
from core.web.views import Pages, command, form, page
from plugins.licensing.services import support_tickets
from plugins.licensing.services.standing import find_licence


class SupportPages(Pages):
    """Tickets with quote, acceptance and a timer that both sides see."""

    route_base = "/support"
    permission = "licensing.support"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """The tickets, open ones first, each with its cost at most."""
        rows = support_tickets.read_tickets(ctx.session)
        licence = find_licence(ctx.session)
        wallet = licence.wallet_minutes if licence else 0
        costs = {
            row.ticket_id: support_tickets.estimate(ctx.session, row, wallet, now=ctx.now)
            for row in rows
            if licence is not None and row.quoted_minutes and row.closed_at is None
        }
        return ctx.render(
            "licensing/support.html",
            rows=rows,
            wallet=wallet if licence else None,
            costs=costs,
            minutes={
                row.ticket_id: support_tickets.minutes_so_far(row, now=ctx.now) for row in rows
            },
        )

    @form("/new", action="ask")
    def new(self, ctx: Context) -> Any:
        """Ask for help."""
        if ctx.submitted:
            support_tickets.open_ticket(ctx.session, ctx.form.get("subject", ""), now=ctx.now)
            ctx.flash(_("Your adviser has your request and quotes the time."))
            return ctx.go("licensing.support.index")
        return ctx.render("licensing/support_new.html")

    @command("/<uuid:ticket_id>/accept", action="ask")
    def accept(self, ctx: Context, ticket_id: UUID) -> Any:
        """Accept the quote."""
        support_tickets.accept_quote(ctx.session, ticket_id, now=ctx.now)
        ctx.flash(_("Accepted: the timer may run, never beyond the quote."))
        return ctx.go("licensing.support.index")

    @command("/<uuid:ticket_id>/quote", action="work")
    def quote(self, ctx: Context, ticket_id: UUID) -> Any:
        """Say how long it takes at most."""
        minutes = read_optional_whole(ctx.form.get("minutes", ""), "minutes")
        if minutes is None:
            raise DomainError(
                _("Write the minutes it will take, between 1 and 2400."),
                code="minutes",
                field="minutes",
            )
        support_tickets.quote_ticket(ctx.session, ticket_id, minutes, now=ctx.now)
        ctx.flash(_("The client sees the quote."))
        return ctx.go("licensing.support.index")

    @command("/<uuid:ticket_id>/timer", action="work")
    def timer(self, ctx: Context, ticket_id: UUID) -> Any:
        """Start or pause."""
        support_tickets.switch_timer(ctx.session, ticket_id, now=ctx.now)
        return ctx.go("licensing.support.index")

    @command("/<uuid:ticket_id>/close", action="work")
    def close(self, ctx: Context, ticket_id: UUID) -> Any:
        """Done."""
        support_tickets.close_ticket(ctx.session, ticket_id, now=ctx.now)
        ctx.flash(_("The ticket is closed."))
        return ctx.go("licensing.support.index")
