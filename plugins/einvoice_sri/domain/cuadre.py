"""One figure against the figures it comes from: the pieces of SRI's arithmetic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.domain.money import CENT, ZERO, percent, to_cents
from core.i18n import _, lazy
from plugins.einvoice_sri.domain.bloques import Detalle, Impuesto, Pago, TotalImpuesto
from plugins.einvoice_sri.domain.nota_credito import Detalle as DetalleCredito
from plugins.einvoice_sri.domain.nota_credito import TotalImpuesto as TotalCredito

_LINEAS = lazy("the lines")
_DESCUENTOS = lazy("the discounts of the lines")
_BASES = lazy("the bases of the lines")
_PAGOS = lazy("the payment forms")


@dataclass(frozen=True, slots=True)
class Diferencia:
    """A figure that does not follow from the others.

    ``grave``: SRI refuses it (52). A difference that rounding explains is reported with ``grave``
    False and may be sent.
    """

    campo: str
    declarado: Decimal
    calculado: Decimal
    explicacion: str
    grave: bool = True


def sumar(valores: Iterable[Decimal | None]) -> Decimal:
    """The sum of the values that are there, with two decimals."""
    return sum([one for one in valores if one is not None], ZERO)


def comparar(campo: str, declarado: Decimal, calculado: Decimal, partes: Any) -> list[Diferencia]:
    """A grave difference unless both figures agree; ``partes`` names what was summed."""
    if declarado == calculado:
        return []
    return [
        Diferencia(
            campo,
            declarado,
            calculado,
            _(
                "%(field)s says %(said)s, but %(parts)s come to %(sum)s (a difference of %(gap)s).",
                field=campo,
                said=declarado,
                parts=partes,
                sum=calculado,
                gap=declarado - calculado,
            ),
        )
    ]


def comprobar_lineas(
    detalles: Sequence[Detalle | DetalleCredito], total_sin_impuestos: Decimal
) -> list[Diferencia]:
    """Each line by itself (a cent of rounding is tolerated), and their sum exactly."""
    found: list[Diferencia] = []
    for place, one in enumerate(detalles, start=1):
        exacto = one.cantidad * one.precio_unitario - (one.descuento or ZERO)
        calculado = to_cents(exacto)
        gap = abs(one.precio_total_sin_impuesto - calculado)
        if not gap:
            continue
        if gap <= CENT:
            explicacion = _(
                "Line %(line)s: quantity by price less discount is %(exact)s; rounded it may be %(sum)s or "
                "%(said)s. The cent comes from rounding.",
                line=place,
                exact=exacto.normalize(),
                sum=calculado,
                said=one.precio_total_sin_impuesto,
            )
        else:
            explicacion = _(
                "Line %(line)s says %(said)s, but quantity by price less discount is %(sum)s.",
                line=place,
                said=one.precio_total_sin_impuesto,
                sum=calculado,
            )
        found.append(
            Diferencia(
                "precioTotalSinImpuesto",
                one.precio_total_sin_impuesto,
                calculado,
                explicacion,
                grave=gap > CENT,
            )
        )
    suma = sumar(one.precio_total_sin_impuesto for one in detalles)
    return found + comparar("totalSinImpuestos", total_sin_impuestos, suma, _LINEAS)


def comprobar_descuentos(
    detalles: Sequence[Detalle], total_descuento: Decimal, adicional: Decimal
) -> list[Diferencia]:
    """``totalDescuento`` is the discounts of the lines and the additional one."""
    suma = sumar(one.descuento for one in detalles) + adicional
    return comparar("totalDescuento", total_descuento, suma, _DESCUENTOS)


def comprobar_impuestos(
    detalles: Sequence[Detalle | DetalleCredito], totales: Sequence[TotalImpuesto | TotalCredito]
) -> list[Diferencia]:
    """Each rate of the document against its lines: sums exactly, base by rate to a cent a line."""
    lineas: dict[tuple[str, str], list[Impuesto]] = defaultdict(list)
    for detalle in detalles:
        for one in detalle.impuestos:
            lineas[one.codigo, one.codigo_porcentaje].append(one)
    found: list[Diferencia] = []
    vistos = set()
    for total in totales:
        clave = total.codigo, total.codigo_porcentaje
        vistos.add(clave)
        suyas = lineas.get(clave, [])
        base = sumar(one.base_imponible for one in suyas)
        valor = sumar(one.valor for one in suyas)
        found += comparar("baseImponible", total.base_imponible, base, _BASES)
        tarifa = next((one.tarifa for one in suyas if one.tarifa is not None), None)
        if tarifa is not None and total.codigo == "2":
            found += comprobar_tarifa(
                "valor", total.valor, total.base_imponible, tarifa, len(suyas)
            )
        if total.valor != valor:
            grave = abs(total.valor - valor) > CENT * max(1, len(suyas))
            found.append(_suma_de_lineas(total.valor, valor, len(suyas), grave=grave))
    for clave in lineas.keys() - vistos:
        valor = sumar(one.valor for one in lineas[clave])
        found.append(
            Diferencia(
                "totalConImpuestos",
                ZERO,
                valor,
                _(
                    "The lines carry tax %(tax)s with rate code %(rate)s, which the totals do not list.",
                    tax=clave[0],
                    rate=clave[1],
                ),
            )
        )
    return found


def _suma_de_lineas(declarado: Decimal, suma: Decimal, lineas: int, *, grave: bool) -> Diferencia:
    if grave:
        explicacion = _(
            "The tax says %(said)s, but its %(lines)s lines come to %(sum)s.",
            said=declarado,
            lines=lineas,
            sum=suma,
        )
    else:
        explicacion = _(
            "The tax is %(said)s on the whole base, while its %(lines)s lines, each rounded, come to "
            "%(sum)s. The cent comes from rounding line by line.",
            said=declarado,
            lines=lineas,
            sum=suma,
        )
    return Diferencia("valor", declarado, suma, explicacion, grave=grave)


def comprobar_tarifa(
    campo: str, valor: Decimal, base: Decimal, tarifa: Decimal, lineas: int
) -> list[Diferencia]:
    """A tax against base and rate: a cent of rounding for each line is tolerated."""
    calculado = percent(base, tarifa)
    gap = abs(valor - calculado)
    if not gap:
        return []
    grave = gap > CENT * max(1, lineas)
    if grave:
        explicacion = _(
            "%(field)s says %(said)s, but %(base)s at %(rate)s %% is %(sum)s.",
            field=campo,
            said=valor,
            base=base,
            rate=tarifa,
            sum=calculado,
        )
    else:
        explicacion = _(
            "%(base)s at %(rate)s %% is %(sum)s on the whole and %(said)s when each of the %(lines)s "
            "lines is rounded. The cent comes from rounding.",
            base=base,
            rate=tarifa,
            sum=calculado,
            said=valor,
            lines=lineas,
        )
    return [Diferencia(campo, valor, calculado, explicacion, grave=grave)]


def comprobar_pagos(pagos: Sequence[Pago], total: Decimal) -> list[Diferencia]:
    """The payment forms must come to the total; none at all is no difference."""
    if not pagos:
        return []
    suma = sumar(one.total for one in pagos)
    return comparar("pagos", total, suma, _PAGOS)
