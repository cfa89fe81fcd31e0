"""The guía de remisión (06), versions 1.0.0 and 1.1.0, in SRI's words. It has no emission date."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from plugins.einvoice_sri.domain.bloques import (
    ATRIBUTO,
    CampoAdicional,
    DetAdicional,
    InfoTributaria,
    MaquinaFiscal,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoGuiaRemision:
    """Who carries, from where, between which days."""

    dir_establecimiento: str | None = None
    dir_partida: str
    razon_social_transportista: str
    tipo_identificacion_transportista: str
    ruc_transportista: str
    rise: str | None = None
    obligado_contabilidad: str | None = None
    contribuyente_especial: str | None = None
    fecha_ini_transporte: date
    fecha_fin_transporte: date
    placa: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detalle:
    """Goods on the way. The schema lets ``detalles_adicionales`` stand empty."""

    codigo_interno: str | None = None
    codigo_adicional: str | None = None
    descripcion: str
    cantidad: Decimal
    detalles_adicionales: tuple[DetAdicional, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinatario:
    """A consignee with his goods."""

    identificacion_destinatario: str
    razon_social_destinatario: str
    dir_destinatario: str
    motivo_traslado: str
    doc_aduanero_unico: str | None = None
    cod_estab_destino: str | None = None
    ruta: str | None = None
    cod_doc_sustento: str | None = None
    num_doc_sustento: str | None = None
    num_aut_doc_sustento: str | None = None
    fecha_emision_doc_sustento: date | None = None
    detalles: tuple[Detalle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuiaRemision:
    """A whole guía de remisión."""

    version: str = field(default="1.1.0", metadata=ATRIBUTO)
    info_tributaria: InfoTributaria
    info_guia_remision: InfoGuiaRemision
    destinatarios: tuple[Destinatario, ...]
    maquina_fiscal: MaquinaFiscal | None = None
    info_adicional: tuple[CampoAdicional, ...] = ()
