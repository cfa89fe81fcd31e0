"""``/api/v1/billing/subscriptions``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.web import body
from core.web.api import Api, endpoint
from core.web.context import Context
from core.web.paging import page_by_key
from plugins.billing.api.schedule import preview_rows
from plugins.billing.domain import lifecycle
from plugins.billing.models import Subscription
from plugins.billing.services import cancel, change_plan, read_subscriptions, subscribe


class SubscriptionApi(Api):
    """Who has what, what was invoiced, what is to come."""

    route_base = "/api/v1/billing/subscriptions"
    permission = "billing.subscription"

    @endpoint("/", "GET", action="read")
    def index(self, ctx: Context) -> Any:
        """Newest first, 50 a page; ``?state=`` active, ending or ended."""
        state = ctx.args.get("state", "")
        page = page_by_key(
            ctx.session,
            read_subscriptions.list_query(state if state in lifecycle.STATES else ""),
            [Subscription.id.desc()],
            after=ctx.args.get("after"),
        )
        standing = read_subscriptions.standings(
            ctx.session, [one.id for one in page.rows], on=ctx.today
        )
        rows = [row._asdict() | {"standing": standing[row.id].state} for row in page.rows]
        return {"subscriptions": rows, "next": page.next, "previous": page.previous}

    @endpoint("/<uuid:subscription_id>", "GET", action="read")
    def show(self, ctx: Context, subscription_id: UUID) -> Any:
        """One subscription: where it stands, each charge with its derivation."""
        return _one(ctx, subscription_id)

    @endpoint("/<uuid:subscription_id>/schedule", "GET", action="read")
    def schedule(self, ctx: Context, subscription_id: UUID) -> Any:
        """The next invoices: about three months ahead."""
        view = read_subscriptions.read_subscription(ctx.session, subscription_id, on=ctx.today)
        return {"invoices": preview_rows(view.coming) if view.coming else []}

    @endpoint("/", "POST", action="write")
    def create(self, ctx: Context) -> Any:
        """Contract, once per ``Idempotency-Key``; the first invoice is issued at once (R1, R2)."""
        given = ctx.json
        made, is_new = body.once(
            ctx,
            "billing/subscriptions",
            lambda _key: subscribe.subscribe(
                ctx.session,
                plan_id=body.identifier(given, "plan_id"),
                customer_id=body.identifier(given, "customer_id"),
                start_on=body.day(given, "start_on", ctx.today),
                now=ctx.now,
                on_credit=body.flag(given, "on_credit", default=False),
                renews=body.flag(given, "renews", default=True),
                quantity=body.whole(given, "quantity", 1, least=1, largest=100_000),
                parent_id=body.optional_identifier(given, "parent_id"),
            ),
        )
        return _one(ctx, made), 201 if is_new else 200

    @endpoint("/<uuid:subscription_id>/plan", "POST", action="write")
    def change(self, ctx: Context, subscription_id: UUID) -> Any:
        """Another plan: dearer now, cheaper from the next period on (R14)."""
        done = change_plan.change_plan(
            ctx.session,
            subscription_id,
            plan_id=body.identifier(ctx.json, "plan_id"),
            now=ctx.now,
        )
        return {
            "effective_on": done.effective_on,
            "is_upgrade": done.upgrade is not None,
            "net": done.upgrade.net if done.upgrade else None,
            "total": done.total,
        }

    @endpoint("/<uuid:subscription_id>/cancel", "POST", action="cancel")
    def cancel(self, ctx: Context, subscription_id: UUID) -> Any:
        """No further invoice: the day the service ends and what stays due (R10)."""
        done = cancel.cancel(ctx.session, subscription_id, now=ctx.now)
        return {
            "ends_on": done.ends_on,
            "open_invoices": [
                {
                    "invoice_id": one.id,
                    "number": one.number,
                    "balance": one.balance,
                    "due_on": one.due_on,
                    "may_be_credited": one.id in done.not_begun,
                }
                for one in done.open_invoices
            ],
        }


def _one(ctx: Context, subscription_id: UUID) -> dict[str, Any]:
    view = read_subscriptions.read_subscription(ctx.session, subscription_id, on=ctx.today)
    row = view.row
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "plan_id": row.plan_id,
        "parent_id": row.parent_id,
        "quantity": row.quantity,
        "price": row.price,
        "basis": row.basis,
        "start_on": row.start_on,
        "state": row.state,
        "standing": view.standing.state,
        "paid_through": view.standing.paid_through,
        "invoiced_through": row.invoiced_through,
        "next_issue_on": row.next_issue_on,
        "next_plan_id": row.next_plan_id,
        "ends_on": row.ends_on,
        "charges": [
            {
                "kind": one.kind,
                "state": one.state,
                "period_start": one.period_start,
                "period_end": one.period_end,
                "days": one.days,
                "amount": one.amount,
                "issued_on": one.issued_on,
                "due_on": one.due_on,
                "suspend_on": one.suspend_on,
                "invoice_id": one.invoice_id,
                "derivation": one.derivation,
            }
            for one in view.charges
        ],
    }
