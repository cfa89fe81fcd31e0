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
    """See the installed plugins."""


@plugins_group.command("list")
def list_plugins() -> None:
    """Name every installed plugin with its state; a failed one with its reason."""
    for plugin in plugins.host().installed:
        if plugin.problem:
            state = _("failed: %(why)s", why=plugin.problem)
        elif plugin.is_enabled:
            state = _("loaded")
        else:
            state = _("not enabled")
        click.echo(f"{plugin.name:<18} {plugin.origin:<18} {state}")


@plugins_group.command("catch-up")
@click.argument("name")
@click.pass_obj
def catch_up_events(settings: Settings, name: str) -> None:
    """Hand a newly enabled plugin the events of the last 90 days that it has not handled."""
    if name not in plugins.host():
        raise SetupError(
            _("The plugin %(name)s is not loaded: see yupana plugins list.", name=name)
        )
    with at_work(settings):
        with unit_of_work() as session:
            tenants = list(session.scalars(select(Tenant.id)))
        count = sum(catch_up(tenant, name) for tenant in tenants)
    click.echo(_("%(count)d events are on their way to %(name)s.", count=count, name=name))
