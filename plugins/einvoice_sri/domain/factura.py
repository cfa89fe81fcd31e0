"""The factura (01), versions 1.0.0 to 2.1.0, in SRI's words.

2.0.0 and 2.1.0 add ``info_sustitutiva_guia_remision`` and ``otros_rubros_terceros``; 1.1.0 and
2.1.0 add ``retenciones`` and six decimals in quantities and prices.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from plugins.einvoice_sri.domain.bloques import (
    ATRIBUTO,
    CampoAdicional,
    Compensacion,
    Detalle,
    InfoTributaria,
    MaquinaFiscal,
    Pago,
    ReembolsoDetalle,
    TipoNegociable,
    TotalImpuesto,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoFactura:
    """Who buys, the totals and how they are paid."""

    fecha_emision: date
    dir_establecimiento: str | None = None
    contribuyente_especial: str | None = None
    obligado_contabilidad: str | None = None
    comercio_exterior: str | None = None
    inco_term_factura: str | None = None
    lugar_inco_term: str | None = None
    pais_origen: str | None = None
    puerto_embarque: str | None = None
    puerto_destino: str | None = None
    pais_destino: str | None = None
    pais_adquisicion: str | None = None
    tipo_identificacion_comprador: str
    guia_remision: str | None = None
    razon_social_comprador: str
    identificacion_comprador: str
    direccion_comprador: str | None = None
    total_sin_impuestos: Decimal
    total_subsidio: Decimal | None = None
    inco_term_total_sin_impuestos: str | None = None
    total_descuento: Decimal
    cod_doc_reembolso: str | None = None
    total_comprobantes_reembolso: Decimal | None = None
    total_base_imponible_reembolso: Decimal | None = None
    total_impuesto_reembolso: Decimal | None = None
    total_con_impuestos: tuple[TotalImpuesto, ...]
    compensaciones: tuple[Compensacion, ...] = ()
    propina: Decimal | None = None
    flete_internacional: Decimal | None = None
    seguro_internacional: Decimal | None = None
    gastos_aduaneros: Decimal | None = None
    gastos_transporte_otros: Decimal | None = None
    importe_total: Decimal
    moneda: str | None = None
    placa: str | None = None
    pagos: tuple[Pago, ...] = ()
    valor_ret_iva: Decimal | None = None
    valor_ret_renta: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retencion:
    """A self-retention printed in the factura (annex 19)."""

    codigo: str
    codigo_porcentaje: str
    tarifa: Decimal
    valor: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Destino:
    """Where goods go when the factura takes the place of a guía."""

    motivo_traslado: str
    doc_aduanero_unico: str | None = None
    cod_estab_destino: str | None = None
    ruta: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoSustitutivaGuiaRemision:
    """The guía inside the factura (annex 9)."""

    dir_partida: str
    dir_destinatario: str
    fecha_ini_transporte: date
    fecha_fin_transporte: date
    razon_social_transportista: str
    tipo_identificacion_transportista: str
    ruc_transportista: str
    placa: str
    destinos: tuple[Destino, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubro:
    """An amount collected for a third party (annex 8)."""

    concepto: str
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Factura:
    """A whole factura."""

    version: str = field(default="1.1.0", metadata=ATRIBUTO)
    info_tributaria: InfoTributaria
    info_factura: InfoFactura
    detalles: tuple[Detalle, ...]
    reembolsos: tuple[ReembolsoDetalle, ...] = ()
    retenciones: tuple[Retencion, ...] = ()
    info_sustitutiva_guia_remision: InfoSustitutivaGuiaRemision | None = None
    otros_rubros_terceros: tuple[Rubro, ...] = ()
    tipo_negociable: TipoNegociable | None = None
    maquina_fiscal: MaquinaFiscal | None = None
    info_adicional: tuple[CampoAdicional, ...] = ()
