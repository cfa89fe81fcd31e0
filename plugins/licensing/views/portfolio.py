"""The distributor's desk: clients with traffic lights, contracting, enabling, advisers, limit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from sqlalchemy import func, select

from core.db.session import acting_for
from core.domain.money import ZERO
from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.web.context import Context
from core.web.typed import read_day, read_ids, read_money
from core.web.views import Pages, command, form, page
from plugins.licensing.domain.credits import CREDIT_REASON_WORDS, CREDIT_WORDS
from plugins.licensing.domain.lights import TONES, WORDS
from plugins.licensing.models import ClientInvoiceRow, PortfolioClient
from plugins.licensing.services import (
    adviser_cards,
    choose_plan,
    credit_drafts,
    explain,
    keep_licence,
    keep_portfolio,
    pay_many,
    read_ahead,
    sell_certificates,
    sell_licences,
    unpaid,
)
from plugins.licensing.services.sell_licences import Money, NewClient
from plugins.licensing.services.standing import read_standing
from plugins.licensing.views.typed_report import typed_report, warn_of_twins

OWNER_FIELDS = ("identification", "first_name", "last_name", "email", "phone")


class PortfolioPages(Pages):
    """Own clients only: the rows lie in the distributor's scope."""

    route_base = "/portfolio"
    permission = "licensing.portfolio"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """Clients, filtered by a light."""
        light = ctx.args.get("light", "")
        light = light if light in WORDS else ""
        search = ctx.args.get("q", "")[:100]
        is_ticked = ctx.args.get("ticked") == "all"
        everything = keep_portfolio.read_portfolio(ctx.session, now=ctx.now, search=search)
        counts = keep_portfolio.count_lights(everything)
        rows = [row for row in everything if not light or light in row.lights]
        chips = [(_("All"), url_for("licensing.portfolio.index"), not light)] + [
            (
                f"{word} ({counts[name]})",
                url_for("licensing.portfolio.index", light=name),
                name == light,
            )
            for name, word in WORDS.items()
            if counts.get(name)
        ]
        return ctx.render(
            "licensing/portfolio.html",
            rows=rows,
            chips=chips,
            words=WORDS,
            tones=TONES,
            badges=explain.state_badges(),
            total=len(everything),
            is_ticked=is_ticked,
            tick_all=url_for(
                "licensing.portfolio.index",
                light=light or None,
                q=search or None,
                ticked=None if is_ticked else "all",
            ),
        )

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Contract a client."""
        if ctx.submitted:
            sell_licences.create_client(ctx.session, typed_client(ctx), now=ctx.now)
            ctx.session.flush()
            tax_id = "".join(sign for sign in ctx.form.get("tax_id", "") if sign.isdigit())
            row = ctx.session.scalars(
                select(PortfolioClient).where(PortfolioClient.client_tax_id == tax_id)
            ).one()
            ctx.flash(
                _("The order of payment is made: its code is %(code)s.", code=row.payment_code)
            )
            return ctx.go("licensing.portfolio.show", client_id=row.id)
        return ctx.render(
            "licensing/client_new.html",
            offers=keep_portfolio.read_offers(ctx.session),
            distributors=(),
        )

    @form("/report", action="decide")
    def report(self, ctx: Context) -> Any:
        """One transfer told for several own clients."""
        if ctx.submitted:
            made = pay_many.report_for_clients(
                ctx.session,
                typed_report(ctx),
                tuple(read_ids(ctx.form.getlist("companies"))),
                now=ctx.now,
            )
            ctx.flash(_("The payment is reported for %(count)s clients.", count=len(made)))
            warn_of_twins(ctx, made)
            return ctx.go("licensing.portfolio.index")
        owing = pay_many.clients_who_owe(ctx.session)
        return ctx.render(
            "licensing/portfolio_report.html",
            balances=owing,
            accounts=pay_many.accounts_told(owing[0].tenant_id) if owing else [],
            form_key=ctx.form.get("form_key") or str(new_id()),
        )

    @page("/forecast")
    def forecast(self, ctx: Context) -> Any:
        """What the clients will be invoiced in the next three months."""
        return ctx.render(
            "licensing/forecast.html",
            forecast=read_ahead.read_forecast(ctx.session, today=ctx.today),
        )

    @page("/<uuid:client_id>")
    def show(self, ctx: Context, client_id: UUID) -> Any:
        """One client: state, invoices, what to do."""
        return self._show(ctx, client_id)

    def _show(self, ctx: Context, client_id: UUID, *, code: str = "", is_told: bool = False) -> Any:
        row = _client(ctx, client_id)
        is_order_reported = keep_portfolio.is_order_reported(ctx.session, row)
        invoices = ctx.session.scalars(
            select(ClientInvoiceRow)
            .where(ClientInvoiceRow.client_tenant_id == row.client_tenant_id)
            .order_by(
                func.coalesce(ClientInvoiceRow.period_start, ClientInvoiceRow.issued_on).desc()
            )
            .limit(24)
        ).all()
        return ctx.render(
            "licensing/client.html",
            row=row,
            invoices=invoices,
            coming=read_ahead.read_coming(row, row.state),
            explained=read_ahead.explain,
            lights=keep_portfolio.lights_of(
                row, ctx.today, waits=keep_portfolio.waits_for_answer(ctx.session, row)
            ),
            is_order_reported=is_order_reported,
            drafts=credit_drafts.read_drafts(ctx.session, client=row.client_tenant_id),
            draft_words=CREDIT_WORDS,
            reasons=CREDIT_REASON_WORDS,
            words=WORDS,
            tones=TONES,
            badges=explain.state_badges(),
            advisers=keep_portfolio.read_advisers(ctx.session),
            certificate_price=sell_certificates.certificate_price(ctx.session),
            code=code,
            is_told=is_told,
        )

    @form("/<uuid:client_id>/enable", action="decide")
    def enable(self, ctx: Context, client_id: UUID) -> Any:
        """Confirm the money or enable on credit: today is S."""
        row = _client(ctx, client_id)
        if ctx.submitted:
            sell_licences.enable_client(ctx.session, row, typed_money(ctx), now=ctx.now)
            ctx.flash(_("Enabled. The first invoice is issued with today's date."))
            return ctx.go("licensing.portfolio.show", client_id=row.id)
        return ctx.render(
            "licensing/enable.html",
            row=row,
            signing=read_ahead.read_signing(
                ctx.session, row.contract_id, row.plan_id, on=ctx.today
            ),
            explained=read_ahead.explain,
            credit_left=sell_licences.credit_left(ctx.session),
            back=url_for("licensing.portfolio.show", client_id=row.id),
        )

    @command("/<uuid:client_id>/certificate", action="decide")
    def sell_certificate(self, ctx: Context, client_id: UUID) -> Any:
        """Invoice an electronic signature to the client."""
        ref = sell_certificates.sell_certificate(ctx.session, _client(ctx, client_id), now=ctx.now)
        ctx.flash(_("Invoice %(number)s was issued and goes out by mail.", number=ref.number))
        return ctx.go("licensing.portfolio.show", client_id=client_id)

    @command("/<uuid:client_id>/first-access", action="write")
    def first_access(self, ctx: Context, client_id: UUID) -> Any:
        """Mail the one-time link; the short code is shown once."""
        row = _client(ctx, client_id)
        code = sell_licences.give_first_access(row.client_tenant_id, row.owner or {}, now=ctx.now)
        return self._show(ctx, client_id, code=code, is_told=True)

    @command("/<uuid:client_id>/order", action="write")
    def order_again(self, ctx: Context, client_id: UUID) -> Any:
        """A new order after the first one lapsed."""
        row = _client(ctx, client_id)
        sell_licences.order_again(ctx.session, row, now=ctx.now)
        ctx.flash(_("The order of payment is made: its code is %(code)s.", code=row.payment_code))
        return ctx.go("licensing.portfolio.show", client_id=row.id)

    @form("/<uuid:client_id>/cancel", action="decide")
    def cancel(self, ctx: Context, client_id: UUID) -> Any:
        """Enter a cancellation that the client mailed (A-14): what it brings, the day of the mail."""
        row = _client(ctx, client_id)
        if ctx.submitted:
            typed = ctx.form.get("received_on", "")
            received_on = read_day(typed, "received_on") if typed else None
            reason = "enters the client's written cancellation"
            with acting_for(row.client_tenant_id, reason) as session:
                farewell = keep_licence.cancel_licence(
                    session, now=ctx.now, received_on=received_on
                )
            ctx.flash(explain.farewell_sentence(farewell, client=row.client_name))
            return ctx.go("licensing.portfolio.show", client_id=row.id)
        farewell = unpaid.read_farewell(ctx.session, row, on=ctx.today)
        return ctx.render(
            "licensing/client_cancel.html",
            row=row,
            farewell=farewell,
            undo=explain.draft_sentence(farewell.not_begun) if farewell.not_begun else "",
        )

    @form("/<uuid:client_id>/plan", action="decide")
    def plan(self, ctx: Context, client_id: UUID) -> Any:
        """Another plan for a client, who asked for it: what each brings; then the choice."""
        row = _client(ctx, client_id)
        if ctx.submitted:
            with acting_for(row.client_tenant_id, "chooses another plan for the client") as session:
                quote = choose_plan.ask_plan(session, ctx.uuid("plan_id"), now=ctx.now)
            ctx.flash(choose_plan.asked_sentence(quote))
            return ctx.go("licensing.portfolio.show", client_id=row.id)
        with acting_for(row.client_tenant_id, "shows what another plan brings") as session:
            standing = read_standing(session, now=ctx.now)
            if standing is None:
                raise NotFound
            refusal = choose_plan.refusal_of(standing)
            choices = {} if refusal else choose_plan.read_choices(standing.licence, now=ctx.now)
        return ctx.render(
            "licensing/plan.html",
            licence=row,
            refusal=refusal,
            choices=choices,
            back=url_for("licensing.portfolio.show", client_id=row.id),
            back_word=row.client_name,
        )

    @command("/<uuid:client_id>/adviser", action="write")
    def assign(self, ctx: Context, client_id: UUID) -> Any:
        """Put the client into an adviser's care."""
        client = _client(ctx, client_id)
        adviser_cards.put_in_care(ctx.session, client, ctx.uuid("adviser_id"), now=ctx.now)
        ctx.flash(_("The adviser is noted; the client sees the card."))
        return ctx.go("licensing.portfolio.show", client_id=client_id)

    @form("/advisers", action="write")
    def advisers(self, ctx: Context) -> Any:
        """The distributor's staff."""
        if ctx.submitted:
            keep_portfolio.add_adviser(
                ctx.session,
                name=ctx.form.get("name", ""),
                email=ctx.form.get("email", ""),
                phone=ctx.form.get("phone", ""),
            )
            ctx.flash(_("The adviser is noted."))
            return ctx.go("licensing.portfolio.advisers")
        return ctx.render(
            "licensing/advisers.html", advisers=keep_portfolio.read_advisers(ctx.session)
        )


def typed_client(ctx: Context) -> NewClient:
    """The form of a new client."""
    plan_id = ctx.uuid("plan_id")
    if plan_id is None:
        raise DomainError(_("Choose a plan of the list."), code="plan", field="plan_id")
    return NewClient(
        tax_id=ctx.form.get("tax_id", ""),
        name=ctx.form.get("name", "")[:300],
        email=ctx.form.get("email", "")[:200],
        plan_id=plan_id,
        owner={one: ctx.form.get(f"owner_{one}", "")[:120] for one in OWNER_FIELDS},
        distributor_id=ctx.uuid("distributor_id"),
    )


def typed_money(ctx: Context) -> Money:
    """The form of enabling."""
    on_credit = bool(ctx.form.get("on_credit"))
    day = ctx.form.get("value_on", "")
    return Money(
        on_credit=on_credit,
        amount=read_money("" if on_credit else ctx.form.get("amount", ""), "amount", empty=ZERO),
        value_on=read_day(day, "value_on") if day and not on_credit else None,
        bank=ctx.form.get("bank", "")[:80],
        reference=ctx.form.get("reference", "")[:60],
    )


def _client(ctx: Context, client_id: UUID) -> PortfolioClient:
    row = sell_licences.find_client(ctx.session, client_id)
    if row.released_on is not None:
        raise NotFound
    return row
