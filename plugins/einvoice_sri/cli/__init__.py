"""``yupana sri …``: electronic documents on the command line. What each command answers and its
exit codes are in ``docs/cli.md``.
"""

from __future__ import annotations

import click

from plugins.einvoice_sri.cli.documents import ride, sign, validate, verify
from plugins.einvoice_sri.cli.keys import key, p12
from plugins.einvoice_sri.cli.send import send
from plugins.einvoice_sri.cli.simulator import simulator
from plugins.einvoice_sri.cli.status import status


@click.group()
def sri() -> None:
    """Electronic documents of SRI: check, sign, verify, print, keys and certificates."""


for _command in (validate, sign, verify, ride, key, p12, send, status, simulator):
    sri.add_command(_command)


def register(group: click.Group) -> None:
    """Add ``sri`` to the command line."""
    group.add_command(sri)
