"""The comprobante de retención (07) in SRI's words.

1.0.0 lists ``impuestos``; 2.0.0 lists ``docs_sustento``, each with its taxes, retentions and payments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from plugins.einvoice_sri.domain.bloques import (
    ATRIBUTO,
    CampoAdicional,
    InfoTributaria,
    MaquinaFiscal,
    Pago,
    ReembolsoDetalle,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoCompRetencion:
    """Whose income is retained, and for which month. ``parte_rel`` only in 2.0.0, where it is due."""

    fecha_emision: date
    dir_establecimiento: str | None = None
    contribuyente_especial: str | None = None
    obligado_contabilidad: str | None = None
    tipo_identificacion_sujeto_retenido: str
    tipo_sujeto_retenido: str | None = None
    parte_rel: str | None = None
    razon_social_sujeto_retenido: str
    identificacion_sujeto_retenido: str
    periodo_fiscal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Impuesto:
    """A retention of version 1.0.0."""

    codigo: str
    codigo_retencion: str
    base_imponible: Decimal
    porcentaje_retener: Decimal
    valor_retenido: Decimal
    cod_doc_sustento: str | None = None
    num_doc_sustento: str | None = None
    fecha_emision_doc_sustento: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpuestoDocSustento:
    """A tax of the supporting document."""

    cod_impuesto_doc_sustento: str
    codigo_porcentaje: str
    base_imponible: Decimal
    tarifa: Decimal
    valor_impuesto: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Dividendos:
    """A retention on dividends."""

    fecha_pago_div: date
    im_renta_soc: Decimal
    ejer_fis_ut_div: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompraCajBanano:
    """A retention on bananas by the box."""

    num_caj_ban: str
    prec_caj_ban: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Retencion:
    """A retention of version 2.0.0."""

    codigo: str
    codigo_retencion: str
    base_imponible: Decimal
    porcentaje_retener: Decimal
    valor_retenido: Decimal
    dividendos: Dividendos | None = None
    compra_caj_banano: CompraCajBanano | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocSustento:
    """A supporting document of version 2.0.0 (annex 10)."""

    cod_sustento: str
    cod_doc_sustento: str
    num_doc_sustento: str
    fecha_emision_doc_sustento: date
    fecha_registro_contable: date | None = None
    num_aut_doc_sustento: str | None = None
    pago_loc_ext: str
    tipo_regi: str | None = None
    pais_efec_pago: str | None = None
    aplic_conv_dob_trib: str | None = None
    pag_ext_suj_ret_nor_leg: str | None = None
    pago_reg_fis: str | None = None
    total_comprobantes_reembolso: Decimal | None = None
    total_base_imponible_reembolso: Decimal | None = None
    total_impuesto_reembolso: Decimal | None = None
    total_sin_impuestos: Decimal
    importe_total: Decimal
    impuestos_doc_sustento: tuple[ImpuestoDocSustento, ...]
    retenciones: tuple[Retencion, ...]
    reembolsos: tuple[ReembolsoDetalle, ...] = ()
    pagos: tuple[Pago, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComprobanteRetencion:
    """A whole comprobante de retención."""

    version: str = field(default="2.0.0", metadata=ATRIBUTO)
    info_tributaria: InfoTributaria
    info_comp_retencion: InfoCompRetencion
    impuestos: tuple[Impuesto, ...] = ()
    docs_sustento: tuple[DocSustento, ...] = ()
    maquina_fiscal: MaquinaFiscal | None = None
    info_adicional: tuple[CampoAdicional, ...] = ()
