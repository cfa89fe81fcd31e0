"""``yupana sri validate | sign | verify | ride``: documents in files, without a database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import click

from core import runtime
from core.errors import DomainError
from core.i18n import _
from plugins.einvoice_sri.adapters.p12_store import open_signing_file
from plugins.einvoice_sri.adapters.pdf_paper import logo as read_picture
from plugins.einvoice_sri.cli.keys import why_wrong
from plugins.einvoice_sri.cli.telling import (
    NO,
    as_json,
    existing,
    read_password,
    tell,
    tells,
    write_whole,
)
from plugins.einvoice_sri.domain import clave_acceso, totales, xml, xsd
from plugins.einvoice_sri.domain.p12_errores import P12Error
from plugins.einvoice_sri.domain.ride import DatosAutorizacion
from plugins.einvoice_sri.domain.verify import verify as check
from plugins.einvoice_sri.domain.verify_chain import read_authorities
from plugins.einvoice_sri.domain.verify_envelope import Sobre, open_envelope
from plugins.einvoice_sri.domain.xades import sign as make_signature
from plugins.einvoice_sri.domain.xades_template import Hash
from plugins.einvoice_sri.services.print_ride import render

_GUAYAQUIL = timezone(timedelta(hours=-5))


class Instant(click.ParamType):
    """An ISO 8601 instant; without a zone it is Guayaquil's time."""

    name = "momento"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """``2026-04-25T08:00:00-05:00``."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(_("%(value)s is not an ISO 8601 time.", value=value), param, ctx)
        return found if found.tzinfo else found.replace(tzinfo=_GUAYAQUIL)


@click.command()
@click.argument("file", type=existing, metavar="ARCHIVO")
@as_json
@tells
def validate(file: Path, as_json: bool) -> None:
    """Revisa el esquema, la clave y las sumas de un comprobante.

    Termina con 0 si es válido; con 1 si no lo es; con 2 si no se puede leer.
    """
    content = open_envelope(file.read_bytes()).comprobante
    root = xml.parse(content)
    tipo, version = xsd.kind_of(root)
    problems = [
        {"rule": one.rule, "element": one.element, "line": one.line, "sentence": one.sentence}
        for one in xsd.violations_of(tipo, version, root)
    ]
    notes: list[dict[str, Any]] = []
    if not problems:
        comprobante = xml.read(content)
        for one in totales.comprobar(comprobante):
            entry: dict[str, Any] = {
                "rule": "totales",
                "element": one.campo,
                "sentence": one.explicacion,
            }
            (problems if one.grave else notes).append(entry)
        problems += _wrong_key(comprobante.info_tributaria.clave_acceso)
    answer = {
        "ok": not problems,
        "kind": str(tipo.value),
        "version": version,
        "problems": problems,
        "notes": notes,
    }
    lines = [_("%(root)s %(version)s", root=root.tag, version=version)]
    lines += [f"- {one['element']}: {one['sentence']}" for one in (*problems, *notes)]
    lines.append(_("Not valid.") if problems else _("Valid."))
    tell(answer, lines, as_json)
    if problems:
        raise click.exceptions.Exit(NO)


def _wrong_key(clave: str) -> list[dict[str, Any]]:
    try:
        clave_acceso.parse(clave)
    except clave_acceso.ClaveInvalida as error:
        sentence = why_wrong(error.motivo, len(clave))
        return [{"rule": "clave", "element": "claveAcceso", "sentence": sentence}]
    return []


@click.command()
@click.argument("file", type=existing, metavar="ARCHIVO")
@click.option("--p12", type=existing, required=True, help="El archivo P12 de la firma.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Archivo que se escribe.",
)
@click.option(
    "--hash",
    "hash_name",
    type=click.Choice(get_args(Hash)),
    default="sha1",
    show_default=True,
    help="Algoritmo de resumen.",
)
@click.option("--at", type=Instant(), help="Momento de la firma, ISO 8601. Sin él, ahora.")
@as_json
@tells
def sign(
    *, file: Path, p12: Path, output: Path, hash_name: Hash, at: datetime | None, as_json: bool
) -> None:
    """Firma un comprobante con un archivo P12.

    Pide la contraseña, o la lee de la primera línea de la entrada estándar. Si el
    certificado es solo para cifrar, firma y lo advierte.

    Termina con 0 si el archivo quedó escrito; con 2 si rechaza la contraseña, el certificado (caducado
    o todavía no vigente) o el comprobante, y entonces no deja ningún archivo.
    """
    now = runtime.clock().now()
    at = at or now
    opened = open_signing_file(p12.read_bytes(), read_password(_("Password of the P12 file")), at)
    avisos = opened.eleccion.avisos
    stopping = [one for one in avisos if one.code in ("expired", "not_yet_valid")]
    if stopping:
        raise P12Error(stopping[0].sentence, code=f"sri_p12_{stopping[0].code}", field="p12")
    if at > now + timedelta(minutes=5):
        raise DomainError(
            _("The signing time is in the future; SRI refuses that (error 39)."),
            code="sri_sign_future",
            field="at",
        )
    signed = make_signature(file.read_bytes(), opened.key, signing_time=at, hash=hash_name)
    write_whole(output, signed)
    certificado = opened.eleccion.par.certificado
    answer = {
        "ok": True,
        "output": str(output),
        "hash": hash_name,
        "signing_time": at.isoformat(timespec="seconds"),
        "signer": opened.titular.name,
        "serial": str(certificado.serial),
        "chosen": opened.eleccion.reason,
        "warnings": [{"code": one.code, "sentence": one.sentence} for one in avisos],
    }
    for one in avisos:
        click.echo(f"yupana: {one.sentence}", err=True)
    tell(
        answer, [_("Signed by %(name)s: %(path)s", name=opened.titular.name, path=output)], as_json
    )


@click.command()
@click.argument("file", type=existing, metavar="ARCHIVO")
@click.option("--ca", type=existing, help="Entidades de confianza, PEM o DER.")
@as_json
@tells
def verify(file: Path, ca: Path | None, as_json: bool) -> None:
    """Verifica la firma de un comprobante.

    El archivo puede venir solo o dentro del sobre de autorización del SRI. Sin --ca, la cadena de
    certificados queda sin comprobar y no cuenta como falla.

    Termina con 0 si está íntegro; con 1 si no lo está; con 2 si no se puede leer.
    """
    authorities = read_authorities(ca.read_bytes()) if ca else None
    sobre = open_envelope(file.read_bytes())
    informe = check(sobre.comprobante, authorities=authorities, now=runtime.clock().now())
    certificado = informe.certificado
    answer = {
        "ok": informe.intact,
        "chain": informe.chain,
        "findings": [
            {"code": one.code, "severity": one.severity, "sentence": one.sentence}
            for one in informe.hallazgos
        ],
        "method": informe.method,
        "signing_time": informe.signing_time.isoformat() if informe.signing_time else None,
        "signer": certificado.subject_name if certificado else None,
        "issuer": certificado.issuer_name if certificado else None,
        "serial": str(certificado.serial) if certificado else None,
        "envelope": _envelope(sobre),
    }
    chains = {
        "not checked": _("Chain: not checked (give the authorities with --ca)."),
        "trusted": _("Chain: trusted."),
        "untrusted": _("Chain: not trusted."),
    }
    lines = [f"- {one.sentence}" for one in informe.hallazgos]
    if certificado and informe.signing_time:
        lines.append(
            _(
                "Signed by %(name)s on %(at)s.",
                name=certificado.subject_name,
                at=informe.signing_time,
            )
        )
    lines.append(chains[informe.chain])
    lines.append(_("Intact.") if informe.intact else _("Not intact."))
    tell(answer, lines, as_json)
    if not informe.intact:
        raise click.exceptions.Exit(NO)


def _envelope(sobre: Sobre) -> dict[str, str] | None:
    if not sobre.estado:
        return None
    return {
        "estado": sobre.estado,
        "numero": sobre.numero_autorizacion,
        "fecha": sobre.fecha_autorizacion,
        "ambiente": sobre.ambiente,
    }


@click.command()
@click.argument("file", type=existing, metavar="ARCHIVO")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Archivo que se escribe.",
)
@click.option("--logo", type=existing, help="Un logotipo, PNG o JPEG.")
@click.option(
    "--ticket",
    is_flag=True,
    help="Una factura en rollo térmico de 80 mm, sin logotipo, en vez de A4.",
)
@as_json
@tells
def ride(file: Path, output: Path, logo: Path | None, ticket: bool, as_json: bool) -> None:
    """Imprime el RIDE de un comprobante en PDF.

    Termina con 0 si el archivo quedó escrito; con 2 si el comprobante o el logotipo no se puede leer, o
    si se pide un ticket de lo que no es factura.
    """
    sobre = open_envelope(file.read_bytes())
    autorizacion = None
    if sobre.estado == "AUTORIZADO":
        autorizacion = DatosAutorizacion(
            numero=sobre.numero_autorizacion, fecha=_instant(sobre.fecha_autorizacion)
        )
    picture = logo.read_bytes() if logo else None
    if picture is not None and read_picture(picture) is None:
        raise DomainError(
            _("The logo is no picture that can be printed: give a PNG or JPEG."),
            code="sri_ride_logo",
        )
    pdf = render(xml.read(sobre.comprobante), autorizacion, picture, is_ticket=ticket)
    write_whole(output, pdf)
    tell(
        {"ok": True, "output": str(output), "bytes": len(pdf)},
        [_("RIDE written: %(path)s", path=output)],
        as_json,
    )


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=_GUAYAQUIL)
