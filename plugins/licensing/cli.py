"""The commands ``yupana licence …``."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import runtime, settings
from core.cli.at_work import at_work
from core.db.session import tenant_work, unit_of_work
from core.errors import DomainError, SetupError
from core.i18n import _
from core.models import Tenant
from core.system_words import why
from plugins.licensing.domain.document import (
    MAX_SIZE,
    Verdict,
    claimed,
    key_id,
    read_key,
    verify,
    write_key,
)
from plugins.licensing.services import installed_licence, sign_licence
from plugins.licensing.services.installed_licence import verdict_sentence
from plugins.licensing.services.parties import find_by_tax_id, operator_id

BAD_END = 2
KEY_HELP = "Clave pública del proveedor: base64 o archivo que la contiene."
NO_KEY = Ed25519PublicKey.from_public_bytes(bytes(32))  # of nobody, for files that name no key


@click.group("licence")
def licence() -> None:
    """Licencias firmadas: emitir, instalar, verificar sin conexión."""


@licence.command("verify")
@click.argument("file", type=click.Path(path_type=Path), metavar="ARCHIVO")
@click.option("--key", "key_text", envvar="YUPANA_LICENCE_KEY", help=KEY_HELP)
@click.option("--on", help="El día, AAAA-MM-DD. Sin él, hoy.")
@click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")
def verify_command(file: Path, key_text: str | None, on: str | None, *, as_json: bool) -> None:
    """Verifica un documento de licencia, sin red.

    La clave pública es la de --key o YUPANA_LICENCE_KEY (sin base de datos); si no, la de esta
    instalación: la que emite licencias conoce la suya, y la que instaló una recuerda la de su proveedor.
    Termina con 0 si es auténtica y sus días (con la gracia) no han pasado; con 1 si está cambiada, es
    de otro proveedor, no es una licencia o terminó; con 2 si falta la clave, el archivo o el día.
    """
    try:
        day = date.fromisoformat(on) if on else runtime.clock().today()
    except ValueError:
        _refuse(_("%(day)s is not a day: write it as 2026-04-25.", day=on))
    given = _read_key(key_text) if key_text else None
    content = _read_file(file)
    key = given or _known_key(content)
    if key is None:
        if claimed(content)[1]:
            _refuse(_missing_key_sentence(content))
        key = NO_KEY
    verdict = verify(content, key, today=day)
    click.echo(
        json.dumps(_as_json(verdict), ensure_ascii=False) if as_json else verdict_sentence(verdict)
    )
    if not verdict.is_valid:
        sys.exit(1)


@licence.command("install")
@click.argument("file", type=click.Path(path_type=Path), metavar="ARCHIVO")
@click.option("--key", "key_text", envvar="YUPANA_LICENCE_KEY", help=KEY_HELP)
def install_command(file: Path, key_text: str | None) -> None:
    """Instala la licencia firmada de una empresa de esta instalación.

    La empresa es la del RUC del documento. Con la primera se da la clave pública del proveedor, que
    queda guardada para las siguientes. Termina con 0 si quedó instalada; con 1 si el documento no sirve;
    con 2 si falta la clave, el archivo o la empresa. Entonces nada cambia.
    """
    given = _read_key(key_text) if key_text else None
    content = _read_file(file)
    tax_id, _key_id = claimed(content)
    if not tax_id:
        _fail(verdict_sentence(Verdict("format")))
    try:
        with at_work(settings.current()):
            with unit_of_work() as session:
                company = find_by_tax_id(session, tax_id)
            if company is None:
                _refuse(
                    _(
                        "The licence is of RUC %(tax_id)s, and no company of this installation has it:"
                        " ask your vendor for the file of yours.",
                        tax_id=tax_id[:20],
                    )
                )
            with tenant_work(company.id) as session:
                key = given or _pinned_key(session)
                if key is None:
                    _refuse(_missing_key_sentence(content))
                now = runtime.clock().now()
                installed = installed_licence.install_licence(session, content, key, now=now)
    except DomainError as error:
        _fail(str(error))
    except SetupError as error:
        _refuse(str(error))
    click.echo(
        _(
            "Installed. Licence of %(name)s, paid until %(day)s; it works until %(last)s.",
            name=installed.legal_name,
            day=f"{installed.paid_through:%d/%m/%Y}",
            last=f"{installed.valid_through:%d/%m/%Y}",
        )
    )


@licence.command("issue")
@click.argument("tax_id", metavar="RUC")
@click.option("--out", type=click.Path(path_type=Path), help="Archivo; sin él, la salida.")
def issue_command(tax_id: str, out: Path | None) -> None:
    """Firma el documento de licencia de un cliente, por su RUC.

    Termina con 0 si se firmó; con 2 si nadie tiene ese RUC o todavía no hay nada pagado. La clave
    pública, que el cliente necesita para verificar, sale por el canal de errores.
    """
    try:
        with at_work(settings.current()):
            now = runtime.clock().now()
            with unit_of_work() as session:
                operator = operator_id(session)
            with tenant_work(operator) as session:
                contract = sign_licence.find_contract(session, tax_id)
                content = sign_licence.sign_contract(session, contract.id, now=now)
                public = sign_licence.signing_key(session).public_key()
    except (DomainError, SetupError) as error:
        _refuse(str(error))
    if out is None:
        click.echo(content.decode(), nl=False)
    else:
        out.write_bytes(content)
    words = write_key(public)
    click.echo(_("Public key %(id)s: %(key)s", id=key_id(public), key=words), err=True)


def register(group: click.Group) -> None:
    """Add the commands to ``yupana``."""
    group.add_command(licence)


def _read_file(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_SIZE + 1)
    except OSError as error:
        _refuse(_("The file %(file)s cannot be read: %(why)s.", file=file, why=why(error)))


def _read_key(text: str) -> Ed25519PublicKey:
    path = Path(text)
    try:
        if len(text) < 256 and path.is_file():
            text = path.read_text()
        return read_key(text)
    except (OSError, ValueError):
        return _refuse(
            _("The public key is not one: ask your vendor for the base64 text of 44 signs.")
        )


def _known_key(content: bytes) -> Ed25519PublicKey | None:
    """The key that this installation has for a file: its own as a vendor, or the pinned one."""
    tax_id, wanted = claimed(content)
    config = settings.current()
    if not wanted or not (config.database_url.get_secret_value() or config.home.is_dir()):
        return None  # nothing is installed here, and verifying installs nothing
    try:
        with at_work(config):
            with unit_of_work() as session:
                company = find_by_tax_id(session, tax_id)
                vendor = session.scalar(select(Tenant.id).where(Tenant.kind == "operator"))
            if vendor is not None:
                with tenant_work(vendor) as session:
                    own = sign_licence.public_key(session)
                if own is not None and (key_id(own) == wanted or company is None):
                    return own
            if company is None:
                return None
            with tenant_work(company.id) as session:
                return _pinned_key(session)
    except (DomainError, SetupError) as error:
        return _refuse(
            _(
                "The public key of the vendor is not given (--key or YUPANA_LICENCE_KEY), and this"
                " installation cannot be asked for it: %(why)s",
                why=error,
            )
        )


def _pinned_key(session: Session) -> Ed25519PublicKey | None:
    row = installed_licence.find_installed(session)
    return read_key(row.public_key) if row is not None else None


def _missing_key_sentence(content: bytes) -> str:
    return _(
        "The public key %(id)s of the vendor is missing: ask who sold you the licence for it, a text of 44"
        " signs, and give it with --key or in YUPANA_LICENCE_KEY.",
        id=claimed(content)[1][:16],
    )


def _as_json(verdict: Verdict) -> dict[str, Any]:
    found: dict[str, Any] = {"valid": verdict.is_valid, "code": verdict.code}
    if verdict.licence is not None:
        one = verdict.licence
        found |= {
            "licence_id": one.licence_id,
            "tax_id": one.tax_id,
            "legal_name": one.legal_name,
            "plan": one.plan,
            "paid_through": one.paid_through.isoformat(),
            "valid_through": one.valid_through.isoformat(),
            "entitlements": dict(one.entitlements or {}),
        }
    return found


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(BAD_END)
