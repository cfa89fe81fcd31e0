"""The person's own account."""

from __future__ import annotations

from typing import Any

from core.security import sessions
from core.web.context import Context
from core.web.views import Pages, command, form


class AccountPages(Pages):
    """For anybody who is signed in."""

    blueprint = "core.account"
    route_base = "/account"

    @form("/password", action="write")
    def password(self, ctx: Context) -> Any:
        """Change the own password."""
        return ctx.render("core/password.html")

    @command("/sign-out", action="write")
    def sign_out(self, ctx: Context) -> Any:
        """End the session."""
        sessions.close_session()
        return ctx.go("core.door.sign_in")


PAGES = (AccountPages,)
