"""The commands ``yupana licence …``."""

from __future__ import annotations

import base64
import binascii
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core import runtime, settings
from core.cli.at_work import at_work
from core.db.session import tenant_work, unit_of_work
from core.errors import DomainError, SetupError
from core.i18n import _
from core.system_words import why
from plugins.licensing.domain.document import MAX_SIZE, Verdict, key_id, verify
from plugins.licensing.services import sign_licence
from plugins.licensing.services.parties import operator_id

BAD_END = 2
KEY_BYTES = 32


@click.group("licence")
def licence() -> None:
    """Licencias firmadas: emitir, verificar sin conexión."""


@licence.command("verify")
@click.argument("file", type=click.Path(path_type=Path), metavar="ARCHIVO")
@click.option("--key", "key_text", required=True, envvar="YUPANA_LICENCE_KEY",
              help="Clave pública del proveedor: base64 o archivo que la contiene.")  # fmt: skip
@click.option("--on", help="El día, AAAA-MM-DD. Sin él, hoy.")
@click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")
def verify_command(file: Path, key_text: str, on: str | None, *, as_json: bool) -> None:
    """Verifica un documento de licencia sin base de datos ni red.

    Termina con 0 si es auténtica y sus días (con la gracia) no han pasado; con 1 si está cambiada, es
    de otro proveedor, no es una licencia o terminó; con 2 si falta la clave, el archivo o el día.
    """
    try:
        day = date.fromisoformat(on) if on else runtime.clock().today()
    except ValueError:
        _refuse(_("%(day)s is not a day: write it as 2026-04-25.", day=on))
    key = _read_key(key_text)
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_SIZE + 1)
    except OSError as error:
        _refuse(_("The file %(file)s cannot be read: %(why)s.", file=file, why=why(error)))
    verdict = verify(content, key, today=day)
    click.echo(json.dumps(_as_json(verdict), ensure_ascii=False) if as_json else _sentence(verdict))
    if not verdict.is_valid:
        sys.exit(1)


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
    words = base64.b64encode(public.public_bytes_raw()).decode()
    click.echo(_("Public key %(id)s: %(key)s", id=key_id(public), key=words), err=True)


def register(group: click.Group) -> None:
    """Add the commands to ``yupana``."""
    group.add_command(licence)


def _read_key(text: str) -> Ed25519PublicKey:
    path = Path(text)
    try:
        if len(text) < 256 and path.is_file():
            text = path.read_text()
        raw = base64.b64decode(text.strip(), validate=True)
        if len(raw) == KEY_BYTES:
            return Ed25519PublicKey.from_public_bytes(raw)
    except (OSError, ValueError, binascii.Error):
        pass
    return _refuse(_("The public key is not one: ask your vendor for the base64 text of 44 signs."))


def _sentence(verdict: Verdict) -> str:
    words = {
        "format": _(
            "This file is no licence document: use the licencia.json that your vendor gave you."
        ),
        "key": _(
            "The licence was signed by another vendor's key: use the public key of who sold it to you."
        ),
        "signature": _(
            "The licence was changed after it was signed: ask your vendor for the original file."
        ),
    }
    if verdict.licence is None:
        return words[verdict.code]
    name, day = verdict.licence.legal_name, f"{verdict.licence.paid_through:%d/%m/%Y}"
    last = f"{verdict.licence.valid_through:%d/%m/%Y}"
    if verdict.code == "ok":
        return _("Genuine. Licence of %(name)s, paid until %(day)s.", name=name, day=day)
    if verdict.code == "grace":
        return _(
            "Genuine. Licence of %(name)s, paid until %(day)s; it works until %(last)s.",
            name=name,
            day=day,
            last=last,
        )
    return _(
        "Genuine, but over: the licence of %(name)s ended on %(last)s. Contract a month and ask for the"
        " new file.",
        name=name,
        last=last,
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


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(BAD_END)
