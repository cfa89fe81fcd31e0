"""``yupana bench …``: measurements that plugins offer."""

from __future__ import annotations

import click

from core import plugins


class Benchmarks(click.Group):
    """The commands that plugins give through the hook ``benchmarks``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all benchmarks."""
        return sorted(name for answer in plugins.call("benchmarks") for name in answer)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A benchmark by name."""
        for answer in plugins.call("benchmarks"):
            if cmd_name in answer:
                found = answer[cmd_name]
                return found if isinstance(found, click.Command) else click.command(cmd_name)(found)
        return None


@click.group(cls=Benchmarks)
def bench() -> None:
    """Mide la velocidad de esta instalación."""
