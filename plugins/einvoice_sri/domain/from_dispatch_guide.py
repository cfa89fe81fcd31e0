"""Where a dispatch guide in English becomes a guía de remisión in Spanish."""

from __future__ import annotations

from decimal import Decimal

from core.contracts.fiscal import DispatchGuideRequest, GuideDestination
from core.i18n import _
from plugins.einvoice_sri.domain import partes
from plugins.einvoice_sri.domain.emisor import Emisor, una_linea
from plugins.einvoice_sri.domain.guia_remision import (
    Destinatario,
    Detalle,
    GuiaRemision,
    InfoGuiaRemision,
)
from plugins.einvoice_sri.domain.tipos import TipoComprobante


def guia_remision(request: DispatchGuideRequest, emisor: Emisor) -> GuiaRemision:
    """The guía de remisión 1.1.0; ``request.counterpart`` carries, ``issued_on`` goes into the key.

    Raises ``DocumentoIncompleto`` when the days of the transport are missing.
    """
    if request.starts_on is None:
        raise partes.incompleto("starts_on", _("Say on which day the transport starts."))
    quien = partes.receptor(request.counterpart)
    return GuiaRemision(
        info_tributaria=partes.info_tributaria(request, emisor, TipoComprobante.GUIA_REMISION),
        info_guia_remision=InfoGuiaRemision(
            dir_establecimiento=una_linea(emisor.dir_establecimiento) or None,
            dir_partida=una_linea(request.start_address),
            razon_social_transportista=quien.razon_social,
            tipo_identificacion_transportista=quien.tipo,
            ruc_transportista=quien.identificacion,
            obligado_contabilidad=partes.si_no(emisor.obligado_contabilidad),
            contribuyente_especial=emisor.contribuyente_especial or None,
            fecha_ini_transporte=request.starts_on,
            fecha_fin_transporte=request.ends_on or request.starts_on,
            placa=una_linea(request.plate),
        ),
        destinatarios=tuple(_destinatario(one) for one in request.destinations),
        info_adicional=partes.info_adicional(
            request, emisor, TipoComprobante.GUIA_REMISION, contacto=False
        ),
    )


def _destinatario(destination: GuideDestination) -> Destinatario:
    quien = partes.receptor(destination.consignee)
    supported = destination.supported
    return Destinatario(
        identificacion_destinatario=quien.identificacion,
        razon_social_destinatario=quien.razon_social,
        dir_destinatario=una_linea(destination.address),
        motivo_traslado=una_linea(destination.reason),
        ruta=una_linea(destination.route) or None,
        cod_doc_sustento=supported.kind if supported else None,
        num_doc_sustento=supported.number if supported else None,
        num_aut_doc_sustento=(supported.access_key or None) if supported else None,
        fecha_emision_doc_sustento=supported.issued_on if supported else None,
        detalles=tuple(_detalle(*item) for item in destination.items),
    )


def _detalle(code: str, description: str, quantity: Decimal) -> Detalle:
    return Detalle(
        codigo_interno=una_linea(code) or None,
        descripcion=una_linea(description),
        cantidad=partes.medida(quantity),
    )
