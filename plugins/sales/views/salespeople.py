"""Salespeople and their PINs: the owner sets one, or sends a one-time link."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from sqlalchemy import select, update

from core import settings as installation
from core.db.session import tenant_work
from core.errors import DomainError, NotFound
from core.i18n import _
from core.web.context import Context
from core.web.views import Pages, command, form, page
from plugins.sales.models import Salesperson
from plugins.sales.services.check_pins import (
    create_salesperson,
    make_pin_link,
    open_pin_link,
    set_pin,
)


class SalespersonPages(Pages):
    """Who may sell on the shared screen."""

    route_base = "/sales/salespeople"
    permission = "sales.salesperson"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """Everybody, with the state of the PIN."""
        rows = ctx.session.scalars(
            select(Salesperson).order_by(Salesperson.is_active.desc(), Salesperson.name)
        ).all()
        return ctx.render("sales/salespeople.html", rows=rows)

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Add a salesperson."""
        if ctx.submitted:
            made = create_salesperson(
                ctx.session, name=ctx.form.get("name", ""), email=ctx.form.get("email", "")
            )
            return ctx.go("sales.salesperson.show", salesperson_id=made)
        return ctx.render("sales/salesperson_form.html")

    @form("/<uuid:salesperson_id>", action="write")
    def show(self, ctx: Context, salesperson_id: UUID) -> Any:
        """Set the PIN, or make the one-time link."""
        person = _person(ctx, salesperson_id)
        link = ""
        if ctx.submitted:
            if ctx.form.get("do") == "link":
                token = make_pin_link(ctx.session, salesperson_id, now=ctx.now)
                link = installation.current().address + url_for(
                    "sales.pin.choose",
                    tenant_id=ctx.tenant_id,
                    salesperson_id=salesperson_id,
                    token=token,
                )
            else:
                _same_twice(ctx)
                set_pin(ctx.session, salesperson_id, ctx.form.get("pin", ""), now=ctx.now)
                ctx.flash(_("The PIN is set."))
                return ctx.go("sales.salesperson.index")
        return ctx.render("sales/salesperson.html", person=person, link=link)

    @command("/<uuid:salesperson_id>/active", action="write")
    def active(self, ctx: Context, salesperson_id: UUID) -> Any:
        """Let somebody sell, or no longer."""
        person = _person(ctx, salesperson_id)
        ctx.session.execute(
            update(Salesperson)
            .where(Salesperson.id == salesperson_id)
            .values(is_active=not person.is_active)
        )
        return ctx.go("sales.salesperson.index")


class PinPages(Pages):
    """Where a salesperson sets the own PIN, by a link that works once and for 48 hours."""

    route_base = "/sales/pin"
    blueprint = "sales.pin"
    public = True

    @form("/<uuid:tenant_id>/<uuid:salesperson_id>/<token>", action="set")
    def choose(self, ctx: Context, tenant_id: UUID, salesperson_id: UUID, token: str) -> Any:
        """Choose a PIN; afterwards the link is void."""
        with tenant_work(tenant_id) as session:
            name = open_pin_link(session, salesperson_id, token, now=ctx.now)
            if ctx.submitted:
                _same_twice(ctx)
                set_pin(session, salesperson_id, ctx.form.get("pin", ""), now=ctx.now)
                return ctx.render("sales/pin_done.html", name=name)
        return ctx.render("sales/pin.html", name=name)


def _person(ctx: Context, salesperson_id: UUID) -> Salesperson:
    person = ctx.session.get(Salesperson, salesperson_id)
    if person is None:
        raise NotFound
    return person


def _same_twice(ctx: Context) -> None:
    if ctx.form.get("pin", "") != ctx.form.get("again", ""):
        raise DomainError(
            _("The two PINs differ. Write the same PIN twice."), code="pins_differ", field="again"
        )
