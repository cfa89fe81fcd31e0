"""SRI's own arithmetic, done before SRI does it (code 52), with the cent explained.

``total_sin_impuestos - descuento_adicional - devolución de IVA - compensaciones + impuestos +
propina + retenciones + gastos de exportación + rubros de terceros = importe_total``, and
``total_descuento`` = the lines' discounts + ``descuento_adicional``.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from core.domain.money import ZERO, to_cents
from core.i18n import _, lazy
from plugins.einvoice_sri.domain import cuadre
from plugins.einvoice_sri.domain.bloques import Impuesto, TotalImpuesto
from plugins.einvoice_sri.domain.comprobantes import Comprobante
from plugins.einvoice_sri.domain.cuadre import Diferencia
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
from plugins.einvoice_sri.domain.nota_credito import NotaCredito
from plugins.einvoice_sri.domain.nota_debito import NotaDebito
from plugins.einvoice_sri.domain.retencion import ComprobanteRetencion

__all__ = ["Diferencia", "agrupar", "comprobar", "graves"]

_SUMANDOS = lazy("subtotal, discounts, taxes, tip, retentions, export costs and third-party items")


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


def _factura(factura: Factura) -> list[Diferencia]:
    info = factura.info_factura
    adicional = cuadre.sumar(one.descuento_adicional for one in info.total_con_impuestos)
    found = cuadre.comprobar_lineas(factura.detalles, info.total_sin_impuestos)
    found += cuadre.comprobar_descuentos(factura.detalles, info.total_descuento, adicional)
    found += cuadre.comprobar_impuestos(factura.detalles, info.total_con_impuestos)
    calculado = (
        info.total_sin_impuestos
        - adicional
        - cuadre.sumar(one.valor_devolucion_iva for one in info.total_con_impuestos)
        - cuadre.sumar(one.valor for one in info.compensaciones)
        + cuadre.sumar(one.valor for one in info.total_con_impuestos)
        + (info.propina or ZERO)
        + cuadre.sumar(one.valor for one in factura.retenciones)
        + cuadre.sumar(
            (
                info.flete_internacional,
                info.seguro_internacional,
                info.gastos_aduaneros,
                info.gastos_transporte_otros,
            )
        )
        + cuadre.sumar(one.total for one in factura.otros_rubros_terceros)
    )
    found += cuadre.comparar(
        "importeTotal",
        info.importe_total,
        calculado,
        _SUMANDOS,
    )
    if info.total_subsidio is not None:
        subsidio = cuadre.sumar(
            to_cents((one.precio_sin_subsidio - one.precio_unitario) * one.cantidad)
            for one in factura.detalles
            if one.precio_sin_subsidio is not None
        )
        found += cuadre.comparar(
            "totalSubsidio", info.total_subsidio, subsidio, _("the subsidies of the lines")
        )
    found += _reembolsos(factura)
    return found + cuadre.comprobar_pagos(info.pagos, info.importe_total)


def _liquidacion(liquidacion: LiquidacionCompra) -> list[Diferencia]:
    info = liquidacion.info_liquidacion_compra
    adicional = cuadre.sumar(one.descuento_adicional for one in info.total_con_impuestos)
    found = cuadre.comprobar_lineas(liquidacion.detalles, info.total_sin_impuestos)
    found += cuadre.comprobar_descuentos(liquidacion.detalles, info.total_descuento, adicional)
    found += cuadre.comprobar_impuestos(liquidacion.detalles, info.total_con_impuestos)
    calculado = (
        info.total_sin_impuestos
        - adicional
        + cuadre.sumar(one.valor for one in info.total_con_impuestos)
    )
    found += cuadre.comparar("importeTotal", info.importe_total, calculado, _("subtotal and taxes"))
    found += _reembolsos(liquidacion)
    return found + cuadre.comprobar_pagos(info.pagos, info.importe_total)


def _nota_credito(nota: NotaCredito) -> list[Diferencia]:
    info = nota.info_nota_credito
    found = cuadre.comprobar_lineas(nota.detalles, info.total_sin_impuestos)
    found += cuadre.comprobar_impuestos(nota.detalles, info.total_con_impuestos)
    calculado = (
        info.total_sin_impuestos
        - cuadre.sumar(one.valor_devolucion_iva for one in info.total_con_impuestos)
        - cuadre.sumar(one.valor for one in info.compensaciones)
        + cuadre.sumar(one.valor for one in info.total_con_impuestos)
    )
    return found + cuadre.comparar(
        "valorModificacion", info.valor_modificacion, calculado, _("subtotal and taxes")
    )


def _nota_debito(nota: NotaDebito) -> list[Diferencia]:
    info = nota.info_nota_debito
    motivos = cuadre.sumar(one.valor for one in nota.motivos)
    found = cuadre.comparar(
        "totalSinImpuestos", info.total_sin_impuestos, motivos, _("the reasons")
    )
    for one in info.impuestos:
        found += cuadre.comprobar_tarifa("valor", one.valor, one.base_imponible, one.tarifa, 1)
    calculado = (
        info.total_sin_impuestos
        - cuadre.sumar(one.valor_devolucion_iva for one in info.impuestos)
        - cuadre.sumar(one.valor for one in info.compensaciones)
        + cuadre.sumar(one.valor for one in info.impuestos)
    )
    found += cuadre.comparar("valorTotal", info.valor_total, calculado, _("subtotal and taxes"))
    pagos = tuple(pago for grupo in info.pagos for pago in grupo.pago)
    return found + cuadre.comprobar_pagos(pagos, info.valor_total)


def _retencion(retencion: ComprobanteRetencion) -> list[Diferencia]:
    found: list[Diferencia] = []
    for one in retencion.impuestos:
        found += cuadre.comprobar_tarifa(
            "valorRetenido", one.valor_retenido, one.base_imponible, one.porcentaje_retener, 1
        )
    for doc in retencion.docs_sustento:
        for cada in doc.retenciones:
            if cada.compra_caj_banano is None:
                found += cuadre.comprobar_tarifa(
                    "valorRetenido",
                    cada.valor_retenido,
                    cada.base_imponible,
                    cada.porcentaje_retener,
                    1,
                )
        impuestos = cuadre.sumar(cada.valor_impuesto for cada in doc.impuestos_doc_sustento)
        found += cuadre.comparar(
            "importeTotal",
            doc.importe_total,
            doc.total_sin_impuestos + impuestos,
            _("subtotal and taxes"),
        )
        found += cuadre.comprobar_pagos(doc.pagos, doc.importe_total)
    return found


def _reembolsos(documento: Factura | LiquidacionCompra) -> list[Diferencia]:
    if not documento.reembolsos:
        return []
    info = (
        documento.info_factura
        if isinstance(documento, Factura)
        else documento.info_liquidacion_compra
    )
    detalles = [one for doc in documento.reembolsos for one in doc.detalle_impuestos]
    base = cuadre.sumar(one.base_imponible_reembolso for one in detalles)
    impuesto = cuadre.sumar(one.impuesto_reembolso for one in detalles)
    found: list[Diferencia] = []
    for campo, declarado, calculado in (
        ("totalBaseImponibleReembolso", info.total_base_imponible_reembolso, base),
        ("totalImpuestoReembolso", info.total_impuesto_reembolso, impuesto),
        ("totalComprobantesReembolso", info.total_comprobantes_reembolso, base + impuesto),
    ):
        if declarado is not None:
            found += cuadre.comparar(campo, declarado, calculado, _("the reimbursed documents"))
    return found
