"""``yupana plugins …``: what is installed, what is loaded, what failed."""

from __future__ import annotations

import click
from sqlalchemy import select

from core import plugins
from core.cli.at_work import at_work
from core.db.events import catch_up
from core.db.session import unit_of_work
from core.errors import SetupError
from core.i18n import _
from core.models import Tenant
from core.settings import Settings


@click.group("plugins")
def plugins_group() -> None:
    """Muestra los complementos instalados."""


@plugins_group.command("list")
def list_plugins() -> None:
    """Nombra cada complemento con su estado y, si falló, el motivo."""
    for plugin in plugins.host().installed:
        if plugin.problem:
            state = _("failed: %(why)s", why=plugin.problem)
        elif plugin.is_enabled:
            state = _("loaded")
        else:
            state = _("not enabled")
        click.echo(f"{plugin.name:<18} {plugin.origin:<18} {state}")


@plugins_group.command("catch-up")
@click.argument("name", metavar="COMPLEMENTO")
@click.pass_obj
def catch_up_events(settings: Settings, name: str) -> None:
    """Entrega a un complemento nuevo los eventos que le faltan.

    Son los de los últimos 90 días que todavía no ha atendido.
    """
    if name not in plugins.host():
        raise SetupError(
            _("The plugin %(name)s is not loaded: see yupana plugins list.", name=name)
        )
    with at_work(settings):
        with unit_of_work() as session:
            tenants = list(session.scalars(select(Tenant.id)))
        count = sum(catch_up(tenant, name) for tenant in tenants)
    click.echo(_("%(count)d events are on their way to %(name)s.", count=count, name=name))
