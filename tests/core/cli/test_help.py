"""What ``--help`` says: Spanish in every line, and nothing cut."""

from __future__ import annotations

import re

import click
from click.testing import CliRunner

from core.cli import main

ENGLISH = re.compile(
    r"\b(?:the|and|of|this|that|with|for|is|are|when|default|required|usage|options|commands?|args"
    r"|text|integer|float|file|directory|path|range|show|exit|answer)\b",
    re.IGNORECASE,
)


def explained(group, words=()):
    """Each command under ``group``, itself first, with its words."""
    yield words, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            yield from explained(group.get_command(context, name), (*words, name))


def test_every_help_is_spanish_and_whole(host):
    pages = {}
    for words, command in explained(main):
        shown = CliRunner().invoke(main, [*words, "--help"], prog_name="yupana", terminal_width=80)
        assert shown.exit_code == 0, (words, shown.output)
        pages[words] = shown.output
        # Names that are typed as they stand (commands, options, choices, variables) are no sentences.
        typed = r"(?m)^Uso: .*|^  [a-z0-9-]+(?=  )|--[a-z-]+|\[[a-z0-9|]+\]|[A-Z]+_[A-Z_]+|\w+:\S+"
        told = re.sub(typed, " ", shown.output)
        assert not ENGLISH.findall(told), (words, told)
        assert "[OPTIONS]" not in shown.output, words
        assert not re.search(r"\.\.\.$", told, re.MULTILINE), (words, told)
        for option in command.params:
            assert isinstance(option, click.Argument) or option.help, (words, option.name)
    assert {(), ("sri", "sign"), ("bench", "billing"), ("licence", "verify")} <= set(pages)
    assert "Uso: yupana [OPCIONES] COMANDO [ARGUMENTOS]...\n" in pages[()]
    assert "[por defecto: 120; de 1 a 1000]" in pages["bench", "emission"]
    assert (
        "ENTERO             Secuencial.  [de 1 a 999999999; obligatorio]"
        in pages["sri", "key", "build"]
    )
