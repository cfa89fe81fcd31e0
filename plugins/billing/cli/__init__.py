"""The commands ``yupana billing …`` and ``yupana bench billing``."""

from __future__ import annotations

import click

from core.cli.lazy import LazyGroup

HERE = "plugins.billing.cli"
COMMANDS = {
    "schedule": f"{HERE}.offline:schedule_command",
    "prorate": f"{HERE}.offline:prorate_command",
    "run": f"{HERE}.online:run_command",
    "sweep": f"{HERE}.online:sweep_command",
    "play": f"{HERE}.play:play_command",
}


@click.group("billing", cls=LazyGroup, where=COMMANDS)
def billing() -> None:
    """Suscripciones: calendario, prorrateo, corrida del día 25."""


def register(group: click.Group) -> None:
    """Add the commands of billing to ``yupana``."""
    group.add_command(billing)
