"""``yupana serve``, ``worker`` and ``scheduler``: the processes of an installation."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from granian import Granian
from granian.constants import Interfaces
from pydantic import SecretStr

from core import plugins, processes
from core import scheduler as calendar_process
from core import worker as worker_process
from core.adapters.embedded_postgres import EmbeddedPostgres
from core.cli.at_work import at_work, database_url, hand_down
from core.cli.db import addresses, upgrade_schema
from core.db.components import components
from core.db.preflight import preflight
from core.errors import SetupError
from core.i18n import _
from core.services.after_upgrade import after_upgrade
from core.settings import Settings


@click.command()
@click.option(
    "--all", "everything", is_flag=True, help="Base de datos, web, trabajos y calendario juntos."
)
@click.option("--host", help="Dirección en la que escucha.")
@click.option("--port", type=int, help="Puerto en el que escucha.")
@click.option(
    "--with",
    "extra",
    multiple=True,
    help="Con --all: un proceso de fondo de un complemento; se puede repetir.",
)
@click.pass_obj
def serve(
    settings: Settings,
    host: str | None,
    port: int | None,
    extra: Sequence[str],
    *,
    everything: bool,
) -> None:
    """Sirve las páginas web. Con --all, toda la instalación, y actualiza el esquema."""
    chosen = {"host": host, "port": port}
    settings = settings.model_copy(update={k: v for k, v in chosen.items() if v is not None})
    processes.require_free_port(settings.host, settings.port)
    if everything:
        with whole_installation(settings, extra) as group:
            click.echo(_("Yupana is starting at %(address)s", address=settings.address))
            group.watch()
        return
    with database_url(settings) as url:
        preflight(url, components(plugins.host().plugins))
        hand_down(url)
        os.environ.update(environment(settings))
        _serve_web(settings)


@click.command()
@click.pass_obj
def worker(settings: Settings) -> None:
    """Toma trabajos y los hace. Puede haber varios, en cualquier máquina."""
    with at_work(settings), database_url(settings) as url:
        worker_process.run(url, settings)


@click.command()
@click.pass_obj
def scheduler(settings: Settings) -> None:
    """Lleva el calendario de tareas. De varios, uno dirige y los demás esperan."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with at_work(settings), database_url(settings) as url:
        calendar_process.run(url, settings, stop)


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the environment of a child of ours; the owner's login is not handed down."""
    named: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is None or name.startswith("database_"):
            continue
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if isinstance(value, tuple):
            value = ",".join(value)
        named[f"YUPANA_{name.upper()}"] = str(value.resolve() if isinstance(value, Path) else value)
    return named | {"DATABASE_OWNER_URL": ""}


@contextmanager
def whole_installation(
    settings: Settings,
    extra: Sequence[str] = (),
    *,
    beside: Sequence[tuple[str, tuple[str, ...]]] = (),
    prepare: Callable[[str], None] = lambda _url: None,
) -> Iterator[processes.ProcessGroup]:
    """Database (upgraded), web, worker, scheduler and the named background processes; stops them all.

    ``prepare`` is called with the run-time address before the first process starts; ``beside`` are
    further processes. SIGTERM and SIGINT make ``watch`` return.
    """
    with _upgraded_database(settings) as runtime_url:
        children = [
            ("web", ("serve", "--host", settings.host, "--port", str(settings.port))),
            ("worker", ("worker",)),
            ("scheduler", ("scheduler",)),
            *_background(extra),
            *beside,
        ]
        prepare(runtime_url)
        group = processes.ProcessGroup(
            children, environment(settings) | {"DATABASE_URL": runtime_url}
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: group.ask_to_stop())
        try:
            group.start()
            yield group
        finally:
            group.stop()


@contextmanager
def _upgraded_database(settings: Settings) -> Iterator[str]:
    if settings.database_url.get_secret_value():
        with addresses(settings) as (owner_url, runtime_url):
            upgrade_schema(owner_url, runtime_url)
            after_upgrade(owner_url)
            yield runtime_url
        return
    with EmbeddedPostgres(settings.home) as server:
        upgrade_schema(server.owner_url, server.runtime_url)
        after_upgrade(server.owner_url)
        yield server.runtime_url


def _background(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    offered = {one.name: one for answer in plugins.call("background_processes") for one in answer}
    for name in names:
        if name not in offered:
            known = ", ".join(sorted(offered)) or "-"
            raise SetupError(
                _(
                    "No plugin offers the process %(name)s; there are: %(known)s.",
                    name=name,
                    known=known,
                )
            )
        yield name, offered[name].arguments


def _serve_web(settings: Settings) -> None:
    if sys.platform.startswith("linux"):  # the workers share what this process has imported
        multiprocessing.set_start_method("fork", force=True)
    server = Granian(
        "core.wsgi:application",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_workers,
        blocking_threads=settings.web_threads,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_enabled=False,
    )
    server.serve()
