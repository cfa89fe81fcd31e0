"""What SRI would refuse, or warn about, found before anything is sent."""

from __future__ import annotations

from datetime import date
from typing import Any

from plugins.einvoice_sri.domain import (
    reglas_comunes,
    reglas_especiales,
    reglas_impuestos,
    reglas_receptor,
    reglas_regimen,
    totales,
    xsd,
)
from plugins.einvoice_sri.domain.comprobantes import Comprobante, tipo
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.guia_remision import GuiaRemision
from plugins.einvoice_sri.domain.hallazgos import Contexto, Hallazgo, Regla, fecha_emision
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
from plugins.einvoice_sri.domain.nota_credito import NotaCredito
from plugins.einvoice_sri.domain.nota_debito import NotaDebito
from plugins.einvoice_sri.domain.retencion import ComprobanteRetencion
from plugins.einvoice_sri.domain.tipos import (
    Regimen,
)

__all__ = ["Hallazgo", "fecha_emision", "impedimentos", "revisar"]


def impedimentos(
    comprobante: Comprobante, content: bytes, *, regimen: Regimen, hoy: date
) -> list[Hallazgo]:
    """Everything that forbids sending: schema (35), arithmetic (52) and the rules of this module.

    ``content`` is ``xml.build(comprobante)``; ``hoy`` is the day in America/Guayaquil. Warnings are
    left out. Raises ``DocumentoIlegible`` when ``content`` is too large.
    """
    esquema = [
        Hallazgo(f"esquema_{one.rule}", one.element, one.sentence, codigo_sri="35")
        for one in xsd.violations(tipo(comprobante), comprobante.version, content)
    ]
    return esquema + [one for one in revisar(comprobante, regimen=regimen, hoy=hoy) if one.grave]


def revisar(comprobante: Comprobante, *, regimen: Regimen, hoy: date) -> list[Hallazgo]:
    """The rules that no schema can say, and the arithmetic; warnings included."""
    found = [
        Hallazgo("totales", one.campo, one.explicacion, grave=one.grave, codigo_sri="52")
        for one in totales.comprobar(comprobante)
    ]
    for rule in _REGLAS:
        found += rule(comprobante, Contexto(regimen, hoy))
    for regla in _POR_CLASE[type(comprobante)]:
        found += regla(comprobante, Contexto(regimen, hoy))
    return found


_REGLAS: tuple[Regla, ...] = (
    reglas_comunes.clave,
    reglas_comunes.fecha,
    reglas_comunes.tipo_emision,
    reglas_regimen.documento_permitido,
)
_POR_CLASE: dict[type[Any], tuple[Regla, ...]] = {
    Factura: (
        reglas_receptor.comprador_de_factura,
        reglas_comunes.iva,
        reglas_impuestos.otros_impuestos,
        reglas_comunes.pagos,
        reglas_especiales.propina,
        reglas_especiales.exportacion,
        reglas_especiales.reembolso,
        reglas_especiales.transporte,
        reglas_especiales.devolucion,
        reglas_especiales.negociable,
    ),
    LiquidacionCompra: (
        reglas_receptor.proveedor,
        reglas_comunes.iva,
        reglas_impuestos.otros_impuestos,
        reglas_comunes.pagos,
        reglas_especiales.reembolso,
    ),
    NotaCredito: (
        reglas_receptor.comprador_de_nota,
        reglas_comunes.iva,
        reglas_impuestos.otros_impuestos,
    ),
    NotaDebito: (
        reglas_receptor.comprador_de_nota,
        reglas_comunes.iva,
        reglas_impuestos.otros_impuestos,
        reglas_comunes.pagos,
    ),
    GuiaRemision: (reglas_especiales.transporte_de_guia,),
    ComprobanteRetencion: (reglas_receptor.sujeto_retenido, reglas_especiales.codigos_retencion),
}
