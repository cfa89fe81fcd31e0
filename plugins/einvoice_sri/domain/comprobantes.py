"""The six documents as one type."""

from __future__ import annotations

from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.guia_remision import GuiaRemision
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
from plugins.einvoice_sri.domain.nota_credito import NotaCredito
from plugins.einvoice_sri.domain.nota_debito import NotaDebito
from plugins.einvoice_sri.domain.retencion import ComprobanteRetencion
from plugins.einvoice_sri.domain.tipos import TipoComprobante

Comprobante = (
    Factura | LiquidacionCompra | NotaCredito | NotaDebito | GuiaRemision | ComprobanteRetencion
)

CLASES: dict[TipoComprobante, type[Comprobante]] = {
    TipoComprobante.FACTURA: Factura,
    TipoComprobante.LIQUIDACION_COMPRA: LiquidacionCompra,
    TipoComprobante.NOTA_CREDITO: NotaCredito,
    TipoComprobante.NOTA_DEBITO: NotaDebito,
    TipoComprobante.GUIA_REMISION: GuiaRemision,
    TipoComprobante.RETENCION: ComprobanteRetencion,
}


def tipo(comprobante: Comprobante) -> TipoComprobante:
    """The kind of a document, by its class."""
    return _TIPOS[type(comprobante)]


_TIPOS: dict[type[Comprobante], TipoComprobante] = {clase: cual for cual, clase in CLASES.items()}
