"""``yupana operator …``: the company that runs this installation."""

from __future__ import annotations

import click

from core.cli.at_work import at_work
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.i18n import _
from core.services import companies, people
from core.settings import Settings


@click.group()
def operator() -> None:
    """Prepara la instalación: la empresa que la opera."""


@operator.command()
@click.option("--ruc", required=True, help="RUC de la empresa operadora.")
@click.option("--name", required=True, help="Razón social de la empresa.")
@click.option(
    "--identification", required=True, help="Cédula, RUC o pasaporte de la primera persona."
)
@click.option("--first-name", required=True, help="Nombres de esa persona.")
@click.option("--last-name", required=True, help="Apellidos de esa persona.")
@click.option("--email", required=True, help="Correo de esa persona.")
@click.pass_obj
def create(settings: Settings, *, ruc: str, name: str, **person: str) -> None:
    """Crea la empresa operadora y su primera persona.

    Muestra el enlace y el código con los que esa persona fija su contraseña.
    """
    with at_work(settings) as runtime:
        now = runtime.clock.now()
        tenant = companies.create_tenant(tax_id=ruc, name=name, kind="operator", now=now)
        with unit_of_work(Scope(tenant_id=tenant)) as session:
            user_id = people.create_person(
                session,
                identification=person["identification"],
                first_name=person["first_name"],
                last_name=person["last_name"],
                email=person["email"],
                now=now,
            )
            people.add_member(session, user_id, "operator")
            invitation = people.invite(session, user_id, now=now)
    click.echo(_("The operator is there. Open this address once, with the code:"))
    click.echo(f"{settings.address}/activate/{invitation.token}")
    click.echo(invitation.code)
