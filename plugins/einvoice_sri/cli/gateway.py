"""Which SRI a command talks to, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import click

from core.i18n import _
from core.settings import Settings
from plugins.einvoice_sri.adapters.gateways import PRODUCTION, TESTS, Gateways, open_gateways
from plugins.einvoice_sri.domain.ports import Mensaje, SriError, SriUnavailable

DONE, REFUSED, NOT_YET = 0, 1, 3  # exit codes; 2 is wrong usage
ENVIRONMENTS = {"pruebas": TESTS, "produccion": PRODUCTION}

environment_option = click.option(
    "--env",
    "environment",
    type=click.Choice([*ENVIRONMENTS, "simulator"]),
    required=True,
    help="Ambiente del SRI, o el simulador de esta máquina.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")


def gateways_for(settings: Settings, environment: str) -> Gateways:
    """The gateways of the chosen environment."""
    where = settings.sri_url
    if environment == "simulator":
        where = where if where.startswith("http") else "simulator"
    return open_gateways(settings.model_copy(update={"sri_url": where}))


def number_of(environment: str) -> int:
    """1 or 2; the simulator takes both."""
    return ENVIRONMENTS.get(environment, TESTS)


def as_dicts(messages: tuple[Mensaje, ...]) -> list[dict[str, Any]]:
    """Messages for JSON."""
    return [
        {
            "code": one.identificador,
            "message": one.mensaje.strip(),
            "detail": one.informacion_adicional.strip(),
            "kind": one.tipo,
        }
        for one in messages
    ]


def tell(messages: tuple[Mensaje, ...]) -> None:
    """Messages for people, one a line."""
    for one in messages:
        detail = one.informacion_adicional.strip()
        click.echo(
            f"  {one.identificador} {one.mensaje.strip()}" + (f": {detail}" if detail else "")
        )


def tell_silence(error: SriError, *, as_json: bool, sending: bool = False) -> None:
    """SRI gave no usable answer: what is known, and what to do next. ``sending``: a document was to
    leave, and it is said when it surely did not.
    """
    stayed = sending and isinstance(error, SriUnavailable) and error.delivered is False
    sentence = (
        _("Nobody answers at SRI's address: check the connection (or start the simulator).")
        if error.kind == "unreachable"
        else _("SRI did not answer usably (%(kind)s).", kind=error.kind)
    )
    sentence += " " + (
        _("Nothing was sent: the document did not leave this computer. Send it again later.")
        if stayed
        else _("What became of the document is unknown: ask later with “yupana sri status”.")
    )
    if as_json:
        click.echo(
            json.dumps(
                {
                    "state": "not_sent" if stayed else "unknown",
                    "problem": error.kind,
                    "sentence": sentence,
                },
                ensure_ascii=False,
            )
        )
    else:
        click.echo(f"yupana: {sentence}", err=True)
