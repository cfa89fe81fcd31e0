"""Any fiscal request to its document: one table, one call."""

from __future__ import annotations

from core.contracts.fiscal import (
    CreditNoteRequest,
    DebitNoteRequest,
    DispatchGuideRequest,
    FiscalRequest,
    InvoiceRequest,
    PurchaseSettlementRequest,
    WithholdingRequest,
)
from plugins.einvoice_sri.domain.comprobantes import Comprobante
from plugins.einvoice_sri.domain.emisor import Emisor
from plugins.einvoice_sri.domain.from_credit_note import nota_credito
from plugins.einvoice_sri.domain.from_debit_note import nota_debito
from plugins.einvoice_sri.domain.from_dispatch_guide import guia_remision
from plugins.einvoice_sri.domain.from_invoice import factura
from plugins.einvoice_sri.domain.from_purchase_settlement import liquidacion_compra
from plugins.einvoice_sri.domain.from_withholding import retencion


def comprobante(request: FiscalRequest, emisor: Emisor) -> Comprobante:
    """The document that a request asks for; the same request and issuer give the same document.

    Raises ``DocumentoIncompleto`` or ``ClaveInvalida``, and ``TypeError`` for an unknown request.
    """
    match request:
        case InvoiceRequest():
            return factura(request, emisor)
        case CreditNoteRequest():
            return nota_credito(request, emisor)
        case DebitNoteRequest():
            return nota_debito(request, emisor)
        case DispatchGuideRequest():
            return guia_remision(request, emisor)
        case WithholdingRequest():
            return retencion(request, emisor)
        case PurchaseSettlementRequest():
            return liquidacion_compra(request, emisor)
        case _:
            raise TypeError(f"no fiscal document for {type(request).__name__}")
