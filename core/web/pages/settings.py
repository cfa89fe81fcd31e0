"""The settings of the company, generated from what the plugins declare."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import current_app

from core.contracts.hooks import SettingSpec
from core.i18n import gettext as _
from core.services import settings
from core.web.access import is_entitled
from core.web.context import Context
from core.web.typed import read_money
from core.web.views import Pages, form


class SettingsPages(Pages):
    """One page with all settings, by plugin."""

    permission = "core.settings"
    route_base = "/company/settings"

    @form("/", action="write")
    def index(self, ctx: Context) -> Any:
        """Show all; save those that changed."""
        groups = visible(ctx)
        specs = [one for _name, listed in groups for one in listed]
        values = settings.read_many(ctx.session, [one.key for one in specs])
        if not ctx.submitted:
            return ctx.render("core/settings.html", groups=groups, values=values)
        changed = 0
        for one in specs:
            typed = ctx.form.get(one.key, "" if one.type is bool else None)
            if typed is None or is_structure(one) or typed.strip() == shown(one, values[one.key]):
                continue
            value = read_value(one, typed)
            if value == values[one.key]:
                continue
            settings.write(ctx.session, one.key, value)
            changed += 1
        ctx.flash(_("Saved.") if changed else _("Nothing changed."))
        return ctx.go("core.settings.index")


def visible(ctx: Context) -> list[tuple[Any, list[SettingSpec]]]:
    """(plugin's label, its settings) for the plugins the company may use."""
    host = current_app.extensions["yupana"].host
    groups = []
    for plugin in host.plugins:
        listed = [
            one
            for key, one in sorted(host.settings.items())
            if key.startswith(f"{plugin.name}.") and not is_structure(one)
        ]
        if listed and is_entitled(ctx.tenant_id, plugin.name):
            groups.append((plugin.info.label, listed))
    return groups


def is_structure(one: SettingSpec) -> bool:
    """Lists and tables have pages of their own."""
    return one.type in (list, tuple, dict)


def read_value(one: SettingSpec, typed: str) -> Any:
    """What was typed; amounts (USD) as anywhere else: ``20,50`` and ``20.5``."""
    return read_money(typed, one.key) if one.type is Decimal else typed.strip()


def shown(one: SettingSpec, value: Any) -> str:
    """A value as its form field holds it."""
    if one.type is bool:
        return "1" if value else ""
    if one.type is Decimal and value is not None:
        return str(value).replace(".", ",")
    return "" if value is None else str(value)


PAGES = (SettingsPages,)
