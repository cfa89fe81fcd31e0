"""Subscriptions: list, the explained calendar, contract with preview, change of plan, cancellation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core import plugins
from core.contracts.sales import CustomerData
from core.contracts.services import CustomerDirectory
from core.errors import NotFound
from core.i18n import _
from core.web.context import Context
from core.web.paging import count_capped, page_by_key
from core.web.typed import read_day, read_whole
from core.web.views import Pages, command, form, page
from plugins.billing.domain import lifecycle
from plugins.billing.domain.invoicing import derivation_json, explain
from plugins.billing.models import Plan, Subscription
from plugins.billing.services import cancel, change_plan, plans, read_subscriptions, subscribe
from plugins.billing.services.reports import opens_on_report
from plugins.billing.views import words


class SubscriptionPages(Pages):
    """Who has what, since when, and what comes next."""

    route_base = "/billing/subscriptions"
    permission = "billing.subscription"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """The list, filtered by state."""
        state = ctx.args.get("state", "")
        state = state if state in lifecycle.STATES else ""
        plan_id = ctx.uuid("plan")
        if plan_id is not None and ctx.session.get(Plan, plan_id) is None:
            raise NotFound
        query = read_subscriptions.list_query(state, plan_id)
        rows = page_by_key(
            ctx.session, query, [Subscription.id.desc()], after=ctx.args.get("after")
        )
        ids = [one.id for one in rows]
        return ctx.render(
            "billing/subscriptions.html",
            page=rows,
            count=count_capped(ctx.session, query),
            names=read_subscriptions.names_of(ctx.session, [one.customer_id for one in rows]),
            standings=read_subscriptions.standings(ctx.session, ids, on=ctx.today),
            state=state,
            words=words,
        )

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Contract: first the preview with every date, then the signature."""
        parent_id = ctx.uuid("parent")
        parent = None
        if parent_id is not None:
            parent = read_subscriptions.read_subscription(ctx.session, parent_id, on=ctx.today)
        preview = None
        if ctx.submitted:
            plan_id = ctx.uuid("plan_id")
            if plan_id is None:
                raise NotFound(_("That plan does not exist. Choose another one."))
            start_on = read_day(ctx.form.get("start_on", ""), "start_on")
            quantity = read_whole(ctx.form.get("quantity", ""), "quantity", empty=1)
            _check_customer(ctx)
            if ctx.form.get("step") == "sign":
                made = subscribe.subscribe(
                    ctx.session,
                    plan_id=plan_id,
                    customer_id=parent.row.customer_id if parent else _customer(ctx),
                    start_on=start_on,
                    now=ctx.now,
                    on_credit=bool(ctx.form.get("on_credit")),
                    renews=not ctx.form.get("one_period"),
                    quantity=quantity,
                    parent_id=parent_id,
                )
                ctx.flash(_("The subscription has begun; its first invoice is issued."))
                return ctx.go("billing.subscription.show", subscription_id=made)
            preview = subscribe.preview_subscription(
                ctx.session,
                plan_id=plan_id,
                start_on=start_on,
                quantity=quantity,
                on_credit=bool(ctx.form.get("on_credit")),
                renews=not ctx.form.get("one_period"),
                today=ctx.today,
            )
        kind = "addon" if parent else "plan"
        offered = plans.offered_plans(ctx.session, ctx.today)
        return ctx.render(
            "billing/subscription_new.html",
            plans=[(plan, price) for plan, price in offered if plan.kind == kind],
            parent=parent,
            preview=preview,
            id_types=words.ID_TYPES,
            words=words,
            explain=_explained,
        )

    @page("/<uuid:subscription_id>", action="read")
    def show(self, ctx: Context, subscription_id: UUID) -> Any:
        """One subscription: where it stands, each invoice explained, what is to come."""
        view = read_subscriptions.read_subscription(ctx.session, subscription_id, on=ctx.today)
        answer = None
        if view.row.cancelled_on is not None:
            answer = cancel.preview_cancellation(ctx.session, subscription_id, now=ctx.now)
        return ctx.render(
            "billing/subscription.html",
            answer=answer,
            view=view,
            opens_on_report=opens_on_report(ctx.session, view.row.customer_id, now=ctx.now),
            words=words,
            explain=explain,
            explained=_explained,
        )

    @form("/<uuid:subscription_id>/plan", action="write")
    def change(self, ctx: Context, subscription_id: UUID) -> Any:
        """Another plan: choose, see what it brings, confirm."""
        view = read_subscriptions.read_subscription(ctx.session, subscription_id, on=ctx.today)
        plan_id = ctx.uuid("plan_id")
        preview = None
        if ctx.submitted and plan_id is not None:
            if ctx.form.get("step") == "confirm":
                done = change_plan.change_plan(
                    ctx.session, subscription_id, plan_id=plan_id, now=ctx.now
                )
                ctx.flash(
                    _("The plan is changed; the difference is invoiced.")
                    if done.upgrade
                    else _("The plan changes with the next period.")
                )
                return ctx.go("billing.subscription.show", subscription_id=subscription_id)
            preview = change_plan.preview_change(
                ctx.session, subscription_id, plan_id=plan_id, now=ctx.now
            )
        offered = [
            (plan, price)
            for plan, price in plans.offered_plans(ctx.session, ctx.today)
            if plan.kind == view.plan.kind and plan.id != view.plan.id
        ]
        return ctx.render(
            "billing/subscription_plan.html", view=view, plans=offered, preview=preview
        )

    @form("/<uuid:subscription_id>/cancel", action="cancel")
    def cancel(self, ctx: Context, subscription_id: UUID) -> Any:
        """Show the computed end date and what stays due; then cancel."""
        view = read_subscriptions.read_subscription(ctx.session, subscription_id, on=ctx.today)
        if ctx.submitted:
            done = cancel.cancel(ctx.session, subscription_id, now=ctx.now)
            ctx.flash(_("Cancelled: the service runs to %(day)s.", day=f"{done.ends_on:%d/%m/%Y}"))
            if ctx.form.get("do") == "credit":
                self._credit(ctx, subscription_id)
            return ctx.go("billing.subscription.show", subscription_id=subscription_id)
        answer = cancel.preview_cancellation(ctx.session, subscription_id, now=ctx.now)
        return ctx.render("billing/subscription_cancel.html", view=view, answer=answer)

    @command("/<uuid:subscription_id>/credit", action="cancel")
    def credit(self, ctx: Context, subscription_id: UUID) -> Any:
        """A-11: undo what was invoiced of a period that never begins."""
        self._credit(ctx, subscription_id)
        return ctx.go("billing.subscription.show", subscription_id=subscription_id)

    @staticmethod
    def _credit(ctx: Context, subscription_id: UUID) -> None:
        notes = cancel.credit_not_begun(ctx.session, subscription_id, now=ctx.now)
        ctx.flash(_("Credit note %(numbers)s is issued.", numbers=", ".join(notes)))

    @command("/<uuid:subscription_id>/keep", action="cancel")
    def keep(self, ctx: Context, subscription_id: UUID) -> Any:
        """Take the cancellation back."""
        cancel.keep(ctx.session, subscription_id, now=ctx.now)
        ctx.flash(_("The subscription goes on."))
        return ctx.go("billing.subscription.show", subscription_id=subscription_id)

    @command("/<uuid:subscription_id>/again", action="write")
    def again(self, ctx: Context, subscription_id: UUID) -> Any:
        """R12: come back for a month, or for good."""
        made = subscribe.reenter(
            ctx.session,
            subscription_id,
            start_on=ctx.today,
            now=ctx.now,
            renews=ctx.args.get("renews") == "1",
        )
        ctx.flash(_("Welcome back: the first invoice is issued."))
        return ctx.go("billing.subscription.show", subscription_id=made)


def _check_customer(ctx: Context) -> None:
    known = ctx.uuid("customer_id")
    if known is not None and known not in read_subscriptions.names_of(ctx.session, [known]):
        raise NotFound


def _customer(ctx: Context) -> UUID:
    known = ctx.uuid("customer_id")
    if known is not None:
        return known
    data = CustomerData(
        tax_id_type=ctx.form.get("tax_id_type", ""),
        tax_id=ctx.form.get("tax_id", "").strip(),
        legal_name=ctx.form.get("legal_name", "").strip(),
        email=ctx.form.get("email", "").strip(),
        address=ctx.form.get("address", "").strip(),
    )
    return plugins.service(CustomerDirectory).ensure(ctx.session, [data])[0]


def _explained(charge: Any) -> str:
    """The derivation of a planned charge in words."""
    return explain(derivation_json(charge.derivation))
