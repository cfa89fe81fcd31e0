"""SRI's own arithmetic, done before SRI does it (code 52), with the cent explained.

``total_sin_impuestos - descuento_adicional - devolución de IVA - compensaciones + impuestos +
propina + retenciones + gastos de exportación + rubros de terceros = importe_total``, and
``total_descuento`` = the lines' discounts + ``descuento_adicional``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from core.domain.money import CENT, ZERO, percent, to_cents
from core.i18n import _
from plugins.einvoice_sri.domain.bloques import Detalle, Impuesto, Pago, TotalImpuesto
from plugins.einvoice_sri.domain.comprobantes import Comprobante
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
from plugins.einvoice_sri.domain.nota_credito import Detalle as DetalleCredito
from plugins.einvoice_sri.domain.nota_credito import NotaCredito
from plugins.einvoice_sri.domain.nota_debito import NotaDebito
from plugins.einvoice_sri.domain.retencion import ComprobanteRetencion


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


class _Linea(Protocol):
    @property
    def cantidad(self) -> Decimal: ...
    @property
    def precio_unitario(self) -> Decimal: ...
    @property
    def precio_total_sin_impuesto(self) -> Decimal: ...
    @property
    def impuestos(self) -> tuple[Impuesto, ...]: ...


class _Total(Protocol):
    @property
    def codigo(self) -> str: ...
    @property
    def codigo_porcentaje(self) -> str: ...
    @property
    def base_imponible(self) -> Decimal: ...
    @property
    def valor(self) -> Decimal: ...


def comprobar(comprobante: Comprobante) -> list[Diferencia]:
    """Every figure of the document that does not add up; empty when all do."""
    match comprobante:
        case Factura():
            return _factura(comprobante)
        case LiquidacionCompra():
            return _liquidacion(comprobante)
        case NotaCredito():
            return _nota_credito(comprobante)
        case NotaDebito():
            return _nota_debito(comprobante)
        case ComprobanteRetencion():
            return _retencion(comprobante)
        case _:
            return []  # a guía has no amounts


def graves(comprobante: Comprobante) -> list[Diferencia]:
    """Only the differences for which SRI would refuse the document."""
    return [one for one in comprobar(comprobante) if one.grave]


def agrupar(impuestos: Iterable[Impuesto]) -> tuple[TotalImpuesto, ...]:
    """``totalConImpuestos`` of a document: the sums per tax and rate, in order of appearance."""
    sumas: dict[tuple[str, str], list[Decimal]] = {}
    tarifas: dict[tuple[str, str], Decimal | None] = {}
    for one in impuestos:
        clave = one.codigo, one.codigo_porcentaje
        suma = sumas.setdefault(clave, [ZERO, ZERO])
        suma[0] += one.base_imponible
        suma[1] += one.valor
        tarifas.setdefault(clave, one.tarifa)
    return tuple(
        TotalImpuesto(
            codigo=clave[0],
            codigo_porcentaje=clave[1],
            base_imponible=base,
            tarifa=tarifas[clave],
            valor=valor,
        )
        for clave, (base, valor) in sumas.items()
    )


# --- documents ----------------------------------------------------------------------------------


def _factura(factura: Factura) -> list[Diferencia]:
    info = factura.info_factura
    adicional = _suma(one.descuento_adicional for one in info.total_con_impuestos)
    found = _lineas(factura.detalles, info.total_sin_impuestos)
    found += _descuentos(factura.detalles, info.total_descuento, adicional)
    found += _impuestos(factura.detalles, info.total_con_impuestos)
    calculado = (
        info.total_sin_impuestos
        - adicional
        - _suma(one.valor_devolucion_iva for one in info.total_con_impuestos)
        - _suma(one.valor for one in info.compensaciones)
        + _suma(one.valor for one in info.total_con_impuestos)
        + (info.propina or ZERO)
        + _suma(one.valor for one in factura.retenciones)
        + _suma(
            (
                info.flete_internacional,
                info.seguro_internacional,
                info.gastos_aduaneros,
                info.gastos_transporte_otros,
            )
        )
        + _suma(one.total for one in factura.otros_rubros_terceros)
    )
    found += _igual(
        "importeTotal",
        info.importe_total,
        calculado,
        _("subtotal, discounts, taxes, tip, retentions, export costs and third-party items"),
    )
    if info.total_subsidio is not None:
        subsidio = _suma(
            to_cents((one.precio_sin_subsidio - one.precio_unitario) * one.cantidad)
            for one in factura.detalles
            if one.precio_sin_subsidio is not None
        )
        found += _igual(
            "totalSubsidio", info.total_subsidio, subsidio, _("the subsidies of the lines")
        )
    found += _reembolsos(factura)
    return found + _pagos(info.pagos, info.importe_total)


def _liquidacion(liquidacion: LiquidacionCompra) -> list[Diferencia]:
    info = liquidacion.info_liquidacion_compra
    adicional = _suma(one.descuento_adicional for one in info.total_con_impuestos)
    found = _lineas(liquidacion.detalles, info.total_sin_impuestos)
    found += _descuentos(liquidacion.detalles, info.total_descuento, adicional)
    found += _impuestos(liquidacion.detalles, info.total_con_impuestos)
    calculado = (
        info.total_sin_impuestos - adicional + _suma(one.valor for one in info.total_con_impuestos)
    )
    found += _igual("importeTotal", info.importe_total, calculado, _("subtotal and taxes"))
    found += _reembolsos(liquidacion)
    return found + _pagos(info.pagos, info.importe_total)


def _nota_credito(nota: NotaCredito) -> list[Diferencia]:
    info = nota.info_nota_credito
    found = _lineas(nota.detalles, info.total_sin_impuestos)
    found += _impuestos(nota.detalles, info.total_con_impuestos)
    calculado = (
        info.total_sin_impuestos
        - _suma(one.valor_devolucion_iva for one in info.total_con_impuestos)
        - _suma(one.valor for one in info.compensaciones)
        + _suma(one.valor for one in info.total_con_impuestos)
    )
    return found + _igual(
        "valorModificacion", info.valor_modificacion, calculado, _("subtotal and taxes")
    )


def _nota_debito(nota: NotaDebito) -> list[Diferencia]:
    info = nota.info_nota_debito
    motivos = _suma(one.valor for one in nota.motivos)
    found = _igual("totalSinImpuestos", info.total_sin_impuestos, motivos, _("the reasons"))
    for one in info.impuestos:
        found += _tarifa("valor", one.valor, one.base_imponible, one.tarifa, 1)
    calculado = (
        info.total_sin_impuestos
        - _suma(one.valor_devolucion_iva for one in info.impuestos)
        - _suma(one.valor for one in info.compensaciones)
        + _suma(one.valor for one in info.impuestos)
    )
    found += _igual("valorTotal", info.valor_total, calculado, _("subtotal and taxes"))
    pagos = tuple(pago for grupo in info.pagos for pago in grupo.pago)
    return found + _pagos(pagos, info.valor_total)


def _retencion(retencion: ComprobanteRetencion) -> list[Diferencia]:
    found: list[Diferencia] = []
    for one in retencion.impuestos:
        found += _tarifa(
            "valorRetenido", one.valor_retenido, one.base_imponible, one.porcentaje_retener, 1
        )
    for doc in retencion.docs_sustento:
        for cada in doc.retenciones:
            if cada.compra_caj_banano is None:
                found += _tarifa(
                    "valorRetenido",
                    cada.valor_retenido,
                    cada.base_imponible,
                    cada.porcentaje_retener,
                    1,
                )
        impuestos = _suma(cada.valor_impuesto for cada in doc.impuestos_doc_sustento)
        found += _igual(
            "importeTotal",
            doc.importe_total,
            doc.total_sin_impuestos + impuestos,
            _("subtotal and taxes"),
        )
        found += _pagos(doc.pagos, doc.importe_total)
    return found


# --- pieces -------------------------------------------------------------------------------------


def _suma(valores: Iterable[Decimal | None]) -> Decimal:
    return sum((one for one in valores if one is not None), ZERO)


def _igual(campo: str, declarado: Decimal, calculado: Decimal, partes: str) -> list[Diferencia]:
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


def _lineas(
    detalles: Sequence[Detalle | DetalleCredito], total_sin_impuestos: Decimal
) -> list[Diferencia]:
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
    suma = _suma(one.precio_total_sin_impuesto for one in detalles)
    return found + _igual("totalSinImpuestos", total_sin_impuestos, suma, _("the lines"))


def _descuentos(
    detalles: Sequence[Detalle], total_descuento: Decimal, adicional: Decimal
) -> list[Diferencia]:
    suma = _suma(one.descuento for one in detalles) + adicional
    return _igual("totalDescuento", total_descuento, suma, _("the discounts of the lines"))


def _impuestos(detalles: Sequence[_Linea], totales: Sequence[_Total]) -> list[Diferencia]:
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
        base = _suma(one.base_imponible for one in suyas)
        valor = _suma(one.valor for one in suyas)
        found += _igual("baseImponible", total.base_imponible, base, _("the bases of the lines"))
        tarifa = next((one.tarifa for one in suyas if one.tarifa is not None), None)
        if tarifa is not None and total.codigo == "2":
            found += _tarifa("valor", total.valor, total.base_imponible, tarifa, len(suyas))
        if total.valor != valor:
            grave = abs(total.valor - valor) > CENT * max(1, len(suyas))
            found.append(_suma_de_lineas(total.valor, valor, len(suyas), grave=grave))
    for clave in lineas.keys() - vistos:
        valor = _suma(one.valor for one in lineas[clave])
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


def _tarifa(
    campo: str, valor: Decimal, base: Decimal, tarifa: Decimal, lineas: int
) -> list[Diferencia]:
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


def _pagos(pagos: Sequence[Pago], total: Decimal) -> list[Diferencia]:
    if not pagos:
        return []
    suma = _suma(one.total for one in pagos)
    return _igual("pagos", total, suma, _("the payment forms"))


def _reembolsos(documento: Factura | LiquidacionCompra) -> list[Diferencia]:
    if not documento.reembolsos:
        return []
    info = (
        documento.info_factura
        if isinstance(documento, Factura)
        else documento.info_liquidacion_compra
    )
    detalles = [one for doc in documento.reembolsos for one in doc.detalle_impuestos]
    base = _suma(one.base_imponible_reembolso for one in detalles)
    impuesto = _suma(one.impuesto_reembolso for one in detalles)
    found: list[Diferencia] = []
    for campo, declarado, calculado in (
        ("totalBaseImponibleReembolso", info.total_base_imponible_reembolso, base),
        ("totalImpuestoReembolso", info.total_impuesto_reembolso, impuesto),
        ("totalComprobantesReembolso", info.total_comprobantes_reembolso, base + impuesto),
    ):
        if declarado is not None:
            found += _igual(campo, declarado, calculado, _("the reimbursed documents"))
    return found
