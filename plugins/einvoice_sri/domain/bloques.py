"""Blocks that several documents share, in SRI's words.

A field is its tag in snake_case (see :mod:`plugins.einvoice_sri.domain.xml`); a tuple is a wrapper
with one element per item, named after the item's class. ``None`` and an empty optional tuple are
left out. Amounts keep the decimals they were written with, so that a document read is rebuilt as
it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

ATRIBUTO = {"xml": "atributo"}
CUERPO = {"xml": "cuerpo"}
REPETIDO = {"xml": "repetido"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoTributaria:
    """Who issues, which document, under which key."""

    ambiente: str
    tipo_emision: str = "1"
    razon_social: str
    nombre_comercial: str | None = None
    ruc: str
    clave_acceso: str
    cod_doc: str
    estab: str
    pto_emi: str
    secuencial: str
    dir_matriz: str
    agente_retencion: str | None = None
    contribuyente_rimpe: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impuesto:
    """A tax on a line."""

    codigo: str
    codigo_porcentaje: str
    tarifa: Decimal | None = None
    base_imponible: Decimal
    valor: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalImpuesto:
    """A tax of the whole document, one per rate."""

    codigo: str
    codigo_porcentaje: str
    descuento_adicional: Decimal | None = None
    base_imponible: Decimal
    tarifa: Decimal | None = None
    valor: Decimal
    valor_devolucion_iva: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensacion:
    """A compensation of IVA by decree."""

    codigo: str
    tarifa: Decimal
    valor: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensacionReembolso:
    """The same inside a reimbursed document."""

    codigo: str
    tarifa: Decimal
    valor: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pago:
    """A payment form of table 24."""

    forma_pago: str
    total: Decimal
    plazo: Decimal | None = None
    unidad_tiempo: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetAdicional:
    """A free pair of words on a line."""

    nombre: str = field(metadata=ATRIBUTO)
    valor: str = field(metadata=ATRIBUTO)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampoAdicional:
    """A free pair of words on the document."""

    nombre: str = field(metadata=ATRIBUTO)
    valor: str = field(metadata=CUERPO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detalle:
    """A line of a factura or a liquidación."""

    codigo_principal: str | None = None
    codigo_auxiliar: str | None = None
    descripcion: str
    unidad_medida: str | None = None
    cantidad: Decimal
    precio_unitario: Decimal
    precio_sin_subsidio: Decimal | None = None
    descuento: Decimal
    precio_total_sin_impuesto: Decimal
    detalles_adicionales: tuple[DetAdicional, ...] = ()
    impuestos: tuple[Impuesto, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetalleImpuesto:
    """A tax of a reimbursed document."""

    codigo: str
    codigo_porcentaje: str
    tarifa: str  # text: a retención wants whole digits here
    base_imponible_reembolso: Decimal
    impuesto_reembolso: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembolsoDetalle:
    """A reimbursed document. A retención spells the tag of its authorisation with a capital A."""

    tipo_identificacion_proveedor_reembolso: str
    identificacion_proveedor_reembolso: str
    cod_pais_pago_proveedor_reembolso: str | None = None
    tipo_proveedor_reembolso: str
    cod_doc_reembolso: str
    estab_doc_reembolso: str
    pto_emi_doc_reembolso: str
    secuencial_doc_reembolso: str
    fecha_emision_doc_reembolso: date
    numeroautorizacion_doc_reemb: str | None = None
    numero_autorizacion_doc_reemb: str | None = None
    detalle_impuestos: tuple[DetalleImpuesto, ...]
    compensaciones_reembolso: tuple[CompensacionReembolso, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TipoNegociable:
    """Where the notice of a negotiable document goes."""

    correo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaquinaFiscal:
    """The fiscal machine that made the document (annex 13)."""

    marca: str
    modelo: str
    serie: str
