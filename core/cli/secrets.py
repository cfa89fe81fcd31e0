"""``yupana secrets …``: the master key under which everything secret lies."""

from __future__ import annotations

import click
from sqlalchemy import select

from core.adapters import keyring
from core.cli.at_work import at_work
from core.db.session import tenant_work, unit_of_work
from core.i18n import _
from core.models import Tenant
from core.services.secrets import rewrap_all
from core.settings import Settings


@click.group()
def secrets() -> None:
    """Look after the master key."""


@secrets.command()
@click.option(
    "--leaked",
    is_flag=True,
    help="Believe nothing that a former key signed: people sign in again, links in mails end.",
)
@click.pass_obj
def rotate(settings: Settings, *, leaked: bool) -> None:
    """Replace the master key and wrap every secret anew; then restart the other processes.

    With YUPANA_MASTER_KEY, set it to NEW,OLD first: every secret is wrapped with the first of them;
    take OLD out when the links it signed have ended (60 days). Sessions and links stay good.
    An interrupted rotation is finished by the next one.
    """
    file, old = settings.home / "master.key", settings.home / "master.key.old"
    is_file = not settings.master_key.get_secret_value()
    with at_work(settings):
        if is_file and not old.exists():
            keyring.write_key(old, keyring.read_key(file))
            keyring.write_key(file, keyring.new_master_key())
        keys = keyring.open_keyring(settings)
        with unit_of_work() as session:
            tenants = list(session.scalars(select(Tenant.id)))
        count = 0
        for tenant in tenants:
            with tenant_work(tenant) as session:
                count += rewrap_all(session, keys)
        if is_file:
            keyring.keep_former(settings.home, keyring.read_key(old))
            old.unlink()
        if leaked:
            keyring.forget_former(settings.home)
    click.echo(
        _("%(count)d secrets lie under the new master key. Restart web and workers.", count=count)
    )
