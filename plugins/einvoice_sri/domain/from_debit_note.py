"""Where a debit note in English becomes a nota de débito in Spanish."""

from __future__ import annotations

from core.contracts.fiscal import DebitNoteRequest
from core.domain.money import total
from core.i18n import _
from plugins.einvoice_sri.domain import partes
from plugins.einvoice_sri.domain.emisor import Emisor, una_linea
from plugins.einvoice_sri.domain.nota_debito import (
    Impuesto,
    InfoNotaDebito,
    Motivo,
    NotaDebito,
    Pagos,
)
from plugins.einvoice_sri.domain.tipos import TipoComprobante


def nota_debito(request: DebitNoteRequest, emisor: Emisor) -> NotaDebito:
    """The nota de débito 1.0.0 of a debit note.

    Its taxes are those of the request, which carries the rates of the supported document's day.
    Raises ``DocumentoIncompleto`` when the supported document or the reasons are missing.
    """
    sustento = partes.sustento(request.supported)
    if not request.reasons:
        raise partes.incompleto(
            "reasons", _("A debit note needs at least one reason with its amount.")
        )
    quien = partes.receptor(request.counterpart)
    subtotal = total(amount for _reason, amount in request.reasons)
    pagos = partes.pagos(request.payments)
    return NotaDebito(
        info_tributaria=partes.info_tributaria(request, emisor, TipoComprobante.NOTA_DEBITO),
        info_nota_debito=InfoNotaDebito(
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
            impuestos=tuple(
                Impuesto(
                    codigo=tax.code,
                    codigo_porcentaje=tax.rate_code,
                    tarifa=partes.tarifa(tax.rate),
                    base_imponible=tax.base,
                    valor=tax.amount,
                )
                for tax in request.taxes
            ),
            valor_total=subtotal + total(tax.amount for tax in request.taxes),
            pagos=(Pagos(pago=pagos),) if pagos else (),
        ),
        motivos=tuple(
            Motivo(razon=una_linea(reason), valor=amount) for reason, amount in request.reasons
        ),
        info_adicional=partes.info_adicional(request, emisor, TipoComprobante.NOTA_DEBITO),
    )
