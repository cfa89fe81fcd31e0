"""Rules about the special cases: export, reimbursement, transport, guía, retención."""

from __future__ import annotations

from collections.abc import Iterator

from core.i18n import _
from plugins.einvoice_sri.domain import catalogos
from plugins.einvoice_sri.domain import clave_acceso as claves
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.guia_remision import GuiaRemision
from plugins.einvoice_sri.domain.hallazgos import Contexto, Hallazgo, fecha_emision, impuestos_de
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
from plugins.einvoice_sri.domain.reglas_receptor import identificacion
from plugins.einvoice_sri.domain.retencion import ComprobanteRetencion, Impuesto, Retencion
from plugins.einvoice_sri.domain.tipos import (
    LIMITE_PROPINA,
)

#: Annex 25: services of transport, which need the plate.
TRANSPORTE = frozenset({"H492001", "H492002"})
REEMBOLSO = "41"
IVA_REEMBOLSO = "6"


def propina(factura: Factura, _contexto: Contexto) -> Iterator[Hallazgo]:
    """At most 10 % of the subtotal."""
    info = factura.info_factura
    if info.propina and info.propina > info.total_sin_impuestos * LIMITE_PROPINA:
        yield Hallazgo(
            "propina",
            "propina",
            _("The tip may be at most 10 percent of the subtotal: lower it."),
            codigo_sri="52",
        )


def exportacion(factura: Factura, _contexto: Contexto) -> Iterator[Hallazgo]:
    """An export names its terms, ports and countries (annex 4)."""
    info = factura.info_factura
    if info.comercio_exterior is None:
        return
    for campo, valor in (
        ("incoTermFactura", info.inco_term_factura),
        ("lugarIncoTerm", info.lugar_inco_term),
        ("paisOrigen", info.pais_origen),
        ("puertoEmbarque", info.puerto_embarque),
        ("puertoDestino", info.puerto_destino),
        ("paisDestino", info.pais_destino),
        ("paisAdquisicion", info.pais_adquisicion),
        ("incoTermTotalSinImpuestos", info.inco_term_total_sin_impuestos),
    ):
        if not valor:
            yield Hallazgo(
                "exportacion",
                campo,
                _("An export factura needs %(field)s: fill it in the export data.", field=campo),
                codigo_sri="35",
            )


def reembolso(documento: Factura | LiquidacionCompra, _contexto: Contexto) -> Iterator[Hallazgo]:
    """Code 41, the documents, and IVA code 6 go together (annex 5)."""
    info = (
        documento.info_factura
        if isinstance(documento, Factura)
        else documento.info_liquidacion_compra
    )
    declarado = info.cod_doc_reembolso is not None
    if declarado != bool(documento.reembolsos):
        yield Hallazgo(
            "reembolso",
            "codDocReembolso",
            _("A reimbursement needs both its code (41) and the list of reimbursed documents."),
        )
    elif declarado and info.cod_doc_reembolso != REEMBOLSO:
        yield Hallazgo(
            "reembolso_codigo", "codDocReembolso", _("The code of a reimbursement is 41.")
        )
    elif declarado and not any(
        impuesto.codigo_porcentaje == IVA_REEMBOLSO for impuesto in impuestos_de(documento)
    ):
        yield Hallazgo(
            "reembolso_iva",
            "codigoPorcentaje",
            _("The line that gathers the reimbursed documents carries the IVA code 6."),
        )


def transporte(factura: Factura, _contexto: Contexto) -> Iterator[Hallazgo]:
    """Transport needs the plate (annex 25)."""
    lleva = any(detalle.codigo_auxiliar in TRANSPORTE for detalle in factura.detalles)
    if lleva and not factura.info_factura.placa:
        yield Hallazgo(
            "placa", "placa", _("A factura of transport (H492001, H492002) needs the plate.")
        )


def devolucion(factura: Factura, _contexto: Contexto) -> Iterator[Hallazgo]:
    """No more IVA is given back than there is (annex 20)."""
    for one in factura.info_factura.total_con_impuestos:
        if one.valor_devolucion_iva is not None and one.valor_devolucion_iva > one.valor:
            yield Hallazgo(
                "devolucion_iva",
                "valorDevolucionIva",
                _(
                    "The IVA given back (%(back)s) exceeds the IVA (%(iva)s): lower it.",
                    back=one.valor_devolucion_iva,
                    iva=one.valor,
                ),
                codigo_sri="92",
            )


def negociable(factura: Factura, _contexto: Contexto) -> Iterator[Hallazgo]:
    """Address and term (annex 11)."""
    if factura.tipo_negociable is None:
        return
    info = factura.info_factura
    if not info.direccion_comprador or not any(pago.plazo for pago in info.pagos):
        yield Hallazgo(
            "negociable",
            "direccionComprador",
            _("A negotiable factura needs the buyer's address and a term of payment."),
        )


def transporte_de_guia(guia: GuiaRemision, _contexto: Contexto) -> Iterator[Hallazgo]:
    """The transport starts after the emission (82) and ends after its start."""
    info = guia.info_guia_remision
    try:
        emision = fecha_emision(guia)
    except claves.ClaveInvalida:
        return
    if info.fecha_ini_transporte < emision:
        yield Hallazgo(
            "transporte_antes",
            "fechaIniTransporte",
            _("The transport starts before the guía is issued: correct one of the dates."),
            codigo_sri="82",
        )
    if info.fecha_fin_transporte < info.fecha_ini_transporte:
        yield Hallazgo(
            "transporte_fin",
            "fechaFinTransporte",
            _("The transport ends before it starts: correct one of the dates."),
            codigo_sri="67",
        )
    yield from identificacion(
        info.tipo_identificacion_transportista, info.ruc_transportista, "rucTransportista"
    )


_RETENCIONES = {"1": "retencion_renta", "2": "retencion_iva", "6": "retencion_isd"}


def codigos_retencion(retencion: ComprobanteRetencion, _contexto: Contexto) -> Iterator[Hallazgo]:
    """Codes and rates of SRI's retention tables."""
    dia = retencion.info_comp_retencion.fecha_emision
    lineas: list[Impuesto | Retencion] = [
        *retencion.impuestos,
        *(one for doc in retencion.docs_sustento for one in doc.retenciones),
    ]
    for one in lineas:
        nombre = _RETENCIONES.get(one.codigo)
        fila = catalogos.buscar(nombre, one.codigo_retencion) if nombre else None
        if fila is None:
            yield Hallazgo(
                "retencion_codigo",
                "codigoRetencion",
                _(
                    "Retention %(code)s of tax %(tax)s is not in SRI's tables: check it.",
                    code=one.codigo_retencion,
                    tax=one.codigo,
                ),
                grave=nombre != "retencion_renta",
            )
        elif fila.vigente(dia) and fila.tarifas and one.porcentaje_retener not in fila.tarifas:
            yield Hallazgo(
                "retencion_tarifa",
                "porcentajeRetener",
                _(
                    "Retention %(code)s stands for %(right)s %%, not for %(rate)s %%: correct the rate.",
                    code=fila.codigo,
                    right=" / ".join(map(str, fila.tarifas)),
                    rate=one.porcentaje_retener,
                ),
                grave=nombre != "retencion_renta",
            )
