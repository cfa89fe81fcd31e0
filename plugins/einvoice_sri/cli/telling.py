"""How ``yupana sri`` answers: words or JSON, and an exit code that says the same.

0: yes. 1: the question was answered with no (not valid, not intact). 2: the question could not be
answered (wrong usage, unreadable file, wrong password, refused certificate).
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from core.errors import DomainError
from core.i18n import _

NO = 1
REFUSED = 2
P = ParamSpec("P")
R = TypeVar("R")
as_json = click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")
existing = click.Path(exists=True, dir_okay=False, path_type=Path)


def tells(command: Callable[P, R]) -> Callable[P, R]:
    """A refusal becomes a sentence (or JSON) and exit code 2."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except DomainError as error:
            if kwargs.get("as_json"):
                tell({"ok": False, "code": error.code, "sentence": error.sentence}, [], True)
            else:
                click.echo(f"yupana: {error.sentence}", err=True)
            raise click.exceptions.Exit(REFUSED) from error

    return run


def tell(answer: dict[str, Any], lines: list[str], as_json: bool) -> None:
    """Print the answer: one JSON object, or the lines."""
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, default=str))
    for line in [] if as_json else lines:
        click.echo(line)


def read_password(word: str) -> str:
    """Asked for at a terminal; otherwise the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt(word, hide_input=True, default="", show_default=False, err=True))
    line = sys.stdin.buffer.readline().rstrip(b"\r\n")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def write_whole(path: Path, content: bytes) -> None:
    """Write all or nothing: a temporary file beside it, then a rename. Raises ``DomainError``."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise DomainError(
            _("The file %(path)s cannot be written.", path=path), code="sri_cli_write"
        ) from error
