"""``yupana sri key build | inspect`` and ``yupana sri p12 inspect``."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from core import runtime
from core.adapters.clock import to_local_date
from core.errors import DomainError
from core.i18n import _
from plugins.einvoice_sri.adapters.p12_store import open_signing_file, try_signature
from plugins.einvoice_sri.cli.telling import NO, as_json, existing, read_password, tell, tells
from plugins.einvoice_sri.domain import clave_acceso
from plugins.einvoice_sri.domain.certificado import Certificado, read_titular
from plugins.einvoice_sri.domain.tipos import Ambiente, TipoComprobante


@click.group()
def key() -> None:
    """Claves de acceso: formarlas y revisarlas."""


def why_wrong(part: str, length: int = clave_acceso.LARGO) -> str:
    """What is wrong with a key, by the name of its part, and what to do."""
    words = {
        "largo": _("An access key has 49 digits and this one has %(count)s: copy it again.",
                   count=length),
        "digito": _("The last digit does not match the others: a digit was copied wrongly."),
        "fecha": _("The first eight digits are no day (ddmmyyyy): copy it again."),
        "cod_doc": _("Digits 9 and 10 are no document of SRI (01, 03, 04, 05, 06, 07)."),
        "ruc": _("Digits 11 to 23 are no RUC: it ends in 001."),
        "ambiente": _("Digit 24 is the environment: 1 (tests) or 2 (production)."),
        "tipo_emision": _("Digit 48 is always 1."),
    }  # fmt: skip
    return words[part]


class Day(click.ParamType):
    """A day, ``2026-04-25``."""

    name = "día"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        """An ISO day."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(_("%(value)s is not a day such as 2026-04-25.", value=value), param, ctx)


@key.command()
@click.option(
    "--date", "issued_on", type=Day(), required=True, help="Fecha de emisión, AAAA-MM-DD."
)
@click.option(
    "--kind",
    type=click.Choice([one.value for one in TipoComprobante]),
    default="01",
    show_default=True,
    help="Código del documento.",
)
@click.option("--ruc", required=True, help="RUC de quien emite.")
@click.option(
    "--env",
    type=click.Choice([one.value for one in Ambiente]),
    default="1",
    show_default=True,
    help="Ambiente: 1 pruebas, 2 producción.",
)
@click.option("--series", required=True, help="Establecimiento y punto de emisión: 001-002.")
@click.option("--number", type=click.IntRange(1, 999_999_999), required=True, help="Secuencial.")
@click.option("--code", default="12345678", show_default=True, help="Ocho dígitos a su elección.")
@as_json
@tells
def build(
    *,
    issued_on: date,
    kind: str,
    ruc: str,
    env: str,
    series: str,
    number: int,
    code: str,
    as_json: bool,
) -> None:
    """Forma una clave de acceso de 49 dígitos.

    Termina con 0; con 2 si una de sus partes está mal.
    """
    branch, _dash, point = series.partition("-")
    for option, text, length, example in (
        ("--ruc", ruc, 13, "1790012345001"),
        ("--series", branch + point, 6, "001-002"),
        ("--code", code, 8, "12345678"),
    ):
        if not (text.isascii() and text.isdigit() and len(text) == length):
            raise DomainError(
                _("%(option)s is written as %(example)s.", option=option, example=example),
                code="sri_key_invalid",
                field=option,
            )
    try:
        made = clave_acceso.build(
            fecha_emision=issued_on,
            cod_doc=TipoComprobante(kind),
            ruc=ruc,
            ambiente=Ambiente(env),
            establecimiento=branch,
            punto_emision=point,
            secuencial=number,
            codigo_numerico=code,
        )
    except clave_acceso.ClaveInvalida as error:
        raise DomainError(why_wrong(error.motivo), code="sri_key_invalid") from error
    tell({"ok": True, "access_key": made}, [made], as_json)


@key.command("inspect")
@click.argument("access_key", metavar="CLAVE")
@as_json
def inspect_key(access_key: str, as_json: bool) -> None:
    """Separa una clave de acceso en sus partes y la revisa.

    Termina con 0 si es correcta; con 1 si no lo es.
    """
    try:
        found = clave_acceso.parse(access_key.strip())
    except clave_acceso.ClaveInvalida as error:
        sentence = why_wrong(error.motivo, len(access_key.strip()))
        tell({"ok": False, "part": error.motivo, "sentence": sentence}, [sentence], as_json)
        raise click.exceptions.Exit(NO) from error
    answer = {
        "ok": True,
        "issued_on": found.fecha_emision.isoformat(),
        "kind": found.cod_doc.value,
        "ruc": found.ruc,
        "environment": found.ambiente.value,
        "series": f"{found.establecimiento}-{found.punto_emision}",
        "number": found.secuencial,
        "code": found.codigo_numerico,
    }
    tell(answer, [f"{name}: {value}" for name, value in answer.items() if name != "ok"], as_json)


@click.group()
def p12() -> None:
    """Archivos P12 de firma electrónica."""


@p12.command()
@click.argument("file", type=existing, metavar="ARCHIVO")
@as_json
@tells
def inspect(file: Path, as_json: bool) -> None:
    """Dice qué contiene un archivo P12, qué clave firma y por qué.

    Pide la contraseña, o la lee de la primera línea de la entrada estándar.

    Termina con 0 si una clave puede firmar; con 2 si rechaza el archivo o su contraseña.
    """
    now = runtime.clock().now()
    opened = open_signing_file(file.read_bytes(), read_password(_("Password of the P12 file")), now)
    chosen = opened.eleccion.par.certificado
    informe = try_signature(opened.key, now)
    answer = {
        "ok": True,
        "chosen": _facts(chosen, now),
        "reason": opened.eleccion.reason,
        "sentence": opened.eleccion.sentence,
        "warnings": [{"code": a.code, "sentence": a.sentence} for a in opened.eleccion.avisos],
        "test_signature": informe.intact,
        "others": [
            _facts(par.certificado, now)
            for par in opened.contenido.pares
            if par is not opened.eleccion.par
        ],
        "chain": [one.subject_name for one in opened.contenido.others],
        "keys_without_certificate": opened.contenido.lonely_keys,
    }
    it = opened.titular
    lines = [
        _("Holder: %(name)s", name=it.name),
        _("RUC: %(ruc)s  Cédula: %(cedula)s", ruc=it.ruc or "-", cedula=it.cedula or "-"),
        _("Authority: %(name)s", name=it.authority),
        _("Use: %(names)s", names=", ".join(sorted(chosen.key_usage or ())) or "-"),
        _(
            "Valid: %(begin)s to %(end)s",
            begin=f"{to_local_date(chosen.not_before):%Y-%m-%d}",
            end=f"{to_local_date(chosen.not_after):%Y-%m-%d}",
        ),
        _("Keys in the file: %(count)s", count=len(opened.contenido.pares)),
        opened.eleccion.sentence,
        *(one.sentence for one in opened.eleccion.avisos),
    ]
    tell(answer, lines, as_json)


def _facts(one: Certificado, now: datetime) -> dict[str, Any]:
    titular = read_titular(one)
    return {
        "holder": titular.name,
        "ruc": titular.ruc,
        "cedula": titular.cedula,
        "authority": titular.authority,
        "subject": one.subject_name,
        "issuer": one.issuer_name,
        "serial": str(one.serial),
        "not_before": one.not_before.isoformat(),
        "not_after": one.not_after.isoformat(),
        "valid_now": one.is_valid_at(now),
        "key_usage": sorted(one.key_usage) if one.key_usage is not None else None,
        "fingerprint": one.fingerprint,
    }
