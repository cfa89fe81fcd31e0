"""The letterbox: list, document, files, the ZIP of what is pending, and the answer to a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response

from core.web.context import Context
from core.web.paging import page_by_key
from core.web.typed import read_optional_day
from core.web.views import Pages, command, page
from plugins.customer_portal.models import InboxItem
from plugins.customer_portal.services import archive, inbox
from plugins.customer_portal.views.reader import Reader, current_reader

KINDS = ("01", "03", "04", "05", "06", "07")


class PortalInboxPages(Pages):
    """Pages of a signed-in receiver."""

    blueprint = "portal.inbox"
    route_base = "/portal"
    public = True

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """Documents of all issuers, newest first, with what this person has not opened in bold."""
        reader = current_reader(ctx)
        if reader is None:
            return ctx.go("portal.door.sign_in")
        kind = ctx.args.get("kind", "")
        with reader.work() as session:
            wanted = inbox.listing(
                reader.account_id,
                kind=kind if kind in KINDS else "",
                since=read_optional_day(ctx.args.get("since", ""), "since"),
                until=read_optional_day(ctx.args.get("until", ""), "until"),
                text=ctx.args.get("q", "").strip()[:80],
                pending=ctx.args.get("pending") == "1",
            )
            found = page_by_key(
                session,
                wanted,
                [InboxItem.issued_on.desc(), InboxItem.id.desc()],
                after=ctx.args.get("after"),
                size=25,
            )
            waiting = len(inbox.pending_items(session, reader.account_id, limit=archive.BATCH + 1))
        return ctx.render(
            "portal/inbox.html",
            reader=reader,
            page=found,
            kinds=KINDS,
            waiting=waiting,
            batch=archive.BATCH,
            is_filtered=any(
                ctx.args.get(one) for one in ("q", "kind", "since", "until", "pending")
            ),
        )

    @page("/documents/<uuid:item_id>", action="read")
    def show(self, ctx: Context, item_id: UUID) -> Any:
        """One document; who opened it is noted by the button, not by this GET."""
        reader = current_reader(ctx)
        if reader is None:
            return ctx.go("portal.door.sign_in", next=f"/portal/documents/{item_id}")
        with reader.work() as session:
            item = inbox.find_item(session, item_id)
            return ctx.render("portal/document.html", reader=reader, item=item)

    @page("/documents/<uuid:item_id>.xml", action="read")
    def xml(self, ctx: Context, item_id: UUID) -> Any:
        """The authorised XML, byte for byte."""
        return _file(ctx, item_id, "xml", "application/xml")

    @page("/documents/<uuid:item_id>.pdf", action="read")
    def ride(self, ctx: Context, item_id: UUID) -> Any:
        """The RIDE."""
        return _file(ctx, item_id, "pdf", "application/pdf")

    @page("/pending.zip", action="read")
    def pending(self, ctx: Context) -> Any:
        """Everything this person has never downloaded, in one ZIP; an interrupted one goes on."""
        reader = current_reader(ctx)
        if reader is None:
            return ctx.go("portal.door.sign_in")
        with reader.work() as session:
            items = inbox.pending_items(session, reader.account_id, limit=archive.BATCH)
        if not items:
            return ctx.go("portal.inbox.index")
        response = Response(_sent(reader, items, ctx), mimetype="application/zip")
        name = f"comprobantes-{ctx.today:%Y-%m-%d}.zip"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Cache-Control"] = "private, no-store"
        return response

    @command("/documents/<uuid:item_id>/accept", action="answer")
    def accept(self, ctx: Context, item_id: UUID) -> Any:
        """The document is right."""
        return _answer(ctx, item_id, "accept")

    @command("/documents/<uuid:item_id>/dispute", action="answer")
    def dispute(self, ctx: Context, item_id: UUID) -> Any:
        """The document is not right, with the reason."""
        return _answer(ctx, item_id, "dispute")


def _sent(reader: Reader, items: list[InboxItem], ctx: Context) -> Iterator[bytes]:
    def note(item: InboxItem) -> None:
        with reader.work() as session:
            inbox.mark(session, [item], reader.account_id, now=ctx.now, downloaded=True)

    return archive.zip_stream(items, on_sent=note)


def _file(ctx: Context, item_id: UUID, kind: str, media_type: str) -> Any:
    reader = current_reader(ctx)
    if reader is None:
        return ctx.go("portal.door.sign_in", next=f"/portal/documents/{item_id}")
    with reader.work() as session:
        item = inbox.find_item(session, item_id)
    files = archive.files_of(item)
    is_shown = ctx.args.get("show") == "1"
    with reader.work() as session:
        inbox.mark(session, [item], reader.account_id, now=ctx.now, downloaded=not is_shown)
    content = files.xml if kind == "xml" else files.ride
    return ctx.file(content, f"{item.access_key}.{kind}", media_type, inline=is_shown)


def _answer(ctx: Context, item_id: UUID, action: str) -> Any:
    reader = current_reader(ctx)
    if reader is None:
        return ctx.go("portal.door.sign_in", next=f"/portal/documents/{item_id}")
    with reader.work() as session:
        item = inbox.find_item(session, item_id)
        inbox.answer(session, item, action, ctx.form.get("note", ""), now=ctx.now)
    return ctx.go("portal.inbox.show", item_id=item_id)
