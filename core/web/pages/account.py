"""The person's own account."""

from __future__ import annotations

from typing import Any

from core.errors import DomainError
from core.i18n import gettext as _
from core.security import door, guard, passwords, sessions
from core.security.identity import Identity
from core.security.models import Person
from core.services import people
from core.web.context import Context
from core.web.views import Pages, command, form


class AccountPages(Pages):
    """For anybody who is signed in."""

    blueprint = "core.account"
    route_base = "/account"

    @form("/password", action="write")
    def password(self, ctx: Context) -> Any:
        """Change the own password; every other session of the person ends."""
        if not ctx.submitted:
            return ctx.render("core/password.html")
        password, who = ctx.form.get("password", ""), _prove(ctx)
        passwords.check_policy(password, again=ctx.form.get("again", ""))
        stamp = passwords.change_password(ctx.session, ctx.user_id, password, now=ctx.now)
        sessions.open_session(
            ctx.user_id, stamp, who.tenancy.tenant_id if who.tenancy else None, ctx.now
        )
        ctx.flash(_("Your password is set. Other open sessions were closed."))
        return ctx.go("core.home.index")

    @form("/names", action="write")
    def names(self, ctx: Context) -> Any:
        """Change what the person signs in with: identification and e-mail."""
        if not ctx.submitted:
            return ctx.render(
                "core/account_names.html", person=ctx.session.get_one(Person, ctx.user_id)
            )
        _prove(ctx)
        people.rename_person(
            ctx.session,
            ctx.user_id,
            identification=ctx.form.get("identification", ""),
            email=ctx.form.get("email", ""),
        )
        ctx.flash(_("Saved. From now on you sign in with this identification."))
        return ctx.go("core.home.index")

    @command("/sign-out", action="write")
    def sign_out(self, ctx: Context) -> Any:
        """End the session."""
        sessions.close_session()
        ctx.flash(_("You signed out."))
        return ctx.go("core.door.sign_in")


def _prove(ctx: Context) -> Identity:
    """The person at the keyboard knows the present password; guesses are counted as at the door."""
    who = ctx.identity
    assert who is not None
    counted = [door.counters(who.username)[0]]
    guard.take(counted, ctx.now)
    if not passwords.check_own(ctx.session, ctx.user_id, ctx.form.get("current", "")):
        guard.lock_if_spent(counted, ctx.now)
        raise DomainError(
            _("The present password is not correct."), code="password.current", field="current"
        )
    guard.forgive(counted)
    return who


PAGES = (AccountPages,)
