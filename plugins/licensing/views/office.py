"""The operator's office: licences, distributors, plan contents, MRR left to billing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from sqlalchemy import func, select

from core.domain.money import ZERO
from core.errors import NotFound
from core.i18n import _
from core.web.context import Context
from core.web.paging import count_capped, page_by_key
from core.web.typed import read_money, read_optional_whole
from core.web.views import Pages, command, form, page
from plugins.licensing.domain.lifecycle import STATES
from plugins.licensing.models import Contract, DistributorRow, PlanTerms
from plugins.licensing.services import (
    contracts,
    explain,
    keep_distributors,
    publish,
    queue,
    read_ahead,
    sell_licences,
    sign_licence,
)
from plugins.licensing.views.portfolio import typed_client, typed_money


class OfficePages(Pages):
    """All contracts of the vendor: the rows lie in the operator's scope."""

    route_base = "/office/licences"
    permission = "licensing.office"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """Licences by state."""
        shown = ctx.args.get("state", "")
        shown = shown if shown in STATES else ""
        search = ctx.args.get("q", "")[:100].strip()
        rows: Any = select(Contract)
        if shown:
            rows = rows.where(Contract.standing == shown)
        if search:
            rows = rows.where(
                Contract.client_name.icontains(search, autoescape=True)
                | Contract.client_tax_id.startswith(search, autoescape=True)
                | (Contract.payment_code == search.upper())
            )
        counts = dict(
            ctx.session.execute(
                select(Contract.standing, func.count()).group_by(Contract.standing)
            ).all()
        )
        chips = [(_("All"), url_for("licensing.office.index"), not shown)] + [
            (
                f"{row.word} ({counts[name]})",
                url_for("licensing.office.index", state=name),
                name == shown,
            )
            for name, row in STATES.items()
            if counts.get(name)
        ]
        return ctx.render(
            "licensing/office.html",
            page=page_by_key(ctx.session, rows, [Contract.id.desc()], after=ctx.args.get("after")),
            count=count_capped(ctx.session, rows),
            chips=chips,
            badges=explain.state_badges(),
            names={
                one.distributor_id: one.name
                for one in keep_distributors.read_distributors(ctx.session)
            },
            late=len(queue.overdue_reports(ctx.session, now=ctx.now)),
        )

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Contract a client, for a distributor or directly."""
        if ctx.submitted:
            contract = sell_licences.create_client_as_operator(
                ctx.session, typed_client(ctx), now=ctx.now
            )
            ctx.flash(
                _("The order of payment is made: its code is %(code)s.", code=contract.payment_code)
            )
            return ctx.go("licensing.office.show", contract_id=contract.id)
        return ctx.render(
            "licensing/client_new.html",
            offers=list(publish.plan_offers(ctx.session).values()),
            distributors=keep_distributors.read_distributors(ctx.session),
        )

    @page("/<uuid:contract_id>")
    def show(self, ctx: Context, contract_id: UUID) -> Any:
        """One contract."""
        return self._show(ctx, contract_id)

    def _show(
        self, ctx: Context, contract_id: UUID, *, code: str = "", is_told: bool = False
    ) -> Any:
        row = _contract(ctx, contract_id)
        names = {
            one.distributor_id: one.name for one in keep_distributors.read_distributors(ctx.session)
        }
        return ctx.render(
            "licensing/contract.html",
            row=row,
            distributor=names.get(row.distributor_id or row.id, ""),
            transfer_to=names.get(row.transfer_to_id or row.id, ""),
            badges=explain.state_badges(),
            code=code,
            is_told=is_told,
        )

    @form("/<uuid:contract_id>/enable", action="write")
    def enable(self, ctx: Context, contract_id: UUID) -> Any:
        """Confirm the money or enable on credit."""
        row = _contract(ctx, contract_id)
        if ctx.submitted:
            sell_licences.enable_as_operator(ctx.session, row.id, typed_money(ctx), now=ctx.now)
            ctx.flash(_("Enabled. The first invoice is issued with today's date."))
            return ctx.go("licensing.office.show", contract_id=row.id)
        back = url_for("licensing.office.show", contract_id=row.id)
        return ctx.render(
            "licensing/enable.html",
            row=row,
            signing=read_ahead.read_signing(ctx.session, row.id, row.plan_id, on=ctx.today),
            explained=read_ahead.explain,
            credit_left=None,
            back=back,
        )

    @command("/<uuid:contract_id>/signed", action="write")
    def signed(self, ctx: Context, contract_id: UUID) -> Any:
        """The signed licence document, for a client who hosts it himself."""
        content = sign_licence.sign_contract(ctx.session, contract_id, now=ctx.now)
        return ctx.file(content, "licencia.json", "application/json")

    @command("/<uuid:contract_id>/withdraw", action="write")
    def withdraw(self, ctx: Context, contract_id: UUID) -> Any:
        """Take an order of payment back."""
        contracts.withdraw_order(ctx.session, contract_id, now=ctx.now)
        ctx.flash(_("The order of payment is withdrawn."))
        return ctx.go("licensing.office.show", contract_id=contract_id)

    @command("/<uuid:contract_id>/first-access", action="write")
    def first_access(self, ctx: Context, contract_id: UUID) -> Any:
        """Mail the one-time link; the short code is shown once."""
        row = _contract(ctx, contract_id)
        code = sell_licences.give_first_access(row.client_tenant_id, row.owner or {}, now=ctx.now)
        return self._show(ctx, contract_id, code=code, is_told=True)

    @form("/distributors", action="write")
    def distributors(self, ctx: Context) -> Any:
        """Distributors with their limits; the form adds one."""
        if ctx.submitted:
            keep_distributors.create_distributor(
                ctx.session,
                tax_id=ctx.form.get("tax_id", ""),
                name=ctx.form.get("name", "")[:300],
                email=ctx.form.get("email", "")[:200],
                phone=ctx.form.get("phone", "")[:40],
                credit_limit=read_money(
                    ctx.form.get("credit_limit", ""), "credit_limit", empty=ZERO
                ),
                now=ctx.now,
            )
            ctx.flash(_("The distributor is noted. Invite its people from the platform page."))
            return ctx.go("licensing.office.distributors")
        return ctx.render(
            "licensing/distributors.html", rows=keep_distributors.read_distributors(ctx.session)
        )

    @command("/distributors/<uuid:distributor_id>/limit", action="write")
    def set_limit(self, ctx: Context, distributor_id: UUID) -> Any:
        """Another credit limit."""
        row = ctx.session.get(DistributorRow, distributor_id)
        if row is None:
            raise NotFound
        limit = read_money(ctx.form.get("credit_limit", ""), "credit_limit", empty=ZERO)
        keep_distributors.set_credit_limit(ctx.session, row, limit, now=ctx.now)
        ctx.flash(_("The limit is changed."))
        return ctx.go("licensing.office.distributors")

    @page("/plans")
    def plans(self, ctx: Context) -> Any:
        """What each plan contains beside its price."""
        terms = {row.plan_id: row for row in ctx.session.scalars(select(PlanTerms))}
        return ctx.render(
            "licensing/plans.html",
            offers=list(publish.plan_offers(ctx.session).values()),
            terms=terms,
            plugins=ctx_plugins(),
        )

    @command("/plans/<uuid:plan_id>", action="write")
    def set_terms(self, ctx: Context, plan_id: UUID) -> Any:
        """Change what a plan contains; distributors hear it at once."""
        keep_distributors.set_plan_terms(
            ctx.session,
            plan_id,
            included_minutes=read_optional_whole(
                ctx.form.get("included_minutes", ""), "included_minutes"
            )
            or 0,
            entitlements={
                "plugins": [one for one in ctx.form.getlist("plugins") if one in ctx_plugins()],
                **{
                    one: read_optional_whole(ctx.form.get(one, ""), one)
                    for one in ("documents", "users", "points")
                },
            },
        )
        publish.publish_offers(ctx.session, now=ctx.now)
        ctx.flash(_("The plan is changed; contracts made from now on contain it."))
        return ctx.go("licensing.office.plans")


def ctx_plugins() -> tuple[tuple[str, Any], ...]:
    """Names and labels of the plugins a plan may contain; licensing itself is always there."""
    from core import plugins

    return tuple((p.name, p.info.label) for p in plugins.host().plugins if p.name != "licensing")


def _contract(ctx: Context, contract_id: UUID) -> Contract:
    row = ctx.session.get(Contract, contract_id)
    if row is None:
        raise NotFound
    return row
