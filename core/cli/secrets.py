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
    """Cuida la clave maestra."""


@secrets.command()
@click.option(
    "--leaked",
    is_flag=True,
    help="Desconfía de lo que firmó una clave anterior: todos vuelven a entrar y los enlaces de los correos terminan.",
)
@click.pass_obj
def rotate(settings: Settings, *, leaked: bool) -> None:
    """Cambia la clave maestra y cifra de nuevo cada secreto.

    Después reinicie los demás procesos. Las sesiones y los enlaces siguen valiendo. Si se interrumpe,
    la siguiente vez la termina.

    Con YUPANA_MASTER_KEY, escriba antes en ella NUEVA,ANTERIOR: cada secreto se cifra con la primera.
    Quite ANTERIOR cuando los enlaces que firmó hayan terminado (60 días).
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
