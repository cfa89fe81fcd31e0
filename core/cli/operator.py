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
    """Set the installation up."""


@operator.command()
@click.option("--ruc", required=True, help="RUC of the operating company.")
@click.option("--name", required=True, help="Its registered name.")
@click.option(
    "--identification", required=True, help="Cédula, RUC or passport of the first person."
)
@click.option("--first-name", required=True)
@click.option("--last-name", required=True)
@click.option("--email", required=True)
@click.pass_obj
def create(settings: Settings, *, ruc: str, name: str, **person: str) -> None:
    """Create the operator's company and its first person; print the link that sets the password."""
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
