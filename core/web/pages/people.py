"""Members, API keys and the audit of the company."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from core.errors import DomainError
from core.i18n import gettext as _
from core.i18n import lazy
from core.models import AuditEntry
from core.security import api_keys, members
from core.security.models import Person
from core.web.context import Context
from core.web.paging import page_by_key
from core.web.shell import ROLE_WORDS
from core.web.views import Pages, command, form, page

DEEDS = {
    "acting_for": lazy("Worked in the name of the company"),
    "api_key.create": lazy("Created a key for other programs"),
    "api_key.revoke": lazy("Revoked a key for other programs"),
    "branch.add": lazy("Added an establishment"),
    "branch.edit": lazy("Edited an establishment"),
    "company.edit": lazy("Edited the data of the company"),
    "company.regime": lazy("Recorded a tax regime"),
    "company.regime.confirm": lazy("Confirmed the tax regime"),
    "holiday.add": lazy("Added a holiday"),
    "holiday.remove": lazy("Removed a holiday"),
    "issue_point.add": lazy("Added an emission point"),
    "issue_point.open": lazy("Opened or closed an emission point"),
    "member.activate": lazy("Let a person go or took a person back"),
    "member.add": lazy("Added a person"),
    "person.rename": lazy("Changed the own user"),
    "member.invite": lazy("Invited a person"),
    "member.role": lazy("Changed the role of a person"),
    "secret.put": lazy("Stored a secret, encrypted"),
    "secret.wipe": lazy("Destroyed a secret"),
    "setting.write": lazy("Changed a setting"),
    "tax_rate.add": lazy("Added a tax rate"),
}


class MemberPages(Pages):
    """Who belongs to the company."""

    permission = "core.members"
    route_base = "/company/members"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """Everybody with role and state."""
        return ctx.render(
            "core/members.html", rows=members.list_members(ctx.session), roles=roles(ctx)
        )

    @form("/new", action="write")
    def invite(self, ctx: Context) -> Any:
        """Invite by e-mail; the short code is shown once, to be told by another channel."""
        if not ctx.submitted:
            return ctx.render("core/member_new.html", roles=roles(ctx))
        code = members.invite_member(
            ctx.session,
            kind=kind(ctx),
            identification=ctx.form.get("identification", ""),
            first_name=ctx.form.get("first_name", ""),
            last_name=ctx.form.get("last_name", ""),
            email=ctx.form.get("email", ""),
            role=ctx.form.get("role", ""),
            now=ctx.now,
        )
        return ctx.render("core/member_code.html", code=code, email=ctx.form.get("email", ""))

    @command("/<uuid:member_id>/again", action="write")
    def invite_again(self, ctx: Context, member_id: UUID) -> Any:
        """Mail a fresh activation link."""
        code = members.invite_again(ctx.session, member_id, now=ctx.now)
        return ctx.render("core/member_code.html", code=code, email="")

    @command("/<uuid:member_id>/role", action="write")
    def change_role(self, ctx: Context, member_id: UUID) -> Any:
        """Another role."""
        members.change_role(ctx.session, member_id, ctx.form.get("role", ""), kind=kind(ctx))
        ctx.flash(_("Saved."))
        return ctx.go("core.members.index")

    @command("/<uuid:member_id>/active", action="write")
    def set_active(self, ctx: Context, member_id: UUID) -> Any:
        """Let go, or take back."""
        members.set_active(
            ctx.session, member_id, is_active=ctx.form.get("active") == "1", kind=kind(ctx)
        )
        ctx.flash(_("Saved."))
        return ctx.go("core.members.index")


class ApiKeyPages(Pages):
    """Keys for other software."""

    permission = "core.api_keys"
    route_base = "/company/keys"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """Keys with their last use."""
        keys = api_keys.list_keys(ctx.session)
        names = dict(
            ctx.session.execute(
                select(Person.id, Person.username).where(
                    Person.id.in_({one.user_id for one in keys})
                )
            ).all()
        )
        return ctx.render("core/keys.html", keys=keys, names=names, now=ctx.now)

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Make a key; its text is shown once."""
        if not ctx.submitted:
            return ctx.render("core/key_new.html")
        days = ctx.form.get("days", "").strip()
        if days and not (days.isascii() and days.isdigit() and len(days) < 6):
            raise DomainError(_("A key lasts from 1 to 3650 days."), code="key.days", field="days")
        shown = api_keys.create_key(
            ctx.session,
            user_id=ctx.user_id,
            name=ctx.form.get("name", ""),
            days=int(days) if days else None,
            allowed=(),
            now=ctx.now,
        )
        return ctx.render("core/key_shown.html", shown=shown)

    @command("/<uuid:key_id>/revoke", action="write")
    def revoke(self, ctx: Context, key_id: UUID) -> Any:
        """End a key at once."""
        api_keys.revoke_key(ctx.session, key_id, now=ctx.now)
        ctx.flash(_("The key no longer works."))
        return ctx.go("core.api_keys.index")


class AuditPages(Pages):
    """Who did what and why."""

    permission = "core.audit"
    route_base = "/company/audit"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """Newest first."""
        listed = page_by_key(
            ctx.session,
            select(AuditEntry),
            [AuditEntry.created_at.desc(), AuditEntry.id.desc()],
            after=ctx.args.get("after"),
        )
        ids = {one.user_id for one in listed.rows if one.user_id is not None}
        people = {
            key: f"{first} {last}"
            for key, first, last in ctx.session.execute(
                select(Person.id, Person.first_name, Person.last_name).where(Person.id.in_(ids))
            )
        }
        return ctx.render(
            "core/audit.html", listed=listed, people=people, deeds=deeds(), notes=notes()
        )


def deeds() -> dict[str, Any]:
    """What the actions of the audit read as, core's and every plugin's."""
    found: dict[str, Any] = dict(DEEDS)
    for plugin in current_app.extensions["yupana"].host.plugins:
        found |= plugin.info.deeds
    return found


def notes() -> dict[str, Any]:
    """What the codes noted in the audit read as: roles and settings."""
    titles = {key: one.help for key, one in current_app.extensions["yupana"].host.settings.items()}
    return titles | ROLE_WORDS


def kind(ctx: Context) -> str:
    """What kind of company is active: operator, distributor or company."""
    assert ctx.identity is not None
    assert ctx.identity.tenancy is not None
    return ctx.identity.tenancy.kind


def roles(ctx: Context) -> tuple[str, ...]:
    """The roles that exist in this kind of company."""
    return members.ROLES_OF_KIND[kind(ctx)]


PAGES = (MemberPages, ApiKeyPages, AuditPages)
