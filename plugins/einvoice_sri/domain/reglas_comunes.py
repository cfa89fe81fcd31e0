"""Rules about the key, the dates, the taxes and the payments of any document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.domain.money import ZERO
from core.i18n import _
from plugins.einvoice_sri.domain import catalogos
from plugins.einvoice_sri.domain import clave_acceso as claves
from plugins.einvoice_sri.domain.bloques import InfoTributaria, Pago
from plugins.einvoice_sri.domain.comprobantes import Comprobante, tipo
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.hallazgos import (
    Contexto,
    Hallazgo,
    fecha_emision,
    fecha_que_cuenta,
    impuestos_de,
)
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
from plugins.einvoice_sri.domain.tipos import (
    CodigoImpuesto,
    Regimen,
)

#: Above this a payment outside the financial system is not deductible (USD).
LIMITE_EFECTIVO = Decimal("500.00")
SIN_SISTEMA_FINANCIERO = "01"
#: Older than this is probably a slip; SRI's own limit (65) is not published.
DIAS_RAZONABLES = 90


def clave(comprobante: Comprobante, _contexto: Contexto) -> Iterator[Hallazgo]:
    """The key must be well formed and say what the document says (58, 80)."""
    info = comprobante.info_tributaria
    try:
        clave = claves.parse(info.clave_acceso)
    except claves.ClaveInvalida as error:
        yield Hallazgo(
            "clave",
            "claveAcceso",
            _("The access key is not well formed (%(part)s).", part=error.motivo),
            codigo_sri="80",
        )
        return
    if (
        clave.fecha_emision != fecha_emision(comprobante)
        or clave.cod_doc != tipo(comprobante)
        or clave.cod_doc != info.cod_doc
        or _serie(info) != (clave.ruc, clave.ambiente, clave.establecimiento, clave.punto_emision)
        or clave.secuencial != info.secuencial
    ):
        yield Hallazgo(
            "clave_distinta",
            "claveAcceso",
            _("The access key does not say what the document says: build it again."),
            codigo_sri="58",
        )


def _serie(info: InfoTributaria) -> tuple[str, str, str, str]:
    return info.ruc, info.ambiente, info.estab, info.pto_emi


def fecha(comprobante: Comprobante, contexto: Contexto) -> Iterator[Hallazgo]:
    """Not in the future (65); a warning when it is old."""
    try:
        fecha = fecha_emision(comprobante)
    except claves.ClaveInvalida:
        return  # the rule of the key says it
    if fecha > contexto.hoy:
        yield Hallazgo(
            "fecha_futura",
            "fechaEmision",
            _(
                "The issue date %(day)s lies in the future: SRI takes no document before its day.",
                day=f"{fecha:%d/%m/%Y}",
            ),
            codigo_sri="65",
        )
    elif fecha < contexto.hoy - timedelta(days=DIAS_RAZONABLES):
        yield Hallazgo(
            "fecha_antigua",
            "fechaEmision",
            _(
                "The issue date %(day)s is more than %(days)s days old: SRI may refuse it as late.",
                day=f"{fecha:%d/%m/%Y}",
                days=DIAS_RAZONABLES,
            ),
            grave=False,
            codigo_sri="65",
        )


def tipo_emision(comprobante: Comprobante, _contexto: Contexto) -> Iterator[Hallazgo]:
    """Only 1 exists in the offline scheme."""
    if comprobante.info_tributaria.tipo_emision != "1":
        yield Hallazgo(
            "tipo_emision",
            "tipoEmision",
            _("Only the normal kind of emission (1) exists in the offline scheme."),
            codigo_sri="35",
        )


def iva(documento: Any, contexto: Contexto) -> Iterator[Hallazgo]:
    """Each IVA code must be in force on the day that counts, with its rate."""
    dia = fecha_que_cuenta(documento)
    for impuesto in impuestos_de(documento):
        if impuesto.codigo != CodigoImpuesto.IVA:
            continue
        fila = catalogos.buscar("tarifas_iva", impuesto.codigo_porcentaje, dia)
        if fila is None:
            yield Hallazgo(
                "iva_no_vigente",
                "codigoPorcentaje",
                _(
                    "The IVA code %(code)s was not in force on %(day)s: choose the rate of that day"
                    " in the product or plan.",
                    code=impuesto.codigo_porcentaje,
                    day=f"{dia:%d/%m/%Y}",
                ),
            )
        elif impuesto.tarifa is not None and impuesto.tarifa not in fila.tarifas:
            yield Hallazgo(
                "iva_tarifa",
                "tarifa",
                _(
                    "The IVA code %(code)s stands for %(right)s %%, not for %(rate)s %%: correct the"
                    " product's rate.",
                    code=fila.codigo,
                    right=fila.tarifas[0],
                    rate=impuesto.tarifa,
                ),
            )
    if contexto.regimen == Regimen.RIMPE_NEGOCIO_POPULAR and any(
        impuesto.codigo == CodigoImpuesto.IVA and impuesto.valor > ZERO
        for impuesto in impuestos_de(documento)
    ):
        yield Hallazgo(
            "negocio_popular_iva",
            "codigoPorcentaje",
            _(
                "The company is a RIMPE negocio popular on that day, and a negocio popular charges no IVA:"
                " use the rate of 0 percent on every line, or correct the regime of the company."
            ),
        )


def pagos(documento: Any, contexto: Contexto) -> Iterator[Hallazgo]:
    """Payment forms of table 24; a warning above 500 USD in cash."""
    pagos = _formas(documento)
    dia = fecha_emision(documento)
    for pago in pagos:
        if catalogos.buscar("formas_pago", pago.forma_pago, dia) is None:
            yield Hallazgo(
                "forma_pago",
                "formaPago",
                _(
                    "Payment form %(code)s is not in SRI's table: choose another, such as 01 or 20.",
                    code=pago.forma_pago,
                ),
            )
        elif pago.forma_pago == SIN_SISTEMA_FINANCIERO and pago.total > LIMITE_EFECTIVO:
            yield Hallazgo(
                "efectivo",
                "formaPago",
                _(
                    "More than %(most)s USD outside the financial system: the buyer cannot deduct it.",
                    most=LIMITE_EFECTIVO,
                ),
                grave=False,
            )
    if not pagos:
        yield Hallazgo(
            "sin_pagos",
            "pagos",
            _("The document has no payment form; SRI asks for one."),
            grave=False,
        )


def _formas(documento: Any) -> tuple[Pago, ...]:
    if isinstance(documento, Factura):
        return documento.info_factura.pagos
    if isinstance(documento, LiquidacionCompra):
        return documento.info_liquidacion_compra.pagos
    return tuple(pago for grupo in documento.info_nota_debito.pagos for pago in grupo.pago)
