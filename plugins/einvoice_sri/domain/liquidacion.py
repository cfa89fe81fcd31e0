"""The liquidación de compra (03), versions 1.0.0 and 1.1.0, in SRI's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from plugins.einvoice_sri.domain.bloques import (
    ATRIBUTO,
    CampoAdicional,
    Detalle,
    InfoTributaria,
    MaquinaFiscal,
    Pago,
    ReembolsoDetalle,
    TipoNegociable,
    TotalImpuesto,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoLiquidacionCompra:
    """Who sold without giving a factura, and for how much."""

    fecha_emision: date
    dir_establecimiento: str | None = None
    contribuyente_especial: str | None = None
    obligado_contabilidad: str | None = None
    tipo_identificacion_proveedor: str
    razon_social_proveedor: str
    identificacion_proveedor: str
    direccion_proveedor: str | None = None
    total_sin_impuestos: Decimal
    total_descuento: Decimal
    cod_doc_reembolso: str | None = None
    total_comprobantes_reembolso: Decimal | None = None
    total_base_imponible_reembolso: Decimal | None = None
    total_impuesto_reembolso: Decimal | None = None
    total_con_impuestos: tuple[TotalImpuesto, ...]
    importe_total: Decimal
    moneda: str | None = None
    pagos: tuple[Pago, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidacionCompra:
    """A whole liquidación de compra."""

    version: str = field(default="1.1.0", metadata=ATRIBUTO)
    info_tributaria: InfoTributaria
    info_liquidacion_compra: InfoLiquidacionCompra
    detalles: tuple[Detalle, ...]
    reembolsos: tuple[ReembolsoDetalle, ...] = ()
    tipo_negociable: TipoNegociable | None = None
    maquina_fiscal: MaquinaFiscal | None = None
    info_adicional: tuple[CampoAdicional, ...] = ()
