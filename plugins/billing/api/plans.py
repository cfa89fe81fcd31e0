"""``/api/v1/billing/plans``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.errors import NotFound
from core.web import body
from core.web.api import Api, endpoint
from core.web.context import Context
from plugins.billing.domain.pricing import list_price
from plugins.billing.models import Plan
from plugins.billing.services import change_price, plans


class PlanApi(Api):
    """What is sold by the month, and its prices."""

    route_base = "/api/v1/billing/plans"
    permission = "billing.plan"

    @endpoint("/", "GET", action="read")
    def index(self, ctx: Context) -> Any:
        """Every plan and add-on with today's price."""
        found = ctx.session.scalars(select(Plan).order_by(Plan.name, Plan.id)).all()
        return {"plans": [_shown(ctx, one) for one in found]}

    @endpoint("/<uuid:plan_id>", "GET", action="read")
    def show(self, ctx: Context, plan_id: UUID) -> Any:
        """One plan with its price versions."""
        plan = ctx.session.get(Plan, plan_id)
        if plan is None:
            raise NotFound
        versions = plans.read_versions(ctx.session, [plan_id])[plan_id]
        return _shown(ctx, plan) | {
            "prices": [{"valid_from": one.valid_from, "price": one.price} for one in versions]
        }

    @endpoint("/", "POST", action="write")
    def create(self, ctx: Context) -> Any:
        """Offer a plan or an add-on; its code is its own, so a repeat is refused (409)."""
        given = ctx.json
        made = plans.create_plan(
            ctx.session,
            code=body.text(given, "code"),
            name=body.text(given, "name"),
            description=body.text(given, "description", ""),
            price=body.money(given, "price"),
            tax_code=body.text(given, "tax_code"),
            kind=body.text(given, "kind", "plan"),
            basis=body.text(given, "basis", ""),
            now=ctx.now,
        )
        return _shown(ctx, ctx.session.get_one(Plan, made)), 201

    @endpoint("/<uuid:plan_id>/prices", "POST", action="write")
    def price(self, ctx: Context, plan_id: UUID) -> Any:
        """A price from a day on; with ``notify`` those who have the plan are told (A-29)."""
        given = ctx.json
        if ctx.session.get(Plan, plan_id) is None:
            raise NotFound
        done = change_price.change_price(
            ctx.session,
            plan_id,
            price=body.money(given, "price"),
            valid_from=body.day(given, "valid_from"),
            notify=body.flag(given, "notify", default=True),
            now=ctx.now,
        )
        return {"told": done.told}, 201


def _shown(ctx: Context, plan: Plan) -> dict[str, Any]:
    versions = plans.read_versions(ctx.session, [plan.id])[plan.id]
    return {
        "id": plan.id,
        "code": plan.code,
        "name": plan.name,
        "description": plan.description,
        "kind": plan.kind,
        "tax_code": plan.tax_code,
        "basis": plan.basis or None,
        "is_offered": plan.is_offered,
        "price": list_price(versions, ctx.today),
    }
