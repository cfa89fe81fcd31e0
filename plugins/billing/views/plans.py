"""Plans and prices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.errors import NotFound
from core.i18n import _
from core.services import tax_rates
from core.web.context import Context
from core.web.typed import read_day, read_money
from core.web.views import Pages, form, page
from plugins.billing.domain.pricing import list_price
from plugins.billing.models import Plan
from plugins.billing.services import change_price, plans
from plugins.billing.views import words

IVA = "2"


class PlanPages(Pages):
    """What is sold by the month."""

    route_base = "/billing/plans"
    permission = "billing.plan"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """Plans with today's price and how many have them."""
        found = list(ctx.session.scalars(select(Plan).order_by(Plan.name, Plan.id)))
        versions = plans.read_versions(ctx.session, [one.id for one in found])
        rows = [
            (
                one,
                list_price(versions[one.id], ctx.today),
                change_price.count_subscribers(ctx.session, one.id),
            )
            for one in found
        ]
        return ctx.render("billing/plans.html", rows=rows, kinds=dict(words.PLAN_KINDS))

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Create a plan or an add-on."""
        if ctx.submitted:
            made = plans.create_plan(
                ctx.session,
                code=ctx.form.get("code", ""),
                name=ctx.form.get("name", ""),
                description=ctx.form.get("description", ""),
                price=read_money(ctx.form.get("price", ""), "price"),
                tax_code=ctx.form.get("tax_code", ""),
                kind=ctx.form.get("kind", "plan"),
                basis=ctx.form.get("basis", ""),
                now=ctx.now,
            )
            ctx.flash(_("The plan is saved."))
            return ctx.go("billing.plan.show", plan_id=made)
        return ctx.render(
            "billing/plan_new.html",
            kinds=words.PLAN_KINDS,
            bases=words.BASES,
            rates=_rates(ctx),
            usual=tax_rates.usual_iva(ctx.session, ctx.today),
        )

    @page("/<uuid:plan_id>", action="read")
    def show(self, ctx: Context, plan_id: UUID) -> Any:
        """A plan with its price versions."""
        plan = _plan(ctx, plan_id)
        return ctx.render(
            "billing/plan.html",
            plan=plan,
            versions=plans.read_versions(ctx.session, [plan_id])[plan_id],
            subscribers=change_price.count_subscribers(ctx.session, plan_id),
            kinds=dict(words.PLAN_KINDS),
            bases=dict(words.BASES),
        )

    @form("/<uuid:plan_id>/edit", action="write")
    def edit(self, ctx: Context, plan_id: UUID) -> Any:
        """Other words, or no longer on offer."""
        plan = _plan(ctx, plan_id)
        if ctx.submitted:
            plans.change_plan_words(
                ctx.session,
                plan_id,
                name=ctx.form.get("name", ""),
                description=ctx.form.get("description", ""),
                is_offered=bool(ctx.form.get("is_offered")),
                tax_code=ctx.form.get("tax_code", ""),
                now=ctx.now,
            )
            ctx.flash(_("The plan is saved."))
            return ctx.go("billing.plan.show", plan_id=plan_id)
        return ctx.render("billing/plan_edit.html", plan=plan, rates=_rates(ctx))

    @form("/<uuid:plan_id>/price", action="write")
    def price(self, ctx: Context, plan_id: UUID) -> Any:
        """A new price from a day on, told to those who have the plan."""
        plan = _plan(ctx, plan_id)
        if ctx.submitted:
            done = change_price.change_price(
                ctx.session,
                plan_id,
                price=read_money(ctx.form.get("price", ""), "price"),
                valid_from=read_day(ctx.form.get("valid_from", ""), "valid_from"),
                notify=bool(ctx.form.get("notify")),
                now=ctx.now,
            )
            ctx.flash(_("The price is saved; %(told)s customers are told by mail.", told=done.told))
            return ctx.go("billing.plan.show", plan_id=plan_id)
        return ctx.render(
            "billing/plan_price.html",
            plan=plan,
            subscribers=change_price.count_subscribers(ctx.session, plan_id),
        )


def _rates(ctx: Context) -> list[tuple[str, str]]:
    return [(one.code, one.label) for one in tax_rates.current(ctx.session, IVA, ctx.today)]


def _plan(ctx: Context, plan_id: UUID) -> Plan:
    plan = ctx.session.get(Plan, plan_id)
    if plan is None:
        raise NotFound
    return plan
