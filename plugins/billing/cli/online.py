"""The run and the sweep on the command line: ``yupana billing run`` and ``sweep``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import click
from sqlalchemy import select

from core import runtime, settings
from core.adapters.clock import to_local_date
from core.cli.at_work import at_work
from core.db.session import tenant_work, unit_of_work
from core.errors import DomainError, SetupError
from core.i18n import _
from core.models import Tenant
from plugins.billing.cli.reading import one_sentence, read_date
from plugins.billing.cli.run_words import print_run, read_comparison, run_json
from plugins.billing.services.run_billing import rehearse, run_billing
from plugins.billing.services.sweep_day import sweep_day


def tenant_by(tax_id: str | None) -> UUID:
    """The company of a RUC; without one the operator's. Raises ``DomainError``."""
    with unit_of_work() as session:
        wanted = Tenant.tax_id == tax_id if tax_id else Tenant.kind == "operator"
        found = session.scalar(select(Tenant.id).where(wanted))
    if found is None:
        raise DomainError(
            _("There is no company with the RUC %(ruc)s; see --company.", ruc=tax_id)
            if tax_id
            else _("There is no operator's company yet; name another with --company RUC."),
            code="billing.no_company",
            field="company",
        )
    return found


@click.command("run")
@click.option("--on", help="Qué corrida: el día, AAAA-MM-DD. Sin él, hoy.")
@click.option("--dry-run", is_flag=True, help="Solo muestra lo que haría.")
@click.option("--company", help="RUC de la empresa que emite. Sin él, el operador.")
@click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")
@click.pass_context
@one_sentence
def run_command(
    context: click.Context, *, on: str | None, dry_run: bool, company: str | None, as_json: bool
) -> None:
    """Emite lo que toca hasta un día. Repetirla no emite nada dos veces."""
    wanted = None if on is None else read_date(on, "--on")
    with _working(context):
        now = runtime.clock().now()
        day = wanted or to_local_date(now)
        tenant = tenant_by(company)
        against = None
        if dry_run:
            with tenant_work(tenant) as session:
                result, _shown = rehearse(session, on=day, now=now)
        else:
            with _bar(as_json) as progress:
                result = run_billing(tenant, on=day, now=now, progress=progress)
            against = read_comparison(tenant, result.run_id)
    if as_json:
        found = run_json(result) | ({} if dry_run else {"against_last_month": against})
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        print_run(result, against)
    if result.failures:
        raise click.exceptions.Exit(1)


@click.command("sweep")
@click.option("--on", help="El día, AAAA-MM-DD. Sin él, hoy.")
@click.option("--dry-run", is_flag=True, help="Solo cuenta lo que haría.")
@click.option("--company", help="RUC de la empresa. Sin él, el operador.")
@click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")
@click.pass_context
@one_sentence
def sweep_command(
    context: click.Context, *, on: str | None, dry_run: bool, company: str | None, as_json: bool
) -> None:
    """Registra suspensiones, vencimientos y recordatorios de un día."""
    wanted = None if on is None else read_date(on, "--on")
    with _working(context):
        now = runtime.clock().now()
        day = wanted or to_local_date(now)
        done = sweep_day(tenant_by(company), on=day, now=now, is_rehearsal=dry_run)
    found = {
        "on": done.on.isoformat(),
        "dry_run": dry_run,
        "reminders": done.reminders,
        "suspended": done.suspended,
        "ended": done.ended,
    }
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo(
            _(
                "Sweep of %(day)s: %(reminders)s reminders, %(suspended)s suspended, %(ended)s ended.",
                day=f"{done.on:%d/%m/%Y}",
                reminders=done.reminders,
                suspended=done.suspended,
                ended=done.ended,
            )
        )


@contextmanager
def _working(context: click.Context) -> Iterator[None]:
    """The installation open; where a process already works (tests, serve), that one."""
    try:
        runtime.current()
    except SetupError:
        with at_work(context.obj or settings.current()):
            yield
    else:
        yield


@contextmanager
def _bar(as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, a line for each tenth elsewhere (on stderr); nothing beside JSON."""
    if as_json and not sys.stderr.isatty():
        yield lambda done, expected: None  # noqa: ARG005
        return
    shown = {"tenth": 0, "done": 0}
    if sys.stderr.isatty():
        with click.progressbar(length=1, file=sys.stderr, label="") as bar:

            def move(done: int, expected: int) -> None:
                bar.length = max(expected, 1)
                bar.update(done - shown["done"])
                shown["done"] = done

            yield move
        return

    def tell(done: int, expected: int) -> None:
        tenth = done * 10 // max(expected, 1)
        if tenth > shown["tenth"]:
            shown["tenth"] = tenth
            click.echo(f"{done}/{expected}", err=True)

    yield tell
