"""Unpaid licence invoices and the credit notes over them: one desk's pages, the other's in what differs (R15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from core.i18n import _
from core.web.context import Context
from core.web.views import Pages, Route, command, page
from plugins.licensing.domain.credits import CREDIT_REASON_WORDS, CREDIT_WORDS
from plugins.licensing.services import credit_drafts, explain
from plugins.licensing.services.unpaid import (
    UnpaidRow,
    drafts_by_invoice,
    prepare_as_operator,
    prepare_in_portfolio,
    read_operator_unpaid,
    read_portfolio_unpaid,
)


class UnpaidPages(Pages):
    """What both desks do: a distributor asks the vendor for the note, the vendor issues it."""

    deciding: ClassVar[str]  # the action that drafts, confirms and dismisses
    client_id: ClassVar[str]  # what the page of a client calls its id
    read: ClassVar[Callable[..., list[UnpaidRow]]]
    prepare: ClassVar[Callable[..., None]]

    @classmethod
    def routes(cls) -> Iterator[tuple[str, Route]]:
        """The commands ask the action of the desk."""
        for name, route in super().routes():
            yield name, replace(route, action=cls.deciding) if route.kind == "command" else route

    @page("/unpaid")
    def unpaid(self, ctx: Context) -> Any:
        """Unpaid invoices with what can still be done of them, and the drafts of credit notes."""
        drafts = credit_drafts.read_drafts(ctx.session)
        return ctx.render(
            "licensing/unpaid.html",
            rows=self.read(ctx.session, now=ctx.now),
            drafts=drafts,
            drafted=drafts_by_invoice(drafts),
            badges=explain.state_badges(),
            words=CREDIT_WORDS,
            reasons=CREDIT_REASON_WORDS,
            of=self.permission,
            decides=ctx.may(f"{self.permission}:{self.deciding}"),
            client_id=self.client_id,
        )

    @command("/credit/<uuid:invoice_id>/draft", action="decide")
    def draft_credit(self, ctx: Context, invoice_id: UUID) -> Any:
        """Draft the credit note over an unpaid invoice."""
        self.prepare(ctx.session, invoice_id, now=ctx.now)
        ctx.flash(_("The credit note is drafted: confirm it below."))
        return self._back(ctx)

    @command("/credit/<uuid:invoice_id>/confirm", action="decide")
    def confirm_credit(self, ctx: Context, invoice_id: UUID) -> Any:
        """One click: the vendor issues the credit note, at once at his own desk."""
        row = credit_drafts.confirm_draft(ctx.session, invoice_id, now=ctx.now)
        if row.state == "confirmed":
            ctx.flash(_("Confirmed: the vendor issues the credit note in a moment."))
        elif row.state == "issued":
            ctx.flash(_("Credit note %(number)s is on its way to SRI.", number=row.note))
        else:
            ctx.flash(row.note, "warn")
        return self._back(ctx)

    @command("/credit/<uuid:invoice_id>/dismiss", action="decide")
    def dismiss_credit(self, ctx: Context, invoice_id: UUID) -> Any:
        """No credit note: the invoice stays due."""
        credit_drafts.dismiss_draft(ctx.session, invoice_id, now=ctx.now)
        ctx.flash(_("No credit note: the invoice stays due."))
        return self._back(ctx)

    def _back(self, ctx: Context) -> Any:
        return ctx.go(f"{self.permission}.unpaid")


class PortfolioUnpaidPages(UnpaidPages):
    """The distributor's own clients."""

    route_base = "/portfolio"
    permission = "licensing.portfolio"
    deciding = "decide"
    client_id = "client_id"
    read = staticmethod(read_portfolio_unpaid)
    prepare = staticmethod(prepare_in_portfolio)


class OfficeUnpaidPages(UnpaidPages):
    """All clients of the vendor."""

    route_base = "/office/licences"
    permission = "licensing.office"
    deciding = "write"
    client_id = "contract_id"
    read = staticmethod(read_operator_unpaid)
    prepare = staticmethod(prepare_as_operator)
