"""Signing in, choosing the company, forgotten passwords and activation: open to everybody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, current_app, request
from markupsafe import Markup

from core.errors import DomainError, NotFound
from core.i18n import gettext as _
from core.security import challenge, door, guard, links, passwords, sessions
from core.security.models import OneTimeLink
from core.web import first_pin
from core.web.context import EMPTY, Context
from core.web.shell import url_or_none
from core.web.views import Pages, form, page

COMPANY_COOKIE = "yupana_company"
PORTAL = "portal.door.sign_in"  # where receivers enter, when that plugin is there
YEAR = 365 * 24 * 3600
FORGOT_LIMIT = 5


class DoorPages(Pages):
    """Pages that need no sign-in."""

    blueprint = "core.door"
    public = True

    @page("/welcome", action="read")
    def welcome(self, ctx: Context) -> Any:
        """What this is, and the way in: the first page of somebody who was never here."""
        answers = current_app.extensions["yupana"].host.call(
            "page_blocks", place="core.welcome", session=ctx.session, subject_id=None, now=ctx.now
        )
        blocks = [Markup(one) for one in answers if one]  # noqa: S704  (rendered by the plugin's template)
        return ctx.render("core/welcome.html", portal=url_or_none(PORTAL), blocks=blocks)

    @form("/sign-in", action="read")
    def sign_in(self, ctx: Context) -> Any:
        """Identification (or e-mail) and password; company optional and remembered."""
        if ctx.submitted:
            return _enter(ctx)
        typed = ctx.form.get("company")
        failed, ctx.form = (
            ctx.error is not None,
            EMPTY,
        )  # after a failure the fields are empty (SE-30)
        asks = failed or guard.has_failures([door.address_counter("address")], ctx.now)
        return ctx.render(
            "core/sign_in.html",
            challenge=challenge.make(ctx.now) if asks else None,
            company=typed if typed is not None else request.cookies.get(COMPANY_COOKIE, ""),
            next=safe_next(request.values.get("next")),
        )

    @form("/forgot", action="read")
    def forgot(self, ctx: Context) -> Any:
        """Ask for a link; the answer is the same whether the person exists or not."""
        if not ctx.submitted:
            return ctx.render("core/forgot.html", sent=False)
        typed = ctx.form.get("username", "").strip()
        if not typed:
            raise DomainError(
                _("Write your identification or your e-mail address."),
                code="empty",
                field="username",
            )
        counter = guard.Counter("forgot", door.account_name(typed)[:200], FORGOT_LIMIT)
        guard.take([door.address_counter("forgot-address")], ctx.now)
        try:
            guard.take([counter], ctx.now)
        except DomainError:
            return ctx.render("core/forgot.html", sent=True)
        person = door.find(ctx.session, typed)
        if person is not None and person.active:
            links.request_link(ctx.session, person.id, "reset", now=ctx.now)
        return ctx.render("core/forgot.html", sent=True)

    @form("/reset/<token>", action="read")
    def reset(self, ctx: Context, token: str) -> Any:
        """Choose a new password with the mailed link; this also unlocks the account."""
        link = links.find_link(ctx.session, token, "reset", now=ctx.now)
        if link is None:
            return ctx.render("core/link_void.html", status=410, purpose="reset")
        if ctx.submitted:
            return _set_password(ctx, link)
        return ctx.render("core/reset.html", person=links.person_of(ctx.session, link))

    @form("/activate/<token>", action="read")
    def activate(self, ctx: Context, token: str) -> Any:
        """First access: the short code, a password of one's own and, for who sells, a PIN."""
        link = links.find_link(ctx.session, token, "activation", now=ctx.now)
        if link is None:
            return ctx.render("core/link_void.html", status=410, purpose="activation")
        if ctx.submitted:
            _check_new_password(ctx)
            pin = first_pin.read_pin(ctx)
            links.check_code(link, token, ctx.form.get("code", ""))
            person = links.person_of(ctx.session, link)
            has_pin = first_pin.keep_pin(person, pin, now=ctx.now)
            entered = _set_password(ctx, link)
            if has_pin:
                ctx.flash(_("Your PIN is set: with it you sign your sales at the till."))
            return entered
        return ctx.render(
            "core/activate.html",
            person=links.person_of(ctx.session, link),
            asks_pin=bool(first_pin.find_companies(link.user_id)),
        )


class CompanyChoicePages(Pages):
    """For a person who is signed in, with or without an active company."""

    blueprint = "core.companies"
    public = True

    @form("/companies", action="read")
    def choose(self, ctx: Context) -> Any:
        """Which company to work for now; no new sign-in."""
        who = ctx.identity
        if who is None or who.via != "session":
            return ctx.go("core.door.sign_in")
        if ctx.submitted:
            wanted = ctx.uuid("tenant")
            if wanted not in {one.tenant_id for one in who.tenancies}:
                raise NotFound
            sessions.choose_tenant(UUID(str(wanted)))
            return _redirect(safe_next(ctx.form.get("next")))
        return ctx.render(
            "core/companies.html", who=who, next=safe_next(request.values.get("next"))
        )


def safe_next(address: str | None) -> str:
    """A path of this site, or home: never another site."""
    address = address or "/"
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_ours and not any(c < " " or c == "\\" for c in address) else "/"


def _enter(ctx: Context) -> Response:
    typed, company = ctx.form.get("username", ""), ctx.form.get("company", "").strip()
    counted = door.counters(typed)
    if guard.has_failures(counted, ctx.now):
        challenge.check(ctx.form.get("challenge", ""), ctx.form.get("answer", ""), ctx.now)
    person = door.authenticate(typed, ctx.form.get("password", ""), now=ctx.now)
    if person is None:
        raise door.wrong()
    tenant_id = door.choose(door.tenancies_of(person.id), company)
    sessions.open_session(person.id, person.session_stamp, tenant_id, ctx.now)
    response = _redirect(safe_next(ctx.form.get("next")))
    if company:
        response.set_cookie(
            COMPANY_COOKIE,
            company[:13],
            max_age=YEAR,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
        )
    return response


def _redirect(path: str) -> Response:
    return Response(status=303, headers={"Location": path})


def _check_new_password(ctx: Context) -> None:
    passwords.check_policy(ctx.form.get("password", ""), again=ctx.form.get("again", ""))


def _set_password(ctx: Context, link: OneTimeLink) -> Response:
    _check_new_password(ctx)
    person = links.person_of(ctx.session, link)
    stamp = passwords.change_password(
        ctx.session, person.id, ctx.form.get("password", ""), now=ctx.now
    )
    person.email_verified_at = person.email_verified_at or ctx.now
    guard.forgive([], wipe=[door.counters(person.username)[0], door.counters(person.email)[0]])
    tenant_id = door.choose(door.tenancies_of(person.id), "")
    sessions.open_session(person.id, stamp, tenant_id, ctx.now)
    ctx.flash(_("Your password is set. Other open sessions were closed."))
    return ctx.go("core.home.index")


PAGES = (DoorPages, CompanyChoicePages)
