"""Where a purchase settlement in English becomes a liquidación de compra in Spanish."""

from __future__ import annotations

from core.contracts.fiscal import PurchaseSettlementRequest
from core.domain.money import total
from plugins.einvoice_sri.domain import casos, partes
from plugins.einvoice_sri.domain.emisor import Emisor, una_linea
from plugins.einvoice_sri.domain.liquidacion import InfoLiquidacionCompra, LiquidacionCompra
from plugins.einvoice_sri.domain.tipos import MONEDA, TipoComprobante
from plugins.einvoice_sri.domain.totales import agrupar


def liquidacion_compra(request: PurchaseSettlementRequest, emisor: Emisor) -> LiquidacionCompra:
    """The liquidación de compra 1.1.0; ``request.counterpart`` is who sold."""
    quien = partes.receptor(request.counterpart)
    detalles = tuple(partes.detalle(line) for line in request.lines)
    impuestos = agrupar(one for detalle in detalles for one in detalle.impuestos)
    reembolsos = casos.reembolsos(request.reimbursed)
    subtotal = total(one.precio_total_sin_impuesto for one in detalles)
    return LiquidacionCompra(
        info_tributaria=partes.info_tributaria(request, emisor, TipoComprobante.LIQUIDACION_COMPRA),
        info_liquidacion_compra=InfoLiquidacionCompra(
            fecha_emision=request.issued_on,
            dir_establecimiento=una_linea(emisor.dir_establecimiento) or None,
            contribuyente_especial=emisor.contribuyente_especial or None,
            obligado_contabilidad=partes.si_no(emisor.obligado_contabilidad),
            tipo_identificacion_proveedor=quien.tipo,
            razon_social_proveedor=quien.razon_social,
            identificacion_proveedor=quien.identificacion,
            direccion_proveedor=quien.direccion,
            total_sin_impuestos=subtotal,
            total_descuento=total(one.descuento for one in detalles),
            **reembolsos.totales,
            total_con_impuestos=impuestos,
            importe_total=subtotal + total(one.valor for one in impuestos),
            moneda=MONEDA,
            pagos=partes.pagos(request.payments),
        ),
        detalles=detalles,
        reembolsos=reembolsos.documentos,
        info_adicional=partes.info_adicional(request, emisor, TipoComprobante.LIQUIDACION_COMPRA),
    )
