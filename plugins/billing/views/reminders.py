"""Pages behind links in mails, open without sign-in: no reminders, and cancelling after a new price."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.db.session import acting_for, tenant_work
from core.models import Tenant
from core.web.context import Context
from core.web.views import Pages, form
from plugins.billing.services import cancel, cancel_links, read_subscriptions, reminder_stops


class ReminderPages(Pages):
    """One customer of one company, for whoever holds the link."""

    route_base = "/recordatorios"
    blueprint = "billing.reminder"
    public = True

    @form("/<uuid:tenant_id>/<uuid:customer_id>/<signature>", action="choose", one_click=True)
    def choose(self, ctx: Context, tenant_id: UUID, customer_id: UUID, signature: str) -> Any:
        """Reminders yes or no; legal notices leave anyway. A mail program's own button (RFC 8058)
        stops them.
        """
        reminder_stops.check_link(tenant_id, customer_id, signature)
        if ctx.submitted:
            stop = ctx.form.get("do") == "stop" or ctx.form.get("List-Unsubscribe") == "One-Click"
            reason = "stop payment reminders" if stop else "send payment reminders again"
            with acting_for(tenant_id, reason, document_id=customer_id) as session:
                reminder_stops.choose(session, customer_id, is_stopped=stop, now=ctx.now)
        with tenant_work(tenant_id) as session:
            return ctx.render(
                "billing/reminders.html",
                company=session.scalar(select(Tenant.name).where(Tenant.id == tenant_id)),
                is_stopped=reminder_stops.is_stopped(session, customer_id),
            )


class LeavingPages(Pages):
    """One subscription of one company, for whoever holds the link."""

    route_base = "/suscripcion"
    blueprint = "billing.leaving"
    public = True

    @form("/<uuid:tenant_id>/<uuid:subscription_id>/<signature>", action="cancel")
    def cancel(self, ctx: Context, tenant_id: UUID, subscription_id: UUID, signature: str) -> Any:
        """The computed end date and what stays due; then one click."""
        cancel_links.check_link(tenant_id, subscription_id, signature)
        if ctx.submitted:
            reason = "cancel a subscription by its link"
            with acting_for(tenant_id, reason, document_id=subscription_id) as session:
                cancel.cancel(session, subscription_id, now=ctx.now)
        with tenant_work(tenant_id) as session:
            view = read_subscriptions.read_subscription(session, subscription_id, on=ctx.today)
            return ctx.render(
                "billing/leaving.html",
                company=session.scalar(select(Tenant.name).where(Tenant.id == tenant_id)),
                view=view,
                answer=cancel.preview_cancellation(session, subscription_id, now=ctx.now),
            )
