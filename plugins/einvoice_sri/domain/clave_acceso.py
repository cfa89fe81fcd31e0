"""The 49 digits that name a document at SRI, and are its authorisation number (ficha, table 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import cycle
from operator import mul
from uuid import UUID

from plugins.einvoice_sri.domain import secuencial as numeros
from plugins.einvoice_sri.domain.tipos import Ambiente, TipoComprobante

LARGO = 49
_PESOS = tuple(peso for _, peso in zip(range(LARGO - 1), cycle((2, 3, 4, 5, 6, 7)), strict=False))


@dataclass(frozen=True, slots=True)
class ClaveAcceso:
    """A key taken apart. ``secuencial`` and ``codigo_numerico`` keep their zeros."""

    fecha_emision: date
    cod_doc: TipoComprobante
    ruc: str
    ambiente: Ambiente
    establecimiento: str
    punto_emision: str
    secuencial: str
    codigo_numerico: str
    tipo_emision: str = "1"


class ClaveInvalida(ValueError):
    """The text is no access key; ``motivo`` names the part that is wrong."""

    def __init__(self, motivo: str) -> None:
        super().__init__(motivo)
        self.motivo = motivo


def digito(cuarenta_y_ocho: str) -> str:
    """Modulo 11 from right to left with 2..7: ``41261533 -> 6``; 11 becomes 0 and 10 becomes 1."""
    cifras = cuarenta_y_ocho.encode()[::-1]
    pesos = _PESOS[: len(cifras)]
    suma = sum(map(mul, cifras, pesos)) - 48 * sum(pesos)  # 48 is the code of "0"
    resto = 11 - suma % 11
    return "0" if resto == 11 else "1" if resto == 10 else str(resto)


def codigo_numerico(document_id: UUID) -> str:
    """Eight digits that are the same whenever the same document is built again."""
    return f"{document_id.int % 100_000_000:08d}"


def build(
    *,
    fecha_emision: date,
    cod_doc: TipoComprobante,
    ruc: str,
    ambiente: Ambiente,
    establecimiento: str,
    punto_emision: str,
    secuencial: int,
    codigo_numerico: str,
) -> str:
    """The key of a document; ``fecha_emision`` is the day in America/Guayaquil.

    Raises ``ClaveInvalida`` when a part does not fit its place.
    """
    cuerpo = (
        f"{fecha_emision.day:02d}{fecha_emision.month:02d}{fecha_emision.year:04d}"
        f"{cod_doc.value}{ruc}{ambiente.value}"
        f"{establecimiento}{punto_emision}{numeros.texto(secuencial)}{codigo_numerico}1"
    )
    clave = cuerpo + digito(cuerpo)
    _check_form(clave)
    _read(clave)
    return clave


def parse(clave: str) -> ClaveAcceso:
    """Take a key apart, checking length, digit, date, codDoc, RUC, ambiente and tipoEmision.

    The check digit alone is no proof: 49 zeros satisfy it. Raises ``ClaveInvalida``.
    """
    _check_form(clave)
    if digito(clave[:48]) != clave[48]:
        raise ClaveInvalida("digito")
    return _read(clave)


def _check_form(clave: str) -> None:
    if len(clave) != LARGO or not (clave.isascii() and clave.isdigit()):
        raise ClaveInvalida("largo")


def _read(clave: str) -> ClaveAcceso:
    try:
        fecha = date(int(clave[4:8]), int(clave[2:4]), int(clave[0:2]))
    except ValueError as error:
        raise ClaveInvalida("fecha") from error
    try:
        cod_doc = TipoComprobante(clave[8:10])
    except ValueError as error:
        raise ClaveInvalida("cod_doc") from error
    if clave[20:23] != "001":
        raise ClaveInvalida("ruc")
    try:
        ambiente = Ambiente(clave[23])
    except ValueError as error:
        raise ClaveInvalida("ambiente") from error
    if clave[47] != "1":
        raise ClaveInvalida("tipo_emision")
    return ClaveAcceso(
        fecha_emision=fecha,
        cod_doc=cod_doc,
        ruc=clave[10:23],
        ambiente=ambiente,
        establecimiento=clave[24:27],
        punto_emision=clave[27:30],
        secuencial=clave[30:39],
        codigo_numerico=clave[39:47],
    )


def is_valid(clave: str) -> bool:
    """Whether ``parse`` accepts the text."""
    try:
        parse(clave)
    except ClaveInvalida:
        return False
    return True
