"""The nota de crédito (04), versions 1.0.0 and 1.1.0, in SRI's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from plugins.einvoice_sri.domain.bloques import (
    ATRIBUTO,
    CampoAdicional,
    Compensacion,
    DetAdicional,
    Impuesto,
    InfoTributaria,
    MaquinaFiscal,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalImpuesto:
    """A tax of the whole note, one per rate."""

    codigo: str
    codigo_porcentaje: str
    base_imponible: Decimal
    valor: Decimal
    valor_devolucion_iva: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoNotaCredito:
    """Which document is corrected, why, and by how much."""

    fecha_emision: date
    dir_establecimiento: str | None = None
    tipo_identificacion_comprador: str
    razon_social_comprador: str
    identificacion_comprador: str
    contribuyente_especial: str | None = None
    obligado_contabilidad: str | None = None
    rise: str | None = None
    cod_doc_modificado: str
    num_doc_modificado: str
    fecha_emision_doc_sustento: date
    total_sin_impuestos: Decimal
    compensaciones: tuple[Compensacion, ...] = ()
    valor_modificacion: Decimal
    moneda: str | None = None
    total_con_impuestos: tuple[TotalImpuesto, ...]
    motivo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detalle:
    """A line given back."""

    codigo_interno: str | None = None
    codigo_adicional: str | None = None
    descripcion: str
    cantidad: Decimal
    precio_unitario: Decimal
    descuento: Decimal | None = None
    precio_total_sin_impuesto: Decimal
    detalles_adicionales: tuple[DetAdicional, ...] = ()
    impuestos: tuple[Impuesto, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotaCredito:
    """A whole nota de crédito."""

    version: str = field(default="1.1.0", metadata=ATRIBUTO)
    info_tributaria: InfoTributaria
    info_nota_credito: InfoNotaCredito
    detalles: tuple[Detalle, ...]
    maquina_fiscal: MaquinaFiscal | None = None
    info_adicional: tuple[CampoAdicional, ...] = ()
