"""Home: what needs the person today, dearest first."""

from __future__ import annotations

from typing import Any

from flask import current_app
from markupsafe import Markup

from core.contracts.hooks import Attention
from core.web.context import Context
from core.web.views import Pages, page


class HomePages(Pages):
    """The first page after signing in."""

    blueprint = "core.home"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """What needs me today, then what the plugins show."""
        if ctx.identity is None or ctx.identity.tenancy is None:
            return ctx.go("core.companies.choose")
        return ctx.render("core/home.html", attention=attention(ctx), blocks=blocks(ctx))


def attention(ctx: Context) -> list[Attention]:
    """Answers of the hook ``home_attention``, dearest first."""
    answers = current_app.extensions["yupana"].host.call(
        "home_attention", tenant=ctx.tenant_id, session=ctx.session, role=ctx.role, now=ctx.now
    )
    return sorted((one for answer in answers for one in answer), key=lambda one: one.order)


def blocks(ctx: Context) -> list[Any]:
    """Pieces of the hook ``page_blocks`` for the place ``core.home``: the month in figures,
    licences before sales before documents (the last plugin loaded answers last).
    """
    answers = current_app.extensions["yupana"].host.call(
        "page_blocks",
        tenant=ctx.tenant_id,
        place="core.home",
        session=ctx.session,
        subject_id=ctx.tenant_id,
        now=ctx.now,
    )
    return [Markup(one) for one in reversed(answers) if one]  # noqa: S704  (rendered by the plugin's template)


PAGES = (HomePages,)
