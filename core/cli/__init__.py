"""The command ``yupana``."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import click

from core import plugins as plugin_host
from core import processes, settings
from core.cli.bench import bench
from core.cli.db import db
from core.cli.demo import demo, demo_mailbox
from core.cli.doctor import doctor
from core.cli.operator import operator
from core.cli.plugins import plugins_group
from core.cli.secrets import secrets
from core.cli.serve import scheduler, serve, worker
from core.errors import YupanaError

OWN = {
    "bench": bench,
    "db": db,
    "demo": demo,
    "doctor": doctor,
    "mailbox": demo_mailbox,
    "operator": operator,
    "plugins": plugins_group,
    "scheduler": scheduler,
    "secrets": secrets,
    "serve": serve,
    "worker": worker,
}


class Yupana(click.Group):
    """Core's commands and those of the plugins; whatever goes wrong is one sentence, exit 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands by name."""
        self._load()
        return sorted(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command of core or of a plugin."""
        self._load()
        return self.commands.get(cmd_name)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; errors that the product raises on purpose are told in one sentence."""
        try:
            return super().main(*args, **kwargs)
        except YupanaError as error:
            click.echo(f"yupana: {error}", err=True)
            sys.exit(2)
        except Exception as error:  # noqa: BLE001  (a person at a console gets a sentence, not a trace)
            if "--trace" in sys.argv:
                traceback.print_exc()
            else:
                words = f"{type(error).__name__}: {error}".partition("\n")[0]
                click.echo(
                    f"yupana: unexpected error, {words}. See more with yupana --trace.", err=True
                )
            sys.exit(1)

    def _load(self) -> None:
        if self.commands:
            return
        self.commands.update(OWN)
        host = plugin_host.load(settings.current().plugins)
        for plugin in host.plugins:
            host.ask(plugin.name, "register_commands", group=self)


@click.group(cls=Yupana)
@click.version_option(package_name="yupana")
@click.option("--trace", is_flag=True, help="Show where an unexpected error comes from.")
@click.pass_context
def main(context: click.Context, *, trace: bool) -> None:
    """Yupana: subscription invoicing and electronic documents for Ecuador."""
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
