"""Who issues: the facts that every document of a taxpayer repeats, as they stood on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from plugins.einvoice_sri.domain.bloques import CampoAdicional, InfoTributaria
from plugins.einvoice_sri.domain.tipos import (
    CAMPO_GRAN_CONTRIBUYENTE,
    CAMPO_RUC_PROVEEDOR,
    LEYENDAS_RIMPE,
    RUC_PROVEEDOR_DESDE,
    Ambiente,
    Regimen,
    TipoComprobante,
)

#: Annex 24 asks for the field in these.
_CON_GRAN_CONTRIBUYENTE = frozenset(
    {TipoComprobante.FACTURA, TipoComprobante.NOTA_CREDITO, TipoComprobante.NOTA_DEBITO}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emisor:
    """The issuer of a document.

    ``agente_retencion`` is the number of the resolution as written by the owner; digits without
    leading zeros go into the document (annex 21). ``ruc_proveedor`` is the software provider's RUC
    (annex 26); empty when the issuer runs the software in-house. ``logo`` is PNG or JPEG for the
    printed sheet.
    """

    ruc: str
    razon_social: str
    dir_matriz: str
    ambiente: Ambiente
    nombre_comercial: str = ""
    dir_establecimiento: str = ""
    obligado_contabilidad: bool = False
    regimen: Regimen = Regimen.GENERAL
    agente_retencion: str = ""
    contribuyente_especial: str = ""
    gran_contribuyente: str = ""
    ruc_proveedor: str = ""
    logo: bytes | None = None

    def info_tributaria(
        self,
        *,
        clave_acceso: str,
        cod_doc: TipoComprobante,
        establecimiento: str,
        punto_emision: str,
        secuencial: str,
    ) -> InfoTributaria:
        """The block that opens every document."""
        return InfoTributaria(
            ambiente=self.ambiente.value,
            razon_social=una_linea(self.razon_social),
            nombre_comercial=una_linea(self.nombre_comercial) or None,
            ruc=self.ruc,
            clave_acceso=clave_acceso,
            cod_doc=cod_doc.value,
            estab=establecimiento,
            pto_emi=punto_emision,
            secuencial=secuencial,
            dir_matriz=una_linea(self.dir_matriz),
            agente_retencion=numero_resolucion(self.agente_retencion) or None,
            contribuyente_rimpe=LEYENDAS_RIMPE.get(self.regimen),
        )

    def campos_de_ley(self, tipo: TipoComprobante, on: date) -> tuple[CampoAdicional, ...]:
        """The additional fields that a rule demands of this issuer on that day."""
        campos = []
        if self.gran_contribuyente and tipo in _CON_GRAN_CONTRIBUYENTE:
            campos.append(
                CampoAdicional(
                    nombre=CAMPO_GRAN_CONTRIBUYENTE, valor=una_linea(self.gran_contribuyente)
                )
            )
        if self.ruc_proveedor and on >= RUC_PROVEEDOR_DESDE:
            campos.append(CampoAdicional(nombre=CAMPO_RUC_PROVEEDOR, valor=self.ruc_proveedor))
        return tuple(campos)


@lru_cache(maxsize=4096)
def una_linea(texto: str) -> str:
    """Without line breaks, tabs or doubled spaces, which SRI's schemas refuse or readers dislike.

    An issuer's texts are the same in document after document, so they are remembered.
    """
    return texto if not texto or texto.isalnum() else " ".join(texto.split())


def numero_resolucion(texto: str) -> str:
    """``NAC-DNCRASC20-00000001 -> 1``: the digits after the last dash, without leading zeros."""
    cifras = "".join(cifra for cifra in texto.rsplit("-", 1)[-1] if cifra.isdecimal())
    return cifras.lstrip("0")
