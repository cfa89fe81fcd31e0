"""Rules about what an issuer of a regime may issue; which is data (``catalogs/documentos_regimen.tsv``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.i18n import _
from plugins.einvoice_sri.domain import catalogos
from plugins.einvoice_sri.domain import clave_acceso as claves
from plugins.einvoice_sri.domain.comprobantes import Comprobante, tipo
from plugins.einvoice_sri.domain.hallazgos import Contexto, Hallazgo, fecha_emision
from plugins.einvoice_sri.domain.tipos import LEYENDAS_RIMPE, TITULOS

PROHIBIDO = "prohibido"


def documento_permitido(comprobante: Comprobante, contexto: Contexto) -> Iterator[Hallazgo]:
    """Who is in RIMPE withholds only when SRI has named him: otherwise SRI answers 27."""
    try:
        dia = fecha_emision(comprobante)
    except claves.ClaveInvalida:
        return  # the rule of the key says it
    clase = tipo(comprobante)
    fila = catalogos.buscar("documentos_regimen", f"{contexto.regimen}-{clase}", dia)
    if fila is None or _retiene(comprobante):
        return
    yield Hallazgo(
        "documento_regimen",
        "codDoc",
        _(
            "%(document)s: a taxpayer with the legend “%(legend)s” withholds only when SRI has named him"
            " agente de retención or contribuyente especial. Write the resolution in the company's regime,"
            " or do not issue this document.",
            document=TITULOS[clase].capitalize(),
            legend=LEYENDAS_RIMPE[contexto.regimen],
        ),
        grave=fila.nombre == PROHIBIDO,
        codigo_sri="27",
    )


def _retiene(comprobante: Any) -> bool:
    """Does the document say that its issuer is an agent, or a contribuyente especial?"""
    if comprobante.info_tributaria.agente_retencion:
        return True
    info = getattr(comprobante, "info_comp_retencion", None) or getattr(
        comprobante, "info_liquidacion_compra", None
    )
    return bool(getattr(info, "contribuyente_especial", None))
