"""Ways in: the link of a mail, sign-in, a forgotten password, proof by a document in one's hand."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, request

from core import runtime
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.domain import tax_ids
from core.errors import DomainError
from core.i18n import _
from core.security import challenge, door, guard
from core.web.context import EMPTY, Context
from core.web.errors import status_of
from core.web.pages.door import safe_next
from core.web.typed import read_day, read_money
from core.web.views import Pages, command, form
from plugins.customer_portal.domain.identities import identity_of, masked
from plugins.customer_portal.jobs import KEY
from plugins.customer_portal.models import Account
from plugins.customer_portal.services import accounts, inbox, links, registration
from plugins.customer_portal.views.reader import Reader, current_reader, forget, remember

ACCOUNT_LIMIT, ASK_LIMIT = 5, 10


class PortalDoorPages(Pages):
    """Pages for whoever is not signed in yet."""

    blueprint = "portal.door"
    route_base = "/portal"
    public = True

    @form("/sign-in", action="read")
    def sign_in(self, ctx: Context) -> Any:
        """E-mail and password; after a failure the fields are cleared and a sum is asked (SE-30)."""
        counted = [_counter(ctx), door.address_counter("portal-address")]
        if ctx.submitted:
            return _enter(ctx, counted)
        asks = ctx.error is not None or guard.has_failures(counted[1:], ctx.now)
        ctx.form = EMPTY
        return ctx.render(
            "portal/sign_in.html",
            challenge=challenge.make(ctx.now) if asks else None,
            next=safe_next(request.values.get("next") or "/portal"),
            status=_status(ctx),
        )

    @command("/sign-out", action="read")
    def sign_out(self, ctx: Context) -> Response:
        """Close the session of this browser."""
        return forget(ctx.go("portal.door.sign_in"))

    @form("/l/<token>", action="read")
    def link(self, ctx: Context, token: str) -> Any:
        """The link of a mail: choose a password the first time, later straight to the document."""
        invitation = links.read_document_token(_keys(), token, now=ctx.now)
        if invitation is None:
            return ctx.render("portal/link_void.html", status=410)
        with unit_of_work(Scope()) as session:
            known = accounts.find_account(session, invitation.email)
        if known is None:
            return _first_visit(ctx, invitation)
        reader = current_reader(ctx)
        if reader is None or reader.email != invitation.email:
            return ctx.go("portal.door.sign_in", next=f"/portal/l/{token}")
        if ctx.submitted:
            _take_in(known, invitation)
        elif identity_of(invitation.tax_id) not in reader.scope.receiver_ids:
            return ctx.render("portal/take_in.html", reader=reader, tax_id=invitation.tax_id)
        return _to_document(ctx, known, invitation)

    @form("/forgot", action="read")
    def forgot(self, ctx: Context) -> Any:
        """Ask for a new password; the answer does not tell whether the address is known."""
        if not ctx.submitted:
            return ctx.render("portal/forgot.html", sent_to="", status=_status(ctx))
        email = ctx.form.get("email", "").strip()
        registration.check_email(email)
        _count_ask(ctx, email)
        registration.ask_reset(ctx.session, email)
        return ctx.render("portal/forgot.html", sent_to=masked(email))

    @form("/reset/<token>", action="read")
    def reset(self, ctx: Context, token: str) -> Any:
        """Choose the new password; the other sessions end and the account is unlocked."""
        found = links.read_reset_token(_keys(), token, now=ctx.now)
        account = accounts.find_account(ctx.session, found[0]) if found else None
        if found is None or account is None or account.stamp != found[1]:
            return ctx.render("portal/link_void.html", status=410)
        if not ctx.submitted:
            return ctx.render("portal/reset.html", email=account.email)
        accounts.set_password(
            ctx.session, account, ctx.form.get("password", ""), ctx.form.get("again", "")
        )
        ctx.session.flush()
        guard.forgive([], wipe=[guard.Counter("portal", account.email, ACCOUNT_LIMIT)])
        ctx.flash(_("Your password is set. Other open sessions were closed."))
        return remember(ctx.go("portal.inbox.index"), account, ctx.now)

    @form("/register", action="read")
    def register(self, ctx: Context) -> Any:
        """Alta online: who holds a printed document proves it and gets a link (SE-04 to SE-07)."""
        if not ctx.submitted:
            return ctx.render(
                "portal/register.html",
                sent_to="",
                challenge=challenge.make(ctx.now),
                status=_status(ctx),
            )
        challenge.check(ctx.form.get("challenge", ""), ctx.form.get("answer", ""), ctx.now)
        email = ctx.form.get("email", "").strip()
        proof = registration.Proof(
            tax_id=tax_ids.normalise(ctx.form.get("tax_id", "")),
            issuer_tax_id=tax_ids.normalise(ctx.form.get("issuer_tax_id", "")),
            number=ctx.form.get("number", "").strip(),
            issued_on=read_day(ctx.form.get("issued_on", ""), "issued_on"),
            total=read_money(ctx.form.get("total", ""), "total"),
        )
        registration.check_email(email)
        _count_ask(ctx, proof.tax_id)
        registration.ask_by_proof(ctx.session, email, proof)
        return ctx.render("portal/register.html", sent_to=masked(email))


def _first_visit(ctx: Context, invitation: links.Invitation) -> Response:
    if not ctx.submitted:
        return ctx.render("portal/welcome.html", email=invitation.email, tax_id=invitation.tax_id)
    with unit_of_work(Scope()) as session:
        account = accounts.open_account(
            session, invitation.email, ctx.form.get("password", ""), ctx.form.get("again", "")
        )
    _take_in(account, invitation)
    return remember(_to_document(ctx, account, invitation), account, ctx.now)


def _keys() -> list[bytes]:
    return list(reversed(runtime.keyring().derive_all(KEY)))


def _status(ctx: Context) -> int | None:
    return status_of(ctx.error) if ctx.error is not None else None


def _counter(ctx: Context) -> guard.Counter:
    return guard.Counter("portal", ctx.form.get("email", "").strip().lower()[:200], ACCOUNT_LIMIT)


def _count_ask(ctx: Context, subject: str) -> None:
    guard.take(
        [
            door.address_counter("portal-ask-address", 20),
            guard.Counter("portal-ask", subject.lower()[:200], ASK_LIMIT),
        ],
        ctx.now,
    )


def _enter(ctx: Context, counted: list[guard.Counter]) -> Response:
    if guard.has_failures(counted, ctx.now):
        challenge.check(ctx.form.get("challenge", ""), ctx.form.get("answer", ""), ctx.now)
    guard.take(counted, ctx.now)
    with unit_of_work(Scope()) as session:
        account = accounts.sign_in(
            session, ctx.form.get("email", ""), ctx.form.get("password", ""), now=ctx.now
        )
    if account is None:
        ends = guard.lock_if_spent(counted, ctx.now)
        if ends is not None:
            raise guard.too_many(ends, ctx.now)
        raise DomainError(
            _(
                "The combination is not correct. Check address and password (Caps Lock?). If it persists,"
                " ask the company that sent you the document."
            ),
            code="credentials",
            field="email",
        )
    guard.forgive(counted[1:], wipe=counted[:1])
    target = safe_next(ctx.form.get("next") or "/portal")
    response = Response(status=303, headers={"Location": quote(target, safe="/?=&%-_.~")})
    return remember(response, account, ctx.now)


def _take_in(account: Account, invitation: links.Invitation) -> None:
    with unit_of_work(Scope(account_id=account.id)) as session:
        accounts.accept(session, account, invitation)


def _to_document(ctx: Context, account: Account, invitation: links.Invitation) -> Response:
    with unit_of_work(Scope(account_id=account.id)) as session:
        grants = tuple(accounts.grants_of(session, account.id))
    with Reader(account.id, account.email, grants).work() as session:
        item = inbox.find_by_key(session, invitation.access_key) if invitation.access_key else None
    if item is None:
        return ctx.go("portal.inbox.index")
    return ctx.go("portal.inbox.show", item_id=item.id)
