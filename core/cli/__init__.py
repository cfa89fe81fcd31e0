"""The command ``yupana``."""

from __future__ import annotations

import click

from core import plugins, settings


@click.group()
@click.pass_context
def main(context: click.Context) -> None:
    """Yupana: subscription invoicing and electronic documents for Ecuador."""
    context.obj = settings.current()
    plugins.load(context.obj.plugins)


from core.cli.db import db

main.add_command(db)
