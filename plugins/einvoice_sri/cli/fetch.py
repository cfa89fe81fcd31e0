"""``yupana sri fetch``: authorised files of a list of access keys, a few a minute."""

from __future__ import annotations

import time
from pathlib import Path

import click

from core.i18n import _
from core.settings import Settings
from plugins.einvoice_sri.adapters.gateways import Gateways
from plugins.einvoice_sri.cli.gateway import DONE, NOT_YET, environment_option, gateways_for
from plugins.einvoice_sri.cli.telling import as_json as json_option
from plugins.einvoice_sri.cli.telling import existing, tell, tells, write_whole
from plugins.einvoice_sri.domain.estados import Respuesta, de_autorizacion, elegir
from plugins.einvoice_sri.domain.ports import SriError
from plugins.einvoice_sri.domain.sobre import ensobrar, partes
from plugins.einvoice_sri.services.fetch_documents import read_keys


@click.command()
@click.argument("file", type=existing, metavar="ARCHIVO")
@environment_option
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Carpeta de los archivos; no vuelve a pedir la clave cuyo archivo ya está.",
)
@click.option(
    "--per-minute",
    type=click.IntRange(1, 6000),
    default=60,
    help="Cuántas consultas por minuto, a lo sumo.",
)
@json_option
@click.pass_obj
@tells
def fetch(
    settings: Settings,
    *,
    file: Path,
    environment: str,
    output: Path,
    per_minute: int,
    as_json: bool,
) -> None:
    """Descarga los comprobantes autorizados de una lista de claves.

    ARCHIVO tiene una clave de acceso por línea. Puede detenerlo y empezar de nuevo: sigue con las claves cuyo
    archivo falta.

    Termina con 0 si están todos; con 2 si ARCHIVO contiene algo que no es una clave de acceso; con 3 si
    faltan algunos.
    """
    keys = read_keys(file.read_text(encoding="utf-8", errors="replace"))
    output.mkdir(parents=True, exist_ok=True)
    missing = [key for key in keys if not (output / f"{key}.xml").exists()]
    states = dict.fromkeys(set(keys) - set(missing), "found")
    gateways = gateways_for(settings, environment)
    try:
        for nth, key in enumerate(missing):
            started = time.monotonic()
            states[key] = _fetch(gateways, key, output)
            if not as_json:
                click.echo(f"{key} {states[key]}")
            if nth + 1 < len(missing):
                time.sleep(max(60 / per_minute - (time.monotonic() - started), 0))
    finally:
        gateways.close()
    left = [key for key in keys if states[key] != "found"]
    answer = {
        "ok": not left,
        "fetched": len(keys) - len(left),
        "missing": {key: states[key] for key in left},
    }
    tell(answer, [_("%(count)s of %(all)s files are there.", count=len(keys) - len(left), all=len(keys))], as_json)  # fmt: skip
    raise SystemExit(NOT_YET if left else DONE)


def _fetch(gateways: Gateways, key: str, output: Path) -> str:
    """Ask for one key; "found", SRI's word, or the kind of the problem."""
    try:
        answer = gateways.of(int(key[23])).authorization(key)
    except SriError as error:
        return error.kind
    node = elegir(answer)
    if node is None:
        return "NADA"
    if de_autorizacion(answer) is not Respuesta.AUTORIZADO or not node.comprobante:
        return node.estado
    head, tail = partes(node, key)
    write_whole(output / f"{key}.xml", ensobrar(head, node.comprobante.encode(), tail))
    return "found"
