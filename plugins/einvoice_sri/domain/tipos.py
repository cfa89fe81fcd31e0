"""The closed lists of SRI's scheme: kinds of document, their versions, environments, legends."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum


class TipoComprobante(StrEnum):
    """``codDoc``, table 3 of the ficha técnica."""

    FACTURA = "01"
    LIQUIDACION_COMPRA = "03"
    NOTA_CREDITO = "04"
    NOTA_DEBITO = "05"
    GUIA_REMISION = "06"
    RETENCION = "07"


class Ambiente(StrEnum):
    """``ambiente``, table 4."""

    PRUEBAS = "1"
    PRODUCCION = "2"


class Regimen(StrEnum):
    """The issuer's regime; it decides the legend and what he may charge."""

    GENERAL = "general"
    RIMPE_EMPRENDEDOR = "rimpe_emprendedor"
    RIMPE_NEGOCIO_POPULAR = "rimpe_negocio_popular"


class TipoIdentificacion(StrEnum):
    """Table 6."""

    RUC = "04"
    CEDULA = "05"
    PASAPORTE = "06"
    CONSUMIDOR_FINAL = "07"
    EXTERIOR = "08"


class CodigoImpuesto(StrEnum):
    """``codigo`` of a tax."""

    IVA = "2"
    ICE = "3"
    IRBPNR = "5"


#: Root element of each kind.
RAICES: dict[TipoComprobante, str] = {
    TipoComprobante.FACTURA: "factura",
    TipoComprobante.LIQUIDACION_COMPRA: "liquidacionCompra",
    TipoComprobante.NOTA_CREDITO: "notaCredito",
    TipoComprobante.NOTA_DEBITO: "notaDebito",
    TipoComprobante.GUIA_REMISION: "guiaRemision",
    TipoComprobante.RETENCION: "comprobanteRetencion",
}

#: The 13 versions that SRI publishes, oldest first.
VERSIONES: dict[TipoComprobante, tuple[str, ...]] = {
    TipoComprobante.FACTURA: ("1.0.0", "1.1.0", "2.0.0", "2.1.0"),
    TipoComprobante.LIQUIDACION_COMPRA: ("1.0.0", "1.1.0"),
    TipoComprobante.NOTA_CREDITO: ("1.0.0", "1.1.0"),
    TipoComprobante.NOTA_DEBITO: ("1.0.0",),
    TipoComprobante.GUIA_REMISION: ("1.0.0", "1.1.0"),
    TipoComprobante.RETENCION: ("1.0.0", "2.0.0"),
}

#: ``contribuyenteRimpe``, annex 22.
LEYENDAS_RIMPE: dict[Regimen, str] = {
    Regimen.RIMPE_EMPRENDEDOR: "CONTRIBUYENTE RÉGIMEN RIMPE",
    Regimen.RIMPE_NEGOCIO_POPULAR: "CONTRIBUYENTE NEGOCIO POPULAR - RÉGIMEN RIMPE",
}

#: What the printed sheet calls each kind.
TITULOS: dict[TipoComprobante, str] = {
    TipoComprobante.FACTURA: "FACTURA",
    TipoComprobante.LIQUIDACION_COMPRA: "LIQUIDACIÓN DE COMPRA DE BIENES Y PRESTACIÓN DE SERVICIOS",
    TipoComprobante.NOTA_CREDITO: "NOTA DE CRÉDITO",
    TipoComprobante.NOTA_DEBITO: "NOTA DE DÉBITO",
    TipoComprobante.GUIA_REMISION: "GUÍA DE REMISIÓN",
    TipoComprobante.RETENCION: "COMPROBANTE DE RETENCIÓN",
}

CONSUMIDOR_FINAL = "9999999999999"
NOMBRE_CONSUMIDOR_FINAL = "CONSUMIDOR FINAL"
#: Ficha, section 9.10: the most a factura to consumidor final may come to (USD).
LIMITE_CONSUMIDOR_FINAL = Decimal("50.00")
#: Ficha: propina at most this share of the subtotal.
LIMITE_PROPINA = Decimal("0.10")
#: Ficha: bytes of one document.
MAX_BYTES = 320 * 1024
#: ``infoAdicional`` holds at most this many fields, each this long.
MAX_CAMPOS_ADICIONALES = 15
MAX_TEXTO = 300
#: Annex 26 and NAC-DGERCGC26-00000027: 60 days from 28-Jul-2026.
RUC_PROVEEDOR_DESDE = date(2026, 9, 26)
CAMPO_RUC_PROVEEDOR = "RUC Proveedor"
#: Annex 24.
CAMPO_GRAN_CONTRIBUYENTE = "Gran Contribuyente"
#: IVA codes of table 17 that charge nothing.
IVA_SIN_TARIFA = frozenset({"0", "6", "7"})
MONEDA = "DOLAR"
