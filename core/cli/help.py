"""How ``--help`` reads: click's own few words in Spanish, like the sentences of the commands."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

HEADINGS = {"Options": "Opciones", "Commands": "Comandos", "Positional arguments": "Argumentos"}
SENTENCES = {
    "Show this message and exit.": "Muestra esta ayuda y termina.",
    "Show the version and exit.": "Muestra la versión y termina.",
}
KINDS = {
    "[OPTIONS]": "[OPCIONES]",
    "COMMAND [ARGS]...": "COMANDO [ARGUMENTOS]...",
    "TEXT": "TEXTO",
    "INTEGER RANGE": "ENTERO",
    "INTEGER": "ENTERO",
    "FLOAT": "NÚMERO",
    "FILE": "ARCHIVO",
    "DIRECTORY": "CARPETA",
    "PATH": "RUTA",
}
_KIND = re.compile(r"(?<!\S)(?:" + "|".join(map(re.escape, KINDS)) + r")(?!\S)")
_EXTRA = re.compile(r"(?:^|  )\[[^]]*\]$")  # what click adds to the help of an option


class SpanishHelp(click.HelpFormatter):
    """Click's help page with its headings, kinds of values and standing sentences in Spanish."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The first line: how the command is typed."""
        super().write_usage(prog, _kinds(args), "Uso: " if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        """The heading of a section."""
        super().write_heading(HEADINGS.get(heading, heading))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """A table: options or commands with what they do."""
        super().write_dl([(_kinds(one), _words(what)) for one, what in rows], col_max, col_spacing)


def speak_spanish() -> None:
    """Let every help page of this process be written by ``SpanishHelp`` (click's place for it)."""
    click.Context.formatter_class = SpanishHelp


def _kinds(typed: str) -> str:
    return _KIND.sub(lambda found: KINDS[found.group()], typed)


def _words(what: str) -> str:
    return _EXTRA.sub(_extra, SENTENCES.get(what, what))


def _extra(found: re.Match[str]) -> str:
    shown = found.group().replace("[default: ", "[por defecto: ")
    shown = re.sub(r"(\d+)<=x<=(\d+)", r"de \1 a \2", shown)
    return re.sub(r"(?<=[\[ ])required(?=\])", "obligatorio", shown)
