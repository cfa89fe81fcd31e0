"""``yupana db …``: the schema, for whoever looks after an installation."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import make_url

import core.models
from core import plugins
from core.adapters.embedded_postgres import EmbeddedPostgres, opened
from core.db import migrate
from core.db.components import Component, components
from core.db.roles import statements
from core.errors import SetupError
from core.i18n import _
from core.settings import Settings

assert core.models  # the tables of core belong to the metadata


def parts() -> list[Component]:
    """The components of the loaded plugins, core first."""
    return components(plugins.host().plugins)


def part(name: str) -> Component:
    """One component by name. Raises ``SetupError``."""
    for one in parts():
        if one.name == name:
            return one
    known = ", ".join(one.name for one in parts())
    raise SetupError(
        _("There is no component %(name)s here: choose one of %(known)s.", name=name, known=known)
    )


@contextmanager
def addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    """(owner address, run-time address) as set, or those of the embedded server of the home folder."""
    runtime_url = settings.database_url.get_secret_value()
    owner_url = settings.database_owner_url.get_secret_value()
    if runtime_url:
        if not owner_url:
            raise SetupError(
                _(
                    "DATABASE_URL is set and DATABASE_OWNER_URL is not: yupana db needs the owner's login."
                )
            )
        yield owner_url, runtime_url
        return
    with opened(settings.home) as server:
        yield server.owner_url, server.runtime_url


def upgrade_schema(owner_url: str, runtime_url: str) -> None:
    """Bring every component to its head; say each step on the console."""
    role = make_url(runtime_url).username or ""
    migrate.upgrade(owner_url, role, parts(), on_step=click.echo)


@click.group()
def db() -> None:
    """Cuida la base de datos: esquema, usuarios y complementos."""


@db.command()
@click.option("--plugin", "name", help="Solo esta parte: core o un complemento.")
@click.pass_obj
def upgrade(settings: Settings, name: str | None) -> None:
    """Lleva el esquema a la versión del programa instalado."""
    with addresses(settings) as (owner_url, runtime_url):
        wanted = parts() if name is None else [part(name)]
        role = make_url(runtime_url).username or ""
        migrate.upgrade(owner_url, role, wanted, on_step=click.echo)
        from core.services.after_upgrade import after_upgrade

        after_upgrade(owner_url)
    click.echo(_("The database is up to date."))


@db.command()
@click.pass_obj
def check(settings: Settings) -> None:
    """Compara los modelos con el esquema. Termina con 1 si difieren."""
    with addresses(settings) as (owner_url, _runtime):
        wrong = migrate.check(owner_url, parts())
    for sentence in wrong:
        click.echo(sentence)
    if wrong:
        raise click.exceptions.Exit(1)
    click.echo(_("Models and database agree."))


@db.command()
@click.option(
    "--plugin",
    "name",
    default="core",
    show_default=True,
    help="La parte que cambió: core o un complemento.",
)
@click.option("-m", "--message", required=True, help="Qué cambia, en pocas palabras.")
def revision(name: str, message: str) -> None:
    """Escribe una migración con lo que cambió en los modelos.

    Trabaja en un servidor desechable, diga lo que diga DATABASE_URL.
    """
    with tempfile.TemporaryDirectory(prefix="yupana-revision-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder), durable=False) as server:
            target = part(name)
            ready = [one for one in parts() if one.name in ("core", name) and migrate.head_of(one)]
            if ready:
                migrate.upgrade(server.owner_url, "yupana_app", ready)
            click.echo(str(migrate.revise(server.owner_url, target, message)))


@db.command()
@click.option("--plugin", "name", required=True, help="El complemento cuyas tablas se borran.")
@click.option("--yes", is_flag=True, help="No pregunta.")
@click.pass_obj
def uninstall(settings: Settings, name: str, *, yes: bool) -> None:
    """Borra las tablas de un complemento con todo lo que contienen."""
    target = part(name)
    if not yes:
        click.confirm(_("Remove all tables and data of %(name)s?", name=name), abort=True)
    with addresses(settings) as (owner_url, _runtime):
        migrate.uninstall(owner_url, target)
    click.echo(_("The tables of %(name)s are gone.", name=name))


@db.command()
@click.option("--sql", "as_sql", is_flag=True, help="Muestra las sentencias SQL (lo hace siempre).")
@click.option(
    "--owner", default="yupana_owner", show_default=True, help="Usuario dueño del esquema."
)
@click.option(
    "--runtime",
    default="yupana_app",
    show_default=True,
    help="Usuario con el que trabaja el programa.",
)
@click.option("--database", default="yupana", show_default=True, help="Nombre de la base de datos.")
@click.option(
    "--server", "major", default=18, show_default=True, help="Versión mayor de PostgreSQL."
)
def roles(*, as_sql: bool, owner: str, runtime: str, database: str, major: int) -> None:
    """Muestra el SQL que se ejecuta una vez en un servidor propio."""
    passwords = {owner: "CHANGE-THIS-ONE", runtime: "AND-THIS-ONE"}
    for statement in statements(
        owner=owner,
        runtime=runtime,
        database=database,
        passwords=passwords,
        server_version=major * 10000,
    ):
        click.echo(statement + ";")
