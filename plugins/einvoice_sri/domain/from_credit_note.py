"""Where a credit note in English becomes a nota de crédito in Spanish."""

from __future__ import annotations

from core.contracts.fiscal import CreditNoteRequest
from core.domain.money import total
from core.i18n import _
from plugins.einvoice_sri.domain import partes
from plugins.einvoice_sri.domain.bloques import Detalle as Linea
from plugins.einvoice_sri.domain.emisor import Emisor, una_linea
from plugins.einvoice_sri.domain.nota_credito import (
    Detalle,
    InfoNotaCredito,
    NotaCredito,
    TotalImpuesto,
)
from plugins.einvoice_sri.domain.tipos import MONEDA, TipoComprobante
from plugins.einvoice_sri.domain.totales import agrupar


def nota_credito(request: CreditNoteRequest, emisor: Emisor) -> NotaCredito:
    """The nota de crédito 1.1.0 of a credit note.

    Its taxes are those of the request, which carries the rates of the supported document's day.
    Raises ``DocumentoIncompleto`` when the supported document or the reason is missing.
    """
    sustento = partes.sustento(request.supported)
    if not request.reason.strip():
        raise partes.incompleto(
            "reason", _("Say why the credit note is issued: SRI demands a reason.")
        )
    quien = partes.receptor(request.counterpart)
    detalles = tuple(_detalle(partes.detalle(line)) for line in request.lines)
    impuestos = tuple(
        TotalImpuesto(
            codigo=one.codigo,
            codigo_porcentaje=one.codigo_porcentaje,
            base_imponible=one.base_imponible,
            valor=one.valor,
        )
        for one in agrupar(tax for detalle in detalles for tax in detalle.impuestos)
    )
    subtotal = total(one.precio_total_sin_impuesto for one in detalles)
    return NotaCredito(
        info_tributaria=partes.info_tributaria(request, emisor, TipoComprobante.NOTA_CREDITO),
        info_nota_credito=InfoNotaCredito(
            fecha_emision=request.issued_on,
            dir_establecimiento=una_linea(emisor.dir_establecimiento) or None,
            tipo_identificacion_comprador=quien.tipo,
            razon_social_comprador=quien.razon_social,
            identificacion_comprador=quien.identificacion,
            contribuyente_especial=emisor.contribuyente_especial or None,
            obligado_contabilidad=partes.si_no(emisor.obligado_contabilidad),
            cod_doc_modificado=sustento.kind,
            num_doc_modificado=sustento.number,
            fecha_emision_doc_sustento=sustento.issued_on,
            total_sin_impuestos=subtotal,
            valor_modificacion=subtotal + total(one.valor for one in impuestos),
            moneda=MONEDA,
            total_con_impuestos=impuestos,
            motivo=una_linea(request.reason),
        ),
        detalles=detalles,
        info_adicional=partes.info_adicional(request, emisor, TipoComprobante.NOTA_CREDITO),
    )


def _detalle(linea: Linea) -> Detalle:
    return Detalle(
        codigo_interno=linea.codigo_principal,
        codigo_adicional=linea.codigo_auxiliar,
        descripcion=linea.descripcion,
        cantidad=linea.cantidad,
        precio_unitario=linea.precio_unitario,
        descuento=linea.descuento,
        precio_total_sin_impuesto=linea.precio_total_sin_impuesto,
        detalles_adicionales=linea.detalles_adicionales,
        impuestos=linea.impuestos,
    )
