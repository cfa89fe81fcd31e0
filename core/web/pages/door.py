"""Signing in and choosing the company."""

from __future__ import annotations

from typing import Any

from core.web.context import Context
from core.web.views import Pages, form


class DoorPages(Pages):
    """Open to everybody."""

    blueprint = "core.door"
    public = True

    @form("/sign-in", action="read")
    def sign_in(self, ctx: Context) -> Any:
        """Identification and password."""
        return ctx.render("core/sign_in.html")

    @form("/companies", action="read")
    def companies(self, ctx: Context) -> Any:
        """Which company to work for."""
        return ctx.render("core/companies.html")


PAGES = (DoorPages,)
