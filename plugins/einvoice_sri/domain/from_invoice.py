"""Where an invoice in English becomes a factura in Spanish."""

from __future__ import annotations

from core.contracts.fiscal import InvoiceRequest
from core.domain.money import total
from plugins.einvoice_sri.domain import casos, partes
from plugins.einvoice_sri.domain.bloques import TipoNegociable
from plugins.einvoice_sri.domain.emisor import Emisor, una_linea
from plugins.einvoice_sri.domain.factura import Factura, InfoFactura, Retencion, Rubro
from plugins.einvoice_sri.domain.tipos import MONEDA, TipoComprobante
from plugins.einvoice_sri.domain.totales import agrupar

AUTORRETENCION = "4"


def factura(request: InvoiceRequest, emisor: Emisor) -> Factura:
    """The factura of an invoice; the same request and issuer give the same document.

    It is of version 1.1.0, or 2.1.0 where the transport or third parties' amounts need it. Raises
    ``DocumentoIncompleto`` or ``ClaveInvalida`` when the request cannot be written down.
    """
    quien = partes.receptor(request.counterpart)
    detalles = tuple(partes.detalle(line) for line in request.lines)
    impuestos = agrupar(one for detalle in detalles for one in detalle.impuestos)
    impuestos = casos.con_devolucion(impuestos, request.iva_refund)
    reembolsos = casos.reembolsos(request.reimbursed)
    subtotal = total(one.precio_total_sin_impuesto for one in detalles)
    importe = (
        subtotal
        + total(one.valor for one in impuestos)
        - request.iva_refund
        + request.tip
        + total(one.amount for one in request.self_withheld)
        + casos.gastos(request.export)
        + total(amount for _concept, amount in request.third_party)
    )
    info = InfoFactura(
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
        total_subsidio=casos.subsidio(detalles),
        total_descuento=total(one.descuento for one in detalles),
        **reembolsos.totales,
        total_con_impuestos=impuestos,
        propina=request.tip,
        importe_total=importe,
        moneda=MONEDA,
        placa=una_linea(request.plate) or None,
        pagos=partes.pagos(request.payments),
    )
    return Factura(
        version=casos.version(request),
        info_tributaria=partes.info_tributaria(request, emisor, TipoComprobante.FACTURA),
        info_factura=casos.con_exportacion(info, request.export),
        detalles=detalles,
        reembolsos=reembolsos.documentos,
        retenciones=tuple(
            Retencion(
                codigo=AUTORRETENCION,
                codigo_porcentaje=one.rate_code,
                tarifa=partes.tarifa(one.rate),
                valor=one.amount,
            )
            for one in request.self_withheld
        ),
        info_sustitutiva_guia_remision=casos.en_lugar_de_guia(request.transport),
        otros_rubros_terceros=tuple(
            Rubro(concepto=una_linea(concept), total=amount)
            for concept, amount in request.third_party
        ),
        tipo_negociable=(
            TipoNegociable(correo=request.negotiable_email) if request.negotiable_email else None
        ),
        info_adicional=partes.info_adicional(request, emisor, TipoComprobante.FACTURA),
    )
