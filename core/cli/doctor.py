"""``yupana doctor``: is this installation well? One line a check, with the remedy."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator

import click
from sqlalchemy import text

from core import jobs, plugins
from core.cli.at_work import at_work
from core.db.session import unit_of_work
from core.errors import SetupError
from core.i18n import _
from core.settings import Settings


@click.command()
@click.pass_obj
def doctor(settings: Settings) -> None:
    """Revisa la instalación y dice qué remediar. Termina con 1 si hay algo."""
    sick = 0
    for sentence in _findings(settings):
        click.echo(f"✗ {sentence}")
        sick += 1
    if sick:
        raise click.exceptions.Exit(1)
    click.echo(_("✓ All is well."))


def _findings(settings: Settings) -> Iterator[str]:
    for plugin in plugins.host().problems:
        yield _("The plugin %(name)s is left out: %(why)s", name=plugin.name, why=plugin.problem)
    try:
        with at_work(settings):
            checks: list[Callable[[], str | None]] = [
                lambda: _master_key(settings),
                lambda: _mail(settings),
                _failed_jobs,
                *(check for answer in plugins.call("doctor_checks") for check in answer),
            ]
            yield from filter(None, (check() for check in checks))
    except SetupError as error:
        yield str(error)


def _master_key(settings: Settings) -> str | None:
    file = settings.home / "master.key"
    if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        return _("Others can read the master key: chmod 600 %(file)s", file=file)
    return None


def _mail(settings: Settings) -> str | None:
    if not settings.smtp_url.get_secret_value():
        return _("No mail leaves: set YUPANA_SMTP_URL.")
    return None


def _failed_jobs() -> str | None:
    with unit_of_work() as session:
        count = session.scalar(
            text(f"SELECT count(*) FROM {jobs.SCHEMA}.procrastinate_jobs WHERE status = 'failed'")  # noqa: S608
        )
    if count:
        return _("%(count)d jobs failed for good: see the log of the workers.", count=count)
    return None
