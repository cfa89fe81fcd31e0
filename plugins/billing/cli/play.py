"""``yupana billing play``: a month of billing in a minute, in a demo and nowhere else."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
from sqlalchemy import select

from core import settings
from core.adapters.clock import SharedClock, to_local_date
from core.cli.at_work import at_work
from core.db.session import unit_of_work
from core.demo import cast
from core.demo.clock import put_forward
from core.errors import DomainError
from core.i18n import _, lazy
from core.models import Tenant
from plugins.billing import jobs
from plugins.billing.cli.reading import one_sentence, read_count
from plugins.billing.services.play_days import Played, play

LABELS = {
    "run": lazy("the run of the 25th"),
    "due": lazy("the due date"),
    "suspension": lazy("suspension of what is not paid"),
    "end": lazy("the end of the month that was invoiced"),
}


@click.command("play")
@click.option(
    "--home", type=click.Path(path_type=Path), help="Carpeta de la demostración en marcha."
)
@click.option("--pause", default="15", show_default=True, help="Segundos entre un día y otro.")
@click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")
@click.pass_context
@one_sentence
def play_command(context: click.Context, *, home: Path | None, pause: str, as_json: bool) -> None:
    """Recorre un mes de una demostración en un minuto.

    Adelanta el reloj al 25, al 5, al 6 y al vencimiento.
    """
    seconds = read_count(pause, "--pause")
    given = context.obj or settings.current()
    if home is not None:
        given = given.model_copy(update={"home": home})
    clock = SharedClock(given.clock_file)
    with at_work(given):
        check_demo()
        told = []
        for number, day in enumerate(play(to_local_date(clock.now()), partial(put_forward, clock))):
            jobs.mail_all({}, clock.now())
            told.append(_shown(day))
            if not as_json:
                click.echo(_line(day))
            if number < len(LABELS) - 1:
                time.sleep(max(0, seconds))
    if as_json:
        click.echo(json.dumps({"days": told}))


def check_demo() -> None:
    """Raise ``DomainError`` where the companies are real: nobody's clock is moved there."""
    with unit_of_work() as session:
        operator = session.scalar(select(Tenant.tax_id).where(Tenant.kind == "operator"))
    if operator not in {one.tax_id for one in cast.COMPANIES}:
        raise DomainError(
            _("Only the clock of a demo can be played; start one with yupana demo."),
            code="billing.no_demo",
            field="home",
        )


def _shown(day: Played) -> dict[str, object]:
    return asdict(day) | {"on": day.on.isoformat()}


def _line(day: Played) -> str:
    return _(
        "%(day)s, %(what)s: %(invoices)s invoices, %(suspended)s suspended, %(ended)s ended,"
        " %(notices)s mails.",
        day=f"{day.on:%d/%m/%Y}",
        what=LABELS[day.kind],
        invoices=day.invoices,
        suspended=day.suspended,
        ended=day.ended,
        notices=day.notices,
    )
