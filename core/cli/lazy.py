"""A group whose commands are imported when somebody asks for them: a start pays only for what it uses."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """``where`` says for each command's name where it is: ``package.module:attribute``."""

    def __init__(self, *args: Any, where: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.where = dict(where or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands by name."""
        return sorted({*self.commands, *self.where})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, imported now."""
        if cmd_name in self.where and cmd_name not in self.commands:
            module, _, name = self.where[cmd_name].partition(":")
            self.commands[cmd_name] = getattr(import_module(module), name)
        return self.commands.get(cmd_name)
