"""«Your data»: everything in one ZIP while the licence runs; the legal documents for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response

from core.services import company_copy
from core.web.context import Context
from core.web.views import Pages, command, page
from plugins.licensing.services import explain, legal_copy
from plugins.licensing.services.standing import read_standing


class CopyPages(Pages):
    """What a company takes with it; the page opens in every state of the licence."""

    route_base = "/licence"
    blueprint = "licensing.copy"
    permission = "licensing.licence"

    @page("/data")
    def index(self, ctx: Context) -> Any:
        """What the copy holds, until when it can be made, and what remains afterwards."""
        standing = read_standing(ctx.session, now=ctx.now)
        return ctx.render(
            "licensing/data.html",
            standing=standing,
            sentence=explain.state_sentence(standing) if standing else "",
            is_open=standing is None or legal_copy.may_take_everything(standing),
            tables=company_copy.all_tables(),
            has_documents=legal_copy.has_documents(ctx.session),
            years=legal_copy.LEGAL_YEARS,
        )

    @command("/data.zip", action="export")
    def everything(self, ctx: Context) -> Any:
        """The ZIP, made while it is sent; noted in the audit."""
        pieces = legal_copy.take_everything(ctx.session, ctx.tenant_id, now=ctx.now)
        return send_zip(pieces, f"datos-{ctx.today:%Y-%m-%d}.zip")

    @page("/documents.zip", action="download")
    def documents(self, ctx: Context) -> Any:
        """Own legal documents, XML and RIDE; ``after`` goes on behind an access key."""
        pieces = legal_copy.take_documents(
            ctx.session, ctx.tenant_id, after=ctx.args.get("after", "")[:49], now=ctx.now
        )
        return send_zip(pieces, f"comprobantes-{ctx.today:%Y-%m-%d}.zip")


def send_zip(pieces: Iterator[bytes], filename: str) -> Response:
    """A ZIP that is made while it is sent."""
    response = Response(pieces, mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response
