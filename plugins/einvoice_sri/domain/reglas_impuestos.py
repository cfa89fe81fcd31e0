"""Rules about ICE and IRBPNR: their codes are data (``catalogs/ice.tsv``, ``catalogs/irbpnr.tsv``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.i18n import _
from plugins.einvoice_sri.domain import catalogos
from plugins.einvoice_sri.domain.hallazgos import (
    Contexto,
    Hallazgo,
    fecha_que_cuenta,
    impuestos_de,
)
from plugins.einvoice_sri.domain.tipos import CodigoImpuesto

_TABLAS = {CodigoImpuesto.ICE: "ice", CodigoImpuesto.IRBPNR: "irbpnr"}


def otros_impuestos(documento: Any, _contexto: Contexto) -> Iterator[Hallazgo]:
    """Each code in force on the day that counts. The table of ICE is known in part: only a warning."""
    dia = fecha_que_cuenta(documento)
    for impuesto in impuestos_de(documento):
        tabla = _TABLAS.get(impuesto.codigo)
        if tabla is None:
            continue
        if catalogos.buscar(tabla, impuesto.codigo_porcentaje, dia) is None:
            yield Hallazgo(
                f"{tabla}_no_vigente",
                "codigoPorcentaje",
                _(
                    "The code %(code)s of %(tax)s was not in force on %(day)s: check the product.",
                    code=impuesto.codigo_porcentaje,
                    tax=tabla.upper(),
                    day=f"{dia:%d/%m/%Y}",
                ),
                grave=tabla == "irbpnr",
            )
