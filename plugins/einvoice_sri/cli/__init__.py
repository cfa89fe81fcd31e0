"""``yupana sri …``: electronic documents on the command line. What each command answers and its
exit codes are in ``docs/cli.md``.
"""

from __future__ import annotations

import click

from core.cli.lazy import LazyGroup

HERE = "plugins.einvoice_sri.cli"
COMMANDS = {
    "validate": f"{HERE}.documents:validate",
    "sign": f"{HERE}.documents:sign",
    "verify": f"{HERE}.documents:verify",
    "ride": f"{HERE}.documents:ride",
    "key": f"{HERE}.keys:key",
    "p12": f"{HERE}.keys:p12",
    "send": f"{HERE}.send:send",
    "status": f"{HERE}.status:status",
    "fetch": f"{HERE}.fetch:fetch",
    "simulator": f"{HERE}.simulator:simulator",
}


@click.group(cls=LazyGroup, where=COMMANDS)
def sri() -> None:
    """Comprobantes electrónicos: revisar, firmar, enviar, imprimir."""


def register(group: click.Group) -> None:
    """Add ``sri`` to the command line."""
    group.add_command(sri)
