"""What was typed wrongly on the command line, in one Spanish sentence; exit 2."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches

import click

from core.i18n import _


class Refusal(click.ClickException):
    """A usage error in the words of the product."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        """One line on stderr; one JSON object when that was asked for."""
        if "--json" in sys.argv:
            click.echo(
                json.dumps(
                    {"ok": False, "code": "usage", "sentence": self.message}, ensure_ascii=False
                )
            )
        else:
            click.echo(f"yupana: {self.message}", err=True)


@contextmanager
def in_words() -> Iterator[None]:
    """Usage errors of click leave as a ``Refusal``; a command without arguments still shows its help."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise Refusal(f"{sentence(error)} {_see(error)}".strip()) from error


def sentence(error: click.UsageError) -> str:
    """What is wrong, and the nearest thing that would be right."""
    kind = type(error).__name__
    if kind in ("NoSuchOption", "NoSuchCommand"):
        typed = getattr(error, "option_name", "") or getattr(error, "command_name", "")
        known = getattr(error, "possibilities", None) or []
        if error.ctx is not None and isinstance(error.ctx.command, click.Group):
            known = [*known, *error.ctx.command.list_commands(error.ctx)]
        near = get_close_matches(typed, known, n=1)
        if near:
            return _(
                "“%(typed)s” does not exist: did you mean %(near)s?", typed=typed, near=near[0]
            )
        return _("“%(typed)s” does not exist.", typed=typed)
    if isinstance(error, click.BadOptionUsage):
        return _("%(option)s needs a value.", option=error.option_name)
    if isinstance(error, click.MissingParameter):
        return _("%(option)s is missing.", option=_name(error))
    if isinstance(error, click.BadParameter):
        return _wrong_value(error)
    return _("There is a word too many or too few.")


def _wrong_value(error: click.BadParameter) -> str:
    kind = error.param.type if error.param is not None else None
    choices = getattr(kind, "choices", None)
    if isinstance(kind, click.Path):
        return _wrong_path(error)
    if isinstance(kind, click.IntRange | click.FloatRange):
        return _(
            "%(option)s is a number from %(least)s to %(most)s.",
            option=_name(error),
            least=kind.min,
            most=kind.max,
        )
    if error.param_hint or not type(kind).__module__.startswith("click"):
        return f"{error.param_hint or _name(error)}: {error.message}"  # our own words
    if not choices:
        return _("%(option)s does not take that value.", option=_name(error))
    return _(
        "%(option)s takes one of these: %(choices)s.",
        option=_name(error),
        choices=", ".join(map(str, choices)),
    )


def _wrong_path(error: click.BadParameter) -> str:
    """Click's few sentences about files; the name stands in quotes in each."""
    name = error.message.partition("'")[2].rpartition("'")[0] or _name(error)
    if "does not exist" in error.message:
        return _("The file %(name)s does not exist: check its name and folder.", name=name)
    if "is a directory" in error.message:
        return _("%(name)s is a folder: name a file.", name=name)
    return _("The file %(name)s cannot be used: check its permissions.", name=name)


def _name(error: click.BadParameter) -> str:
    if error.param is None:
        return str(error.param_hint or "")
    if isinstance(error.param, click.Argument):
        return error.param.human_readable_name
    return max(error.param.opts, key=len) if error.param.opts else str(error.param.name)


def _see(error: click.UsageError) -> str:
    return _("See %(command)s --help.", command=error.ctx.command_path) if error.ctx else ""
