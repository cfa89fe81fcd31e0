"""``yupana sri status``: what SRI says about an access key."""

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
from plugins.einvoice_sri.cli.telling import tells, write_whole
from plugins.einvoice_sri.domain import clave_acceso
from plugins.einvoice_sri.domain.estados import Respuesta, de_autorizacion, elegir
from plugins.einvoice_sri.domain.ports import RespuestaAutorizacion, SriError
from plugins.einvoice_sri.domain.sobre import ensobrar, partes


@click.command()
@click.argument("key", metavar="CLAVE")
@environment_option
@json_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Archivo en que escribe el comprobante autorizado.",
)
@click.pass_obj
@tells
def status(
    settings: Settings, *, key: str, environment: str, as_json: bool, output: Path | None
) -> None:
    """Pregunta al SRI por el comprobante de una clave de acceso.

    Termina con 0 si está autorizado; con 1 si fue rechazado; con 2 si CLAVE no es una clave de acceso o
    el archivo no se puede escribir; con 3 si el SRI no tiene nada o no ha decidido.
    """
    if not clave_acceso.is_valid(key):
        raise DomainError(
            _("This is no access key: 49 digits with a check digit."), code="sri_key_invalid"
        )
    gateways = gateways_for(settings, environment)
    try:
        answer = gateways.of(number_of(environment)).authorization(key)
    except SriError as error:
        tell_silence(error, as_json=as_json)
        raise SystemExit(NOT_YET) from error
    finally:
        gateways.close()
    raise SystemExit(_show(answer, key, output, as_json=as_json))


def _show(answer: RespuestaAutorizacion, key: str, output: Path | None, *, as_json: bool) -> int:
    node, meaning = elegir(answer), de_autorizacion(answer)
    state = node.estado if node else "NADA"
    messages = node.mensajes if node else ()
    if node is not None and meaning is Respuesta.AUTORIZADO and output is not None:
        head, tail = partes(node, key)
        write_whole(output, ensobrar(head, (node.comprobante or "").encode(), tail))
    if as_json:
        known = {"state": state, "at": node.fecha if node else "", "messages": as_dicts(messages)}
        click.echo(json.dumps(known))
    else:
        click.echo(f"{state} {node.fecha}" if node else _("SRI has nothing for this key (yet)."))
        tell(messages)
    if meaning is Respuesta.AUTORIZADO:
        return DONE
    refused = (Respuesta.NO_AUTORIZADO_CORREGIR, Respuesta.NO_AUTORIZADO_PERSONA)
    return REFUSED if meaning in refused else NOT_YET
