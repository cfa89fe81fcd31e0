"""Documents fetched from SRI by their access keys: a list to paste, and what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.errors import NotFound
from core.i18n import _, ngettext
from core.web.context import Context
from core.web.paging import page_by_key
from core.web.views import Pages, command, page
from plugins.einvoice_sri.models.fetched import FetchedDocument
from plugins.einvoice_sri.services import fetch_documents

TONES = {"pending": "wait", "found": "ok", "absent": "warn", "failed": "bad"}


def word(state: str) -> str:
    """The state of a key in a word or two."""
    words = {
        "pending": _("Being asked for"),
        "found": _("Fetched"),
        "absent": _("SRI has nothing authorised"),
        "failed": _("SRI did not answer"),
    }
    return words[state]


class FetchedPages(Pages):
    """Fetching by access key."""

    route_base = "/sri/fetched"
    permission = "einvoice_sri.fetched"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """The list, newest first."""
        columns = [FetchedDocument.requested_at.desc(), FetchedDocument.id.desc()]
        return ctx.render(
            "einvoice_sri/fetched.html",
            rows=page_by_key(
                ctx.session, select(FetchedDocument), columns, after=ctx.args.get("after")
            ),
            counts=fetch_documents.counts(ctx.session),
            words=word,
            tones=TONES,
        )

    @command("/add", action="write")
    def add(self, ctx: Context) -> Any:
        """Put pasted keys on the list."""
        keys = fetch_documents.read_keys(ctx.form.get("keys", ""))
        made = fetch_documents.list_keys(ctx.session, keys, now=ctx.now)
        ctx.flash(
            ngettext(
                "%(num)s access key is new on the list.",
                "%(num)s access keys are new on the list.",
                made.new,
            ),
            "wait",
        )
        return ctx.go("einvoice_sri.fetched.index")

    @page("/<uuid:fetched_id>/xml", action="read")
    def xml(self, ctx: Context, fetched_id: UUID) -> Any:
        """The authorised file as SRI gave it."""
        row = _find(ctx, fetched_id)
        if row.content is None:
            raise NotFound
        return ctx.file(row.content, f"{row.access_key}.xml", "application/xml")

    @command("/<uuid:fetched_id>/again", action="write")
    def again(self, ctx: Context, fetched_id: UUID) -> Any:
        """Try a key once more that came to nothing."""
        fetch_documents.ask_again(ctx.session, [_find(ctx, fetched_id).access_key], now=ctx.now)
        return ctx.go("einvoice_sri.fetched.index")


def _find(ctx: Context, fetched_id: UUID) -> FetchedDocument:
    row = ctx.session.scalar(select(FetchedDocument).where(FetchedDocument.id == fetched_id))
    if row is None:
        raise NotFound
    return row
