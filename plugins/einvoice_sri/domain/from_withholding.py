"""Where a withholding in English becomes a comprobante de retención in Spanish."""

from __future__ import annotations

from decimal import Decimal

from core.contracts.fiscal import FiscalTax, WithholdingRequest
from core.domain.money import ZERO
from core.i18n import _
from plugins.einvoice_sri.domain import partes
from plugins.einvoice_sri.domain import secuencial as numeros
from plugins.einvoice_sri.domain.bloques import Pago
from plugins.einvoice_sri.domain.emisor import Emisor, una_linea
from plugins.einvoice_sri.domain.retencion import (
    ComprobanteRetencion,
    DocSustento,
    ImpuestoDocSustento,
    InfoCompRetencion,
    Retencion,
)
from plugins.einvoice_sri.domain.tipos import CodigoImpuesto, TipoComprobante, TipoIdentificacion

PAGO_LOCAL = "01"
#: When the request says nothing: paid through the financial system.
FORMA_PAGO_POR_DEFECTO = "20"


def retencion(request: WithholdingRequest, emisor: Emisor) -> ComprobanteRetencion:
    """The comprobante de retención 2.0.0 over one supporting document.

    Without ``supported_taxes`` the document is declared at 0 % IVA; without ``payments`` it counts
    as paid through the financial system. Raises ``DocumentoIncompleto`` when the document, its
    number or the retentions are missing.
    """
    sustento = partes.sustento(request.supported)
    if not request.taxes:
        raise partes.incompleto("taxes", _("A withholding needs at least one retained tax."))
    try:
        numero = numeros.sin_guiones(sustento.number)
    except ValueError as error:
        raise partes.incompleto(
            "supported", _("The supported document's number must read 001-002-000000123.")
        ) from error
    quien = partes.receptor(request.counterpart)
    impuestos = request.supported_taxes or (
        FiscalTax(CodigoImpuesto.IVA.value, "0", ZERO, request.supported_subtotal, ZERO),
    )
    return ComprobanteRetencion(
        info_tributaria=partes.info_tributaria(request, emisor, TipoComprobante.RETENCION),
        info_comp_retencion=InfoCompRetencion(
            fecha_emision=request.issued_on,
            dir_establecimiento=una_linea(emisor.dir_establecimiento) or None,
            contribuyente_especial=emisor.contribuyente_especial or None,
            obligado_contabilidad=partes.si_no(emisor.obligado_contabilidad),
            tipo_identificacion_sujeto_retenido=quien.tipo,
            tipo_sujeto_retenido=(
                request.subject_kind or None if quien.tipo == TipoIdentificacion.EXTERIOR else None
            ),
            parte_rel=partes.si_no(request.related_party),
            razon_social_sujeto_retenido=quien.razon_social,
            identificacion_sujeto_retenido=quien.identificacion,
            periodo_fiscal=request.fiscal_period or f"{sustento.issued_on:%m/%Y}",
        ),
        docs_sustento=(
            DocSustento(
                cod_sustento=request.support_code,
                cod_doc_sustento=sustento.kind,
                num_doc_sustento=numero,
                fecha_emision_doc_sustento=sustento.issued_on,
                fecha_registro_contable=sustento.issued_on,
                num_aut_doc_sustento=sustento.access_key or None,
                pago_loc_ext=PAGO_LOCAL,
                total_sin_impuestos=request.supported_subtotal,
                importe_total=request.supported_total,
                impuestos_doc_sustento=tuple(
                    ImpuestoDocSustento(
                        cod_impuesto_doc_sustento=tax.code,
                        codigo_porcentaje=tax.rate_code,
                        base_imponible=tax.base,
                        tarifa=_porcentaje(tax.rate),
                        valor_impuesto=tax.amount,
                    )
                    for tax in impuestos
                ),
                retenciones=tuple(
                    Retencion(
                        codigo=tax.code,
                        codigo_retencion=tax.withholding_code,
                        base_imponible=tax.base,
                        porcentaje_retener=_porcentaje(tax.rate),
                        valor_retenido=tax.amount,
                    )
                    for tax in request.taxes
                ),
                pagos=tuple(
                    Pago(forma_pago=one.method, total=one.total) for one in request.payments
                )
                or (Pago(forma_pago=FORMA_PAGO_POR_DEFECTO, total=request.supported_total),),
            ),
        ),
        info_adicional=partes.info_adicional(request, emisor, TipoComprobante.RETENCION),
    )


def _porcentaje(rate: Decimal) -> Decimal:
    """The shortest writing, because the schema allows three digits: ``10.00 -> 10``, ``1.75``."""
    return Decimal(format(rate.normalize(), "f"))
