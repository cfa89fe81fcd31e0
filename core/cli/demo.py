"""``yupana demo``: the whole product with made-up people, in one command; and its check."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click

from core import plugins, processes, runtime
from core.adapters.clock import SharedClock, at_local
from core.cli.serve import whole_installation
from core.db.session import Database, bind
from core.demo import cast, seed
from core.errors import SetupError
from core.i18n import _
from core.settings import Settings, use

OFFICE_HOUR = 8  # a demo put to a day begins at eight in the morning


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="Carpeta de la demostración.")
@click.option("--port", type=int, help="Puerto de las páginas web.")
@click.option("--on", "day", help="Día en que empieza, AAAA-MM-DD; el reloj sigue desde ahí.")
@click.option(
    "--check", "is_check", is_flag=True, help="Comprueba el recorrido entero, sin nadie delante."
)
@click.option("--json", "as_json", is_flag=True, help="Con --check: el resultado en JSON.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    help="Con --check: carpeta donde guarda sus archivos.",
)
@click.pass_obj
def demo(
    settings: Settings,
    *,
    home: Path | None,
    port: int | None,
    day: str | None,
    is_check: bool,
    as_json: bool,
    keep: Path | None,
) -> None:
    """Arranca una demostración y muestra cómo entra cada persona."""
    on = _day(day)
    if is_check:
        _check(settings, on or date(2026, 4, 25), keep, as_json=as_json)
        return
    chosen = {"home": home, "port": port}
    settings = use(
        settings.model_copy(
            update={k: v for k, v in chosen.items() if v is not None} | _free_ports(settings)
        )
    )
    processes.require_free_port(settings.host, settings.port)
    settings.home.mkdir(parents=True, exist_ok=True)
    if on is not None:
        SharedClock(settings.clock_file).set(at_local(on, OFFICE_HOUR))
    offered = [one.name for answer in plugins.call("background_processes") for one in answer]
    with whole_installation(
        settings,
        offered,
        beside=[("mailbox", _mailbox(settings))],
        prepare=lambda url: _prepare(settings, url),
    ) as group:
        for line in _way_in(settings):
            click.echo(line)
        group.watch()


def _check(settings: Settings, on: date, keep: Path | None, *, as_json: bool) -> None:
    from core.demo import check

    folder = keep or Path(tempfile.mkdtemp(prefix="yupana-check-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    try:
        result = check.run_check(
            settings,
            folder,
            day=on.isoformat(),
            tell=lambda line: click.echo(line, err=as_json),
        )
    finally:
        shutil.rmtree(folder / "home", ignore_errors=True)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
    elif result["documents"]:
        click.echo(
            _("Documents as the receiver downloaded them: %(place)s", place=folder / "downloads")
        )
    if not result["ok"]:
        click.echo(
            _("The demo check failed at: %(step)s", step=result["steps"][-1]["name"]), err=True
        )
        raise click.exceptions.Exit(1)


def _mailbox(settings: Settings) -> tuple[str, ...]:
    ports = (str(settings.mailbox_smtp_port), str(settings.mailbox_port))
    return ("-m", "core.demo.mailbox", str((settings.home / "mail").resolve()), *ports)


def _prepare(settings: Settings, url: str) -> None:
    """Seed an empty installation."""
    database = Database(url)
    bind(database)
    runtime.use(runtime.assemble(settings))
    try:
        if not seed.is_seeded():
            seed.seed(settings, runtime.clock())
    finally:
        runtime.use(None)
        bind(None)
        database.dispose()


def _free_ports(settings: Settings) -> dict[str, object]:
    """The demo's settings: its mailbox takes the mail; ports that are taken give way to free ones."""
    ports: dict[str, int] = {}
    for name in ("mailbox_port", "mailbox_smtp_port", "sri_simulator_port"):
        ports[name] = getattr(settings, name)
        try:
            processes.require_free_port("127.0.0.1", ports[name])
        except SetupError:
            ports[name] = processes.free_port()
    smtp = f"smtp://127.0.0.1:{ports['mailbox_smtp_port']}"
    sealed = type(settings.smtp_url)(smtp)
    return {**ports, "smtp_url": sealed, "demo": True, "mail_from": "facturas@yupana.example"}


def _way_in(settings: Settings) -> Iterator[str]:
    yield ""
    yield _("Yupana's demo: %(address)s", address=settings.address)
    yield _("Mailbox:       %(address)s", address=f"http://127.0.0.1:{settings.mailbox_port}")
    yield _("Password of everybody: %(password)s (a demo: never do this)", password=cast.PASSWORD)
    yield _("PIN of every salesperson: %(pin)s", pin=cast.PIN)
    names = {company.key: company for company in cast.COMPANIES}
    for player in cast.PEOPLE:
        for key, role in player.roles:
            company = names[key]
            yield f"  {role:<12} {player.identification}  {company.tax_id}  {player.first_name} {player.last_name}, {company.name}"
    yield ""


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise SetupError(_("%(text)s is not a day: write it as 2026-04-25.", text=text)) from None
