"""What the printed sheet (RIDE) of a document shows: data, not PDF.

Whether a document is authorised is not in its bytes, so it comes as an argument. The words of the
sheet are Spanish because the tax authority's are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plugins.einvoice_sri.domain import catalogos, ride_notas, ride_ventas, secuencial
from plugins.einvoice_sri.domain.bloques import CampoAdicional
from plugins.einvoice_sri.domain.comprobantes import Comprobante, tipo
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.guia_remision import GuiaRemision
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
from plugins.einvoice_sri.domain.nota_credito import NotaCredito
from plugins.einvoice_sri.domain.nota_debito import NotaDebito
from plugins.einvoice_sri.domain.retencion import ComprobanteRetencion
from plugins.einvoice_sri.domain.ride_partes import Cuerpo, Hoja, momento
from plugins.einvoice_sri.domain.tipos import TITULOS, Ambiente

SIN_VALIDEZ = "SIN VALIDEZ TRIBUTARIA"
NO_AUTORIZADO = f"PENDIENTE DE AUTORIZACIÓN DEL SRI · {SIN_VALIDEZ}"
PRUEBAS = f"AMBIENTE DE PRUEBAS · {SIN_VALIDEZ}"
SIMULADO = f"SIMULACIÓN: AUTORIZADO POR EL SIMULADOR, NO POR EL SRI · {SIN_VALIDEZ}"
ANULADO = f"ANULADO EN EL SRI · {SIN_VALIDEZ}"


@dataclass(frozen=True, slots=True)
class DatosAutorizacion:
    """SRI's yes: its number (the access key) and when. ``simulada`` when our simulator said it."""

    numero: str
    fecha: datetime | None = None
    simulada: bool = False
    anulada: bool = False


def hoja(
    comprobante: Comprobante,
    autorizacion: DatosAutorizacion | None,
    *,
    logo: bytes | None = None,
) -> Hoja:
    """The sheet of a document; the same arguments give the same sheet.

    Without ``autorizacion``, in pruebas, simulated or annulled it says that it has no tax value.
    """
    info = comprobante.info_tributaria
    aviso, marca = _aviso(info.ambiente, autorizacion)
    cuerpo = _CUERPOS[type(comprobante)](comprobante)
    return Hoja(
        titulo=TITULOS[tipo(comprobante)],
        numero=secuencial.numero(info.estab, info.pto_emi, info.secuencial),
        ruc=info.ruc,
        razon_social=info.razon_social,
        nombre_comercial=info.nombre_comercial or "",
        dir_matriz=info.dir_matriz,
        dir_establecimiento=cuerpo.dir_establecimiento,
        leyendas=_leyendas(comprobante, cuerpo),
        clave_acceso=info.clave_acceso,
        numero_autorizacion=autorizacion.numero if autorizacion else "",
        fecha_autorizacion=momento(autorizacion.fecha if autorizacion else None),
        ambiente=catalogos.nombre("ambientes", info.ambiente),
        emision="NORMAL",
        secciones=cuerpo.secciones,
        adicionales=_adicionales(comprobante.info_adicional),
        pagos=cuerpo.pagos,
        totales=cuerpo.totales,
        total=cuerpo.total,
        aviso=aviso,
        marca=marca,
        logo=logo,
    )


def _aviso(ambiente: str, autorizacion: DatosAutorizacion | None) -> tuple[str, str]:
    """The strip above the sheet and the word across it; both empty on a real document."""
    if autorizacion is None:
        return NO_AUTORIZADO, SIN_VALIDEZ
    if autorizacion.anulada:
        return ANULADO, "ANULADO"
    if autorizacion.simulada:
        return SIMULADO, "SIMULACIÓN"
    if ambiente != Ambiente.PRODUCCION:
        return PRUEBAS, SIN_VALIDEZ
    return "", ""


def _leyendas(comprobante: Comprobante, cuerpo: Cuerpo) -> tuple[str, ...]:
    info = comprobante.info_tributaria
    found = []
    if cuerpo.contribuyente_especial:
        found.append(f"Contribuyente especial Nro. {cuerpo.contribuyente_especial}")
    if cuerpo.obligado_contabilidad:
        found.append(f"Obligado a llevar contabilidad: {cuerpo.obligado_contabilidad}")
    if info.contribuyente_rimpe:
        found.append(info.contribuyente_rimpe)
    if info.agente_retencion:
        found.append(f"Agente de retención, resolución Nro. {info.agente_retencion}")
    return tuple(found)


def _adicionales(campos: tuple[CampoAdicional, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((one.nombre, one.valor) for one in campos)


_CUERPOS: dict[type[Comprobante], Callable[[Any], Cuerpo]] = {
    Factura: ride_ventas.factura,
    LiquidacionCompra: ride_ventas.liquidacion,
    NotaCredito: ride_notas.nota_credito,
    NotaDebito: ride_notas.nota_debito,
    GuiaRemision: ride_notas.guia,
    ComprobanteRetencion: ride_notas.retencion,
}
