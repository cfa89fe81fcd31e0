"""``yupana sri send``: deliver one signed document to SRI."""

from __future__ import annotations

import json
from pathlib import Path

import click

from core.errors import DomainError
from core.i18n import _
from core.settings import Settings
from plugins.einvoice_sri.cli.gateway import (
    DONE,
    NOT_YET,
    REFUSED,
    as_dicts,
    environment_option,
    gateways_for,
    json_option,
    number_of,
    tell,
    tell_silence,
)
from plugins.einvoice_sri.cli.telling import tells
from plugins.einvoice_sri.domain.canonical import read_xml
from plugins.einvoice_sri.domain.estados import Respuesta, de_recepcion
from plugins.einvoice_sri.domain.lectura import DS
from plugins.einvoice_sri.domain.ports import SriError


@click.command()
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="ARCHIVO"
)
@environment_option
@json_option
@click.pass_obj
@tells
def send(settings: Settings, *, file: Path, environment: str, as_json: bool) -> None:
    """Envía al SRI un comprobante firmado, byte por byte.

    Termina con 0 si el SRI lo tiene; con 1 si lo devolvió; con 2 si ARCHIVO no es un comprobante
    firmado; con 3 si nada salió (lo dice: vuelva a enviarlo) o no se sabe: pregunte después con «yupana
    sri status».
    """
    content = file.read_bytes()
    _require_signed(content)
    gateways = gateways_for(settings, environment)
    try:
        answer = gateways.of(number_of(environment)).receive(content)
    except SriError as error:
        tell_silence(error, as_json=as_json, sending=True)
        raise SystemExit(NOT_YET) from error
    finally:
        gateways.close()
    has_it = de_recepcion(answer) in (Respuesta.RECIBIDA, Respuesta.YA_ESTA)
    if as_json:
        click.echo(json.dumps({"state": answer.estado, "messages": as_dicts(answer.mensajes)}))
    else:
        click.echo(answer.estado)
        tell(answer.mensajes)
    raise SystemExit(DONE if has_it else REFUSED)


def _require_signed(content: bytes) -> None:
    """Nothing else is worth a call to SRI. Raises ``DomainError``."""
    root = read_xml(content)
    if root.find(f"{{{DS}}}Signature") is None:
        raise DomainError(
            _("The file is no signed document: sign it first with “yupana sri sign”."),
            code="sri_send_unsigned",
        )
