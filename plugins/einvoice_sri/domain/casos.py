"""The special cases of a sale: export, reimbursement, transport, subsidies, refunds of IVA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple, TypedDict

from core.contracts.fiscal import ExportFacts, InvoiceRequest, ReimbursedDocument, TransportFacts
from core.domain.money import ZERO, to_cents, total
from core.i18n import _
from plugins.einvoice_sri.domain import partes
from plugins.einvoice_sri.domain import secuencial as numeros
from plugins.einvoice_sri.domain.bloques import (
    Detalle,
    DetalleImpuesto,
    ReembolsoDetalle,
    TotalImpuesto,
)
from plugins.einvoice_sri.domain.emisor import una_linea
from plugins.einvoice_sri.domain.factura import (
    Destino,
    InfoFactura,
    InfoSustitutivaGuiaRemision,
)
from plugins.einvoice_sri.domain.tipos import CodigoImpuesto

EXPORTADOR = "EXPORTADOR"
COD_REEMBOLSO = "41"


class TotalesReembolso(TypedDict):
    """The head's fields about reimbursed documents."""

    cod_doc_reembolso: str | None
    total_comprobantes_reembolso: Decimal | None
    total_base_imponible_reembolso: Decimal | None
    total_impuesto_reembolso: Decimal | None


class Reembolsos(NamedTuple):
    """Reimbursed documents and their sums."""

    totales: TotalesReembolso
    documentos: tuple[ReembolsoDetalle, ...]


def version(request: InvoiceRequest) -> str:
    """1.1.0, or 2.1.0 where only that has the elements (annexes 8 and 9)."""
    return "2.1.0" if request.third_party or request.transport else "1.1.0"


def con_exportacion(info: InfoFactura, export: ExportFacts | None) -> InfoFactura:
    """The head of an export (annex 4); a cost of zero is written, as SRI's example does."""
    if export is None:
        return info
    return replace(
        info,
        comercio_exterior=EXPORTADOR,
        inco_term_factura=export.incoterm,
        lugar_inco_term=una_linea(export.incoterm_place),
        pais_origen=export.origin_country,
        puerto_embarque=una_linea(export.loading_port),
        puerto_destino=una_linea(export.unloading_port),
        pais_destino=export.destination_country,
        pais_adquisicion=export.acquisition_country,
        inco_term_total_sin_impuestos=export.incoterm,
        flete_internacional=export.freight,
        seguro_internacional=export.insurance,
        gastos_aduaneros=export.customs,
        gastos_transporte_otros=export.other_transport,
    )


def gastos(export: ExportFacts | None) -> Decimal:
    """What an export charges besides the goods."""
    if export is None:
        return ZERO
    return export.freight + export.insurance + export.customs + export.other_transport


def reembolsos(documents: Sequence[ReimbursedDocument]) -> Reembolsos:
    """The reimbursed documents (annex 5) with the sums that the head declares."""
    if not documents:
        nada = TotalesReembolso(
            cod_doc_reembolso=None,
            total_comprobantes_reembolso=None,
            total_base_imponible_reembolso=None,
            total_impuesto_reembolso=None,
        )
        return Reembolsos(nada, ())
    base = total(tax.base for one in documents for tax in one.taxes)
    impuesto = total(tax.amount for one in documents for tax in one.taxes)
    totales = TotalesReembolso(
        cod_doc_reembolso=COD_REEMBOLSO,
        total_comprobantes_reembolso=base + impuesto,
        total_base_imponible_reembolso=base,
        total_impuesto_reembolso=impuesto,
    )
    return Reembolsos(totales, tuple(_reembolso(one) for one in documents))


def _reembolso(one: ReimbursedDocument) -> ReembolsoDetalle:
    try:
        estab, pto_emi, secuencial = numeros.partes(one.number)
    except ValueError as error:
        raise partes.incompleto(
            "reimbursed", _("The number of a reimbursed document must read 001-002-000000123.")
        ) from error
    return ReembolsoDetalle(
        tipo_identificacion_proveedor_reembolso=one.supplier_tax_id_type,
        identificacion_proveedor_reembolso=una_linea(one.supplier_tax_id),
        cod_pais_pago_proveedor_reembolso=one.country or None,
        tipo_proveedor_reembolso=one.supplier_kind,
        cod_doc_reembolso=one.kind,
        estab_doc_reembolso=estab,
        pto_emi_doc_reembolso=pto_emi,
        secuencial_doc_reembolso=secuencial,
        fecha_emision_doc_reembolso=one.issued_on,
        numeroautorizacion_doc_reemb=one.authorization,
        detalle_impuestos=tuple(
            DetalleImpuesto(
                codigo=tax.code,
                codigo_porcentaje=tax.rate_code,
                tarifa=str(partes.tarifa(tax.rate)),
                base_imponible_reembolso=tax.base,
                impuesto_reembolso=tax.amount,
            )
            for tax in one.taxes
        ),
    )


def en_lugar_de_guia(transport: TransportFacts | None) -> InfoSustitutivaGuiaRemision | None:
    """The transport inside the factura (annex 9)."""
    if transport is None:
        return None
    quien = partes.receptor(transport.carrier)
    return InfoSustitutivaGuiaRemision(
        dir_partida=una_linea(transport.start_address),
        dir_destinatario=una_linea(transport.destination_address),
        fecha_ini_transporte=transport.starts_on,
        fecha_fin_transporte=transport.ends_on,
        razon_social_transportista=quien.razon_social,
        tipo_identificacion_transportista=quien.tipo,
        ruc_transportista=quien.identificacion,
        placa=una_linea(transport.plate),
        destinos=tuple(
            Destino(motivo_traslado=una_linea(reason), ruta=una_linea(transport.route) or None)
            for reason in transport.reasons
        ),
    )


def subsidio(detalles: Sequence[Detalle]) -> Decimal | None:
    """What the State pays of the lines (annex 6); None when no line has a subsidy."""
    partes_ = [
        to_cents((one.precio_sin_subsidio - one.precio_unitario) * one.cantidad)
        for one in detalles
        if one.precio_sin_subsidio is not None
    ]
    return total(partes_) if partes_ else None


def con_devolucion(
    impuestos: tuple[TotalImpuesto, ...], refund: Decimal
) -> tuple[TotalImpuesto, ...]:
    """The IVA given back (annex 20), noted at the largest IVA of the document."""
    if not refund:
        return impuestos
    ivas = [one for one in impuestos if one.codigo == CodigoImpuesto.IVA]
    if not ivas:
        raise partes.incompleto(
            "iva_refund", _("There is no IVA in the document that could be given back.")
        )
    largest = max(ivas, key=lambda one: one.valor)
    return tuple(
        replace(one, valor_devolucion_iva=refund) if one is largest else one for one in impuestos
    )
