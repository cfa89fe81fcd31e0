"""The command ``yupana``."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import click

from core import plugins as plugin_host
from core import processes, settings
from core.cli.help import speak_spanish
from core.cli.lazy import LazyGroup
from core.cli.refusals import in_words
from core.errors import YupanaError
from core.i18n import _
from core.system_words import why

# Imported when asked for: a worker need not know how to migrate a schema.
OWN = {
    "bench": "core.cli.bench:bench",
    "db": "core.cli.db:db",
    "demo": "core.cli.demo:demo",
    "doctor": "core.cli.doctor:doctor",
    "operator": "core.cli.operator:operator",
    "plugins": "core.cli.plugins:plugins_group",
    "scheduler": "core.cli.serve:scheduler",
    "secrets": "core.cli.secrets:secrets",
    "serve": "core.cli.serve:serve",
    "worker": "core.cli.serve:worker",
}


class Yupana(LazyGroup):
    """Core's commands and those of the plugins; whatever goes wrong is one sentence, exit 2."""

    _is_loaded = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands by name."""
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command of core or of a plugin."""
        self._load()
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Which command is meant; one that starts a whole installation warms up at once."""
        if args[:1] == ["demo"] or "--all" in args:
            processes.warm_up()
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options of ``yupana`` itself."""
        with in_words():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        with in_words():
            return super().invoke(ctx)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; errors that the product raises on purpose are told in one sentence."""
        try:
            return super().main(*args, **kwargs)
        except YupanaError as error:
            click.echo(f"yupana: {error}", err=True)
            sys.exit(2)
        except OSError as error:
            if "--trace" in sys.argv:
                traceback.print_exc()
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"yupana: {where}{why(error)}.", err=True)
            sys.exit(2)
        except Exception as error:  # noqa: BLE001  (a person at a console gets a sentence, not a trace)
            if "--trace" in sys.argv:
                traceback.print_exc()
            else:
                words = f"{type(error).__name__}: {error}".partition("\n")[0]
                with in_words():
                    click.echo(
                        _(
                            "yupana: an error of the program, %(words)s. Run it again as yupana --trace … and"
                            " send what it prints to support.",
                            words=words,
                        ),
                        err=True,
                    )
            sys.exit(1)

    def _load(self) -> None:
        if self._is_loaded:
            return
        self._is_loaded = True
        host = plugin_host.load(settings.current().plugins)
        for plugin in host.plugins:
            host.ask(plugin.name, "register_commands", group=self)


speak_spanish()


@click.group(cls=Yupana, where=OWN)
@click.version_option(package_name="yupana", message="%(prog)s, versión %(version)s")
@click.option("--trace", is_flag=True, help="Muestra de dónde viene un error inesperado.")
@click.pass_context
def main(context: click.Context, *, trace: bool) -> None:
    """Yupana: facturación de suscripciones y comprobantes electrónicos para Ecuador."""
    processes.follow_parent()
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("yupana").setLevel(logging.INFO)
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    context.obj = settings.current()
