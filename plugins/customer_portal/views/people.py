"""Who else reads, and one's own sign-in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.errors import DomainError
from core.i18n import _
from core.web.context import Context
from core.web.views import Pages, command, form, page
from plugins.customer_portal.models import Account
from plugins.customer_portal.services import accounts, registration
from plugins.customer_portal.views.reader import current_reader, remember


class PortalPeoplePages(Pages):
    """Readers of an identity, invitations, the password."""

    blueprint = "portal.people"
    route_base = "/portal"
    public = True

    @page("/people", action="read")
    def index(self, ctx: Context) -> Any:
        """Everybody who reads what I read."""
        reader = current_reader(ctx)
        if reader is None:
            return ctx.go("portal.door.sign_in", next="/portal/people")
        with reader.work() as session:
            groups = [
                (grant, accounts.readers_of(session, grant.receiver_id)) for grant in reader.grants
            ]
        return ctx.render("portal/people.html", reader=reader, groups=groups)

    @command("/people/<uuid:receiver_id>/invite", action="write")
    def invite(self, ctx: Context, receiver_id: UUID) -> Any:
        """Mail an invitation to one more person."""
        reader = current_reader(ctx)
        if reader is None:
            return ctx.go("portal.door.sign_in", next="/portal/people")
        grant = reader.grant_of(receiver_id)
        registration.invite(ctx.session, ctx.form.get("email", ""), grant.tax_id)
        ctx.flash(_("The invitation is on its way."))
        return ctx.go("portal.people.index")

    @command("/people/<uuid:receiver_id>/<uuid:account_id>/revoke", action="write")
    def revoke(self, ctx: Context, receiver_id: UUID, account_id: UUID) -> Any:
        """Take somebody's right to read away."""
        reader = current_reader(ctx)
        if reader is None:
            return ctx.go("portal.door.sign_in", next="/portal/people")
        reader.grant_of(receiver_id)
        with reader.work() as session:
            accounts.revoke(session, receiver_id, account_id)
        return ctx.go("portal.people.index")

    @form("/password", action="write")
    def password(self, ctx: Context) -> Any:
        """Change the password; the present one is asked (CF-19)."""
        reader = current_reader(ctx)
        if reader is None:
            return ctx.go("portal.door.sign_in", next="/portal/password")
        if not ctx.submitted:
            return ctx.render("portal/password.html", reader=reader)
        with unit_of_work(Scope()) as session:
            given = ctx.form.get("current", "")
            account = accounts.sign_in(session, reader.email, given, now=ctx.now)
            if account is None:
                raise DomainError(
                    _("The present password is not right."), code="credentials", field="current"
                )
            accounts.set_password(
                session, account, ctx.form.get("password", ""), ctx.form.get("again", "")
            )
            kept: Account = account
        ctx.flash(_("Your password is set. Other open sessions were closed."))
        return remember(ctx.go("portal.inbox.index"), kept, ctx.now)
