"""The nota de débito (05), version 1.0.0, in SRI's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from plugins.einvoice_sri.domain.bloques import (
    ATRIBUTO,
    REPETIDO,
    CampoAdicional,
    Compensacion,
    InfoTributaria,
    MaquinaFiscal,
    Pago,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impuesto:
    """A tax of the note."""

    codigo: str
    codigo_porcentaje: str
    tarifa: Decimal
    base_imponible: Decimal
    valor: Decimal
    valor_devolucion_iva: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pagos:
    """One block of payment forms; the schema lets the block repeat."""

    pago: tuple[Pago, ...] = field(metadata=REPETIDO)


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoNotaDebito:
    """Which document is raised, and by how much."""

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
    impuestos: tuple[Impuesto, ...]
    compensaciones: tuple[Compensacion, ...] = ()
    valor_total: Decimal
    pagos: tuple[Pagos, ...] = field(default=(), metadata=REPETIDO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Motivo:
    """A reason with its amount."""

    razon: str
    valor: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class NotaDebito:
    """A whole nota de débito."""

    version: str = field(default="1.0.0", metadata=ATRIBUTO)
    info_tributaria: InfoTributaria
    info_nota_debito: InfoNotaDebito
    motivos: tuple[Motivo, ...]
    maquina_fiscal: MaquinaFiscal | None = None
    info_adicional: tuple[CampoAdicional, ...] = ()
