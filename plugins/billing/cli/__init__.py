"""The commands ``yupana billing …`` and ``yupana bench billing``."""

from __future__ import annotations

import click

from plugins.billing.cli.offline import prorate_command, schedule_command
from plugins.billing.cli.online import run_command, sweep_command


@click.group("billing")
def billing() -> None:
    """Suscripciones: calendario, prorrateo, corrida del día 25."""


billing.add_command(schedule_command)
billing.add_command(prorate_command)
billing.add_command(run_command)
billing.add_command(sweep_command)


def register(group: click.Group) -> None:
    """Add the commands of billing to ``yupana``."""
    group.add_command(billing)
