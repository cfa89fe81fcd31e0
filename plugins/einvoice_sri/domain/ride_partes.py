"""The pieces of a printed sheet, and how figures and days are written on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from plugins.einvoice_sri.domain import catalogos
from plugins.einvoice_sri.domain.bloques import DetAdicional, Pago

#: America/Guayaquil has had no daylight saving since the scheme exists.
GUAYAQUIL = timezone(timedelta(hours=-5))
_CON_PUNTO = str.maketrans(",.", ".,")


@dataclass(frozen=True, slots=True)
class Columna:
    """A column: its title, its share of the width, and whether it holds figures."""

    titulo: str
    ancho: int
    derecha: bool = False


@dataclass(frozen=True, slots=True)
class Tabla:
    """Rows of text; a cell's lines after the first are small print."""

    columnas: tuple[Columna, ...]
    filas: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Seccion:
    """Pairs of words and perhaps a table under them."""

    titulo: str = ""
    pares: tuple[tuple[str, str], ...] = ()
    tabla: Tabla | None = None


@dataclass(frozen=True, slots=True)
class Cuerpo:
    """What differs between the six documents."""

    dir_establecimiento: str
    contribuyente_especial: str
    obligado_contabilidad: str
    secciones: tuple[Seccion, ...]
    pagos: tuple[tuple[str, str, str], ...] = ()
    totales: tuple[tuple[str, str], ...] = ()
    total: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Hoja:
    """A whole sheet. ``aviso`` and ``marca`` are empty only on a document that is worth something."""

    titulo: str
    numero: str
    ruc: str
    razon_social: str
    nombre_comercial: str
    dir_matriz: str
    dir_establecimiento: str
    leyendas: tuple[str, ...]
    clave_acceso: str
    numero_autorizacion: str
    fecha_autorizacion: str
    ambiente: str
    emision: str
    secciones: tuple[Seccion, ...]
    adicionales: tuple[tuple[str, str], ...]
    pagos: tuple[tuple[str, str, str], ...]
    totales: tuple[tuple[str, str], ...]
    total: tuple[str, str] | None
    aviso: str
    marca: str
    logo: bytes | None


def importe(valor: Decimal) -> str:
    """An amount as people of Ecuador write it: ``1.234,56``."""
    return f"{valor:,.2f}".translate(_CON_PUNTO)


def medida(valor: Decimal) -> str:
    """A quantity or price with two to six decimals: ``1,00``, ``0,333333``."""
    whole, _point, decimals = f"{valor:,f}".partition(".")
    return f"{whole.replace(',', '.')},{decimals.rstrip('0').ljust(2, '0')}"


def porcentaje(valor: Decimal) -> str:
    """``15.00 -> 15 %``, ``1.75 -> 1,75 %``."""
    return f"{valor.normalize():f} %".replace(".", ",")


def dia(valor: date | None) -> str:
    """``25/04/2026``."""
    return f"{valor:%d/%m/%Y}" if valor else ""


def momento(valor: datetime | None) -> str:
    """An aware instant in Ecuador: ``25/04/2026 08:03:05``."""
    return f"{valor.astimezone(GUAYAQUIL):%d/%m/%Y %H:%M:%S}" if valor else ""


def pares(*items: tuple[str, str | None]) -> tuple[tuple[str, str], ...]:
    """The pairs that have something to say."""
    return tuple((name, value) for name, value in items if value)


def descripcion(texto: str, adicionales: Iterable[DetAdicional] | None) -> str:
    """A description with its additional details under it."""
    return "\n".join([texto, *(f"{one.nombre}: {one.valor}" for one in adicionales or ())])


def pagos(formas: Iterable[Pago]) -> tuple[tuple[str, str, str], ...]:
    """Form, amount and term of each payment."""
    return tuple(
        (
            catalogos.nombre("formas_pago", one.forma_pago),
            importe(one.total),
            f"{one.plazo.normalize():f} {one.unidad_tiempo or ''}".strip() if one.plazo else "",
        )
        for one in formas
    )
