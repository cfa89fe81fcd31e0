"""SRI's tables as dated data: what a code means, and from when to when it may be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Codigo:
    """A row of a table. ``tarifas`` is empty where the code has no rate or several by decree."""

    codigo: str
    nombre: str
    tarifas: tuple[Decimal, ...]
    desde: date
    hasta: date | None

    def vigente(self, on: date) -> bool:
        """Whether the code may be used on that day."""
        return self.desde <= on and (self.hasta is None or on <= self.hasta)


@dataclass(frozen=True, slots=True)
class ErrorSri:
    """What an answer of SRI means for a person.

    ``grupo``: ya_esta, numero, transitorio, corregir, bloqueo, permanente or aviso. ``quien`` must
    act: empresa, operador, sistema, sri or nadie.
    """

    codigo: str
    etapa: str
    grupo: str
    quien: str
    que_paso: str
    que_hacer: str


@cache
def tabla(nombre: str) -> tuple[Codigo, ...]:
    """A table by the name of its file: ``formas_pago``, ``tarifas_iva``, ``retencion_renta``."""
    return tuple(_codigo(row) for row in _filas(nombre))


def buscar(nombre: str, codigo: str, on: date | None = None) -> Codigo | None:
    """The row of a code, on that day when one is given; None when there is none."""
    for one in tabla(nombre):
        if one.codigo == codigo and (on is None or one.vigente(on)):
            return one
    return None


def nombre(tabla_: str, codigo: str) -> str:
    """The name of a code, or the code itself when the table does not hold it."""
    found = buscar(tabla_, codigo)
    return found.nombre if found else codigo


@cache
def errores() -> dict[str, ErrorSri]:
    """Every known answer of SRI by its code."""
    return {row["codigo"]: ErrorSri(**row) for row in _filas("errores")}


def error(codigo: str) -> ErrorSri:
    """What code ``codigo`` means; an unknown one is explained as such, to be read by a person."""
    known = errores().get(codigo.lstrip("0"))
    return known or ErrorSri(
        codigo=codigo,
        etapa="",
        grupo="bloqueo",
        quien="operador",
        que_paso=f"El SRI respondió con el código {codigo}, que no está en el catálogo.",
        que_hacer="El operador debe leer el mensaje del SRI y decidir; el envío se detiene.",
    )


def _filas(nombre_archivo: str) -> list[dict[str, str]]:
    source = resources.files("plugins.einvoice_sri") / "catalogs" / f"{nombre_archivo}.tsv"
    head, *lines = source.read_text(encoding="utf-8").splitlines()
    names = head.split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


def _codigo(row: dict[str, str]) -> Codigo:
    rates = row.get("tarifa") or row.get("tarifas") or ""
    return Codigo(
        codigo=row["codigo"],
        nombre=row["nombre"],
        tarifas=tuple(Decimal(rate) for rate in rates.split("/") if rate),
        desde=date.fromisoformat(row["desde"]),
        hasta=date.fromisoformat(row["hasta"]) if row["hasta"] else None,
    )
