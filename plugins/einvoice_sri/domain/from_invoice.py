"""Where an invoice in English becomes a factura in Spanish."""

from __future__ import annotations

from core.contracts.fiscal import InvoiceRequest
from core.domain.money import total
from plugins.einvoice_sri.domain import partes
from plugins.einvoice_sri.domain.emisor import Emisor, una_linea
from plugins.einvoice_sri.domain.factura import Factura, InfoFactura
from plugins.einvoice_sri.domain.tipos import MONEDA, TipoComprobante
from plugins.einvoice_sri.domain.totales import agrupar


def factura(request: InvoiceRequest, emisor: Emisor) -> Factura:
    """The factura 1.1.0 of an invoice; the same request and issuer give the same document.

    Raises ``DocumentoIncompleto`` or ``ClaveInvalida`` when the request cannot be written down.
    """
    quien = partes.receptor(request.counterpart)
    detalles = tuple(partes.detalle(line) for line in request.lines)
    impuestos = agrupar(one for detalle in detalles for one in detalle.impuestos)
    subtotal = total(one.precio_total_sin_impuesto for one in detalles)
    importe = subtotal + total(one.valor for one in impuestos) + request.tip
    return Factura(
        info_tributaria=partes.info_tributaria(request, emisor, TipoComprobante.FACTURA),
        info_factura=InfoFactura(
            fecha_emision=request.issued_on,
            dir_establecimiento=una_linea(emisor.dir_establecimiento) or None,
            contribuyente_especial=emisor.contribuyente_especial or None,
            obligado_contabilidad=partes.si_no(emisor.obligado_contabilidad),
            tipo_identificacion_comprador=quien.tipo,
            guia_remision=request.guide_number or None,
            razon_social_comprador=quien.razon_social,
            identificacion_comprador=quien.identificacion,
            direccion_comprador=quien.direccion,
            total_sin_impuestos=subtotal,
            total_descuento=total(one.descuento for one in detalles),
            total_con_impuestos=impuestos,
            propina=request.tip,
            importe_total=importe,
            moneda=MONEDA,
            pagos=partes.pagos(request.payments),
        ),
        detalles=detalles,
        info_adicional=partes.info_adicional(request, emisor, TipoComprobante.FACTURA),
    )
