"""What SRI would refuse, or warn about, found before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from core.domain import tax_ids
from core.domain.money import ZERO
from core.i18n import _
from plugins.einvoice_sri.domain import catalogos, totales, xsd
from plugins.einvoice_sri.domain import clave_acceso as claves
from plugins.einvoice_sri.domain.bloques import InfoTributaria, Pago
from plugins.einvoice_sri.domain.comprobantes import Comprobante, tipo
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.guia_remision import GuiaRemision
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
from plugins.einvoice_sri.domain.nota_credito import NotaCredito
from plugins.einvoice_sri.domain.nota_debito import NotaDebito
from plugins.einvoice_sri.domain.retencion import ComprobanteRetencion, Impuesto, Retencion
from plugins.einvoice_sri.domain.tipos import (
    CONSUMIDOR_FINAL,
    LIMITE_CONSUMIDOR_FINAL,
    LIMITE_PROPINA,
    CodigoImpuesto,
    Regimen,
    TipoIdentificacion,
)

#: Above this a payment outside the financial system is not deductible (USD).
LIMITE_EFECTIVO = Decimal("500.00")
SIN_SISTEMA_FINANCIERO = "01"
#: Annex 25: services of transport, which need the plate.
TRANSPORTE = frozenset({"H492001", "H492002"})
REEMBOLSO = "41"
IVA_REEMBOLSO = "6"
#: Older than this is probably a slip; SRI's own limit (65) is not published.
DIAS_RAZONABLES = 90


@dataclass(frozen=True, slots=True)
class Hallazgo:
    """Something to say about a document before it is sent.

    ``grave``: it must not be sent. ``codigo_sri`` is the answer that SRI would give, "" if unknown.
    """

    codigo: str
    campo: str
    frase: str
    grave: bool = True
    codigo_sri: str = ""


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
        found += rule(comprobante, _Contexto(regimen, hoy))
    for regla in _POR_CLASE[type(comprobante)]:
        found += regla(comprobante, _Contexto(regimen, hoy))
    return found


@dataclass(frozen=True, slots=True)
class _Contexto:
    regimen: Regimen
    hoy: date


Regla = Callable[[Any, _Contexto], Iterator[Hallazgo]]


def fecha_emision(comprobante: Comprobante) -> date:
    """The day in the document, or in its key for a guía, which has none."""
    match comprobante:
        case Factura():
            return comprobante.info_factura.fecha_emision
        case LiquidacionCompra():
            return comprobante.info_liquidacion_compra.fecha_emision
        case NotaCredito():
            return comprobante.info_nota_credito.fecha_emision
        case NotaDebito():
            return comprobante.info_nota_debito.fecha_emision
        case ComprobanteRetencion():
            return comprobante.info_comp_retencion.fecha_emision
        case GuiaRemision():
            return claves.parse(comprobante.info_tributaria.clave_acceso).fecha_emision


# --- rules for every document -------------------------------------------------------------------


def _clave(comprobante: Comprobante, _contexto: _Contexto) -> Iterator[Hallazgo]:
    info = comprobante.info_tributaria
    try:
        clave = claves.parse(info.clave_acceso)
    except claves.ClaveInvalida as error:
        yield Hallazgo(
            "clave",
            "claveAcceso",
            _("The access key is not well formed (%(part)s).", part=error.motivo),
            codigo_sri="80",
        )
        return
    if (
        clave.fecha_emision != fecha_emision(comprobante)
        or clave.cod_doc != tipo(comprobante)
        or clave.cod_doc != info.cod_doc
        or _serie(info) != (clave.ruc, clave.ambiente, clave.establecimiento, clave.punto_emision)
        or clave.secuencial != info.secuencial
    ):
        yield Hallazgo(
            "clave_distinta",
            "claveAcceso",
            _("The access key does not say what the document says: build it again."),
            codigo_sri="58",
        )


def _serie(info: InfoTributaria) -> tuple[str, str, str, str]:
    return info.ruc, info.ambiente, info.estab, info.pto_emi


def _fecha(comprobante: Comprobante, contexto: _Contexto) -> Iterator[Hallazgo]:
    try:
        fecha = fecha_emision(comprobante)
    except claves.ClaveInvalida:
        return  # the rule of the key says it
    if fecha > contexto.hoy:
        yield Hallazgo(
            "fecha_futura",
            "fechaEmision",
            _(
                "The issue date %(day)s lies in the future: SRI takes no document before its day.",
                day=f"{fecha:%d/%m/%Y}",
            ),
            codigo_sri="65",
        )
    elif fecha < contexto.hoy - timedelta(days=DIAS_RAZONABLES):
        yield Hallazgo(
            "fecha_antigua",
            "fechaEmision",
            _(
                "The issue date %(day)s is more than %(days)s days old: SRI may refuse it as late.",
                day=f"{fecha:%d/%m/%Y}",
                days=DIAS_RAZONABLES,
            ),
            grave=False,
            codigo_sri="65",
        )


def _tipo_emision(comprobante: Comprobante, _contexto: _Contexto) -> Iterator[Hallazgo]:
    if comprobante.info_tributaria.tipo_emision != "1":
        yield Hallazgo(
            "tipo_emision",
            "tipoEmision",
            _("Only the normal kind of emission (1) exists in the offline scheme."),
            codigo_sri="35",
        )


# --- who receives -------------------------------------------------------------------------------


def _identificacion(tipo_id: str, numero: str, campo: str) -> Iterator[Hallazgo]:
    if tipo_id == TipoIdentificacion.CONSUMIDOR_FINAL:
        return
    finding = tax_ids.check(tipo_id, numero)
    if finding.code:
        yield Hallazgo(
            "identificacion",
            campo,
            str(finding.sentence),
            grave=not finding.is_valid and tipo_id in (TipoIdentificacion.RUC, "05"),
            codigo_sri="62",
        )


def _no_consumidor_final(tipo_id: str, numero: str, campo: str) -> Iterator[Hallazgo]:
    if tipo_id == TipoIdentificacion.CONSUMIDOR_FINAL or numero == CONSUMIDOR_FINAL:
        yield Hallazgo(
            "consumidor_final",
            campo,
            _(
                "Only a factura may be issued to “consumidor final”: name who receives this document."
            ),
            codigo_sri="69",
        )


def _comprador_de_factura(factura: Factura, _contexto: _Contexto) -> Iterator[Hallazgo]:
    info = factura.info_factura
    numero = info.identificacion_comprador
    final = info.tipo_identificacion_comprador == TipoIdentificacion.CONSUMIDOR_FINAL
    if final != (numero == CONSUMIDOR_FINAL):
        yield Hallazgo(
            "consumidor_final_numero",
            "identificacionComprador",
            _("“Consumidor final” goes with type 07 and number 9999999999999, and only together."),
            codigo_sri="69",
        )
    elif final and info.importe_total > LIMITE_CONSUMIDOR_FINAL:
        yield Hallazgo(
            "consumidor_final_limite",
            "importeTotal",
            _(
                "A factura to “consumidor final” may come to %(most)s USD and this one is %(total)s: ask for the buyer's identification.",
                most=LIMITE_CONSUMIDOR_FINAL,
                total=info.importe_total,
            ),
        )
    elif not final:
        yield from _identificacion(
            info.tipo_identificacion_comprador, numero, "identificacionComprador"
        )


def _comprador_de_nota(nota: NotaCredito | NotaDebito, _contexto: _Contexto) -> Iterator[Hallazgo]:
    info = nota.info_nota_credito if isinstance(nota, NotaCredito) else nota.info_nota_debito
    partes = info.tipo_identificacion_comprador, info.identificacion_comprador
    yield from _no_consumidor_final(*partes, "identificacionComprador")
    yield from _identificacion(*partes, "identificacionComprador")
    if info.fecha_emision_doc_sustento > info.fecha_emision:
        yield Hallazgo(
            "sustento_posterior",
            "fechaEmisionDocSustento",
            _("The document that is modified is dated after the note: check both dates."),
            codigo_sri="67",
        )


def _proveedor(liquidacion: LiquidacionCompra, _contexto: _Contexto) -> Iterator[Hallazgo]:
    info = liquidacion.info_liquidacion_compra
    partes = info.tipo_identificacion_proveedor, info.identificacion_proveedor
    yield from _no_consumidor_final(*partes, "identificacionProveedor")
    yield from _identificacion(*partes, "identificacionProveedor")


def _sujeto_retenido(retencion: ComprobanteRetencion, _contexto: _Contexto) -> Iterator[Hallazgo]:
    info = retencion.info_comp_retencion
    partes = info.tipo_identificacion_sujeto_retenido, info.identificacion_sujeto_retenido
    yield from _no_consumidor_final(*partes, "identificacionSujetoRetenido")
    yield from _identificacion(*partes, "identificacionSujetoRetenido")
    exterior = partes[0] == TipoIdentificacion.EXTERIOR
    if info.tipo_sujeto_retenido is not None and not exterior:
        yield Hallazgo(
            "tipo_sujeto",
            "tipoSujetoRetenido",
            _("The kind of subject goes only with a foreign identification (08): leave it out."),
        )


# --- taxes and payments -------------------------------------------------------------------------


def _iva(documento: Any, contexto: _Contexto) -> Iterator[Hallazgo]:
    """Each IVA code must be in force on the day that counts, with its rate."""
    dia = fecha_que_cuenta(documento)
    for impuesto in _impuestos(documento):
        if impuesto.codigo != CodigoImpuesto.IVA:
            continue
        fila = catalogos.buscar("tarifas_iva", impuesto.codigo_porcentaje, dia)
        if fila is None:
            yield Hallazgo(
                "iva_no_vigente",
                "codigoPorcentaje",
                _(
                    "The IVA code %(code)s was not in force on %(day)s.",
                    code=impuesto.codigo_porcentaje,
                    day=f"{dia:%d/%m/%Y}",
                ),
            )
        elif impuesto.tarifa is not None and impuesto.tarifa not in fila.tarifas:
            yield Hallazgo(
                "iva_tarifa",
                "tarifa",
                _(
                    "The IVA code %(code)s stands for %(right)s %%, not for %(rate)s %%.",
                    code=fila.codigo,
                    right=fila.tarifas[0],
                    rate=impuesto.tarifa,
                ),
            )
    if contexto.regimen == Regimen.RIMPE_NEGOCIO_POPULAR and any(
        impuesto.codigo == CodigoImpuesto.IVA and impuesto.valor > ZERO
        for impuesto in _impuestos(documento)
    ):
        yield Hallazgo(
            "negocio_popular_iva",
            "codigoPorcentaje",
            _("A RIMPE negocio popular charges no IVA: use the 0 % rate on every line."),
        )


def fecha_que_cuenta(documento: Any) -> date:
    """The day whose rates apply: a note uses those of the document that it modifies."""
    if isinstance(documento, NotaCredito):
        return documento.info_nota_credito.fecha_emision_doc_sustento
    if isinstance(documento, NotaDebito):
        return documento.info_nota_debito.fecha_emision_doc_sustento
    return fecha_emision(documento)


def _impuestos(documento: Any) -> Iterator[Any]:
    if isinstance(documento, NotaDebito):
        yield from documento.info_nota_debito.impuestos
        return
    for detalle in documento.detalles:
        yield from detalle.impuestos


def _pagos(documento: Any, contexto: _Contexto) -> Iterator[Hallazgo]:
    pagos = _formas(documento)
    dia = fecha_emision(documento)
    for pago in pagos:
        if catalogos.buscar("formas_pago", pago.forma_pago, dia) is None:
            yield Hallazgo(
                "forma_pago",
                "formaPago",
                _("Payment form %(code)s is not in SRI's table.", code=pago.forma_pago),
            )
        elif pago.forma_pago == SIN_SISTEMA_FINANCIERO and pago.total > LIMITE_EFECTIVO:
            yield Hallazgo(
                "efectivo",
                "formaPago",
                _(
                    "More than %(most)s USD outside the financial system: the buyer cannot deduct it.",
                    most=LIMITE_EFECTIVO,
                ),
                grave=False,
            )
    if not pagos:
        yield Hallazgo(
            "sin_pagos",
            "pagos",
            _("The document has no payment form; SRI asks for one."),
            grave=False,
        )


def _formas(documento: Any) -> tuple[Pago, ...]:
    if isinstance(documento, Factura):
        return documento.info_factura.pagos
    if isinstance(documento, LiquidacionCompra):
        return documento.info_liquidacion_compra.pagos
    return tuple(pago for grupo in documento.info_nota_debito.pagos for pago in grupo.pago)


# --- the special cases of a factura -------------------------------------------------------------


def _propina(factura: Factura, _contexto: _Contexto) -> Iterator[Hallazgo]:
    info = factura.info_factura
    if info.propina and info.propina > info.total_sin_impuestos * LIMITE_PROPINA:
        yield Hallazgo(
            "propina",
            "propina",
            _("The tip may be at most 10 % of the subtotal."),
            codigo_sri="52",
        )


def _exportacion(factura: Factura, _contexto: _Contexto) -> Iterator[Hallazgo]:
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
                _("An export factura needs %(field)s.", field=campo),
                codigo_sri="35",
            )


def _reembolso(documento: Factura | LiquidacionCompra, _contexto: _Contexto) -> Iterator[Hallazgo]:
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
        impuesto.codigo_porcentaje == IVA_REEMBOLSO for impuesto in _impuestos(documento)
    ):
        yield Hallazgo(
            "reembolso_iva",
            "codigoPorcentaje",
            _("The line that gathers the reimbursed documents carries the IVA code 6."),
        )


def _transporte(factura: Factura, _contexto: _Contexto) -> Iterator[Hallazgo]:
    lleva = any(detalle.codigo_auxiliar in TRANSPORTE for detalle in factura.detalles)
    if lleva and not factura.info_factura.placa:
        yield Hallazgo(
            "placa", "placa", _("A factura of transport (H492001, H492002) needs the plate.")
        )


def _devolucion(factura: Factura, _contexto: _Contexto) -> Iterator[Hallazgo]:
    for one in factura.info_factura.total_con_impuestos:
        if one.valor_devolucion_iva is not None and one.valor_devolucion_iva > one.valor:
            yield Hallazgo(
                "devolucion_iva",
                "valorDevolucionIva",
                _(
                    "The IVA given back (%(back)s) exceeds the IVA (%(iva)s).",
                    back=one.valor_devolucion_iva,
                    iva=one.valor,
                ),
                codigo_sri="92",
            )


def _negociable(factura: Factura, _contexto: _Contexto) -> Iterator[Hallazgo]:
    if factura.tipo_negociable is None:
        return
    info = factura.info_factura
    if not info.direccion_comprador or not any(pago.plazo for pago in info.pagos):
        yield Hallazgo(
            "negociable",
            "direccionComprador",
            _("A negotiable factura needs the buyer's address and a term of payment."),
        )


# --- guía and retención -------------------------------------------------------------------------


def _transporte_de_guia(guia: GuiaRemision, _contexto: _Contexto) -> Iterator[Hallazgo]:
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
    yield from _identificacion(
        info.tipo_identificacion_transportista, info.ruc_transportista, "rucTransportista"
    )


_RETENCIONES = {"1": "retencion_renta", "2": "retencion_iva", "6": "retencion_isd"}


def _codigos_retencion(retencion: ComprobanteRetencion, _contexto: _Contexto) -> Iterator[Hallazgo]:
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
                    "Retention %(code)s stands for %(right)s %%, not for %(rate)s %%.",
                    code=fila.codigo,
                    right=" / ".join(map(str, fila.tarifas)),
                    rate=one.porcentaje_retener,
                ),
                grave=nombre != "retencion_renta",
            )


_REGLAS: tuple[Regla, ...] = (_clave, _fecha, _tipo_emision)
_POR_CLASE: dict[type[Any], tuple[Regla, ...]] = {
    Factura: (
        _comprador_de_factura,
        _iva,
        _pagos,
        _propina,
        _exportacion,
        _reembolso,
        _transporte,
        _devolucion,
        _negociable,
    ),
    LiquidacionCompra: (_proveedor, _iva, _pagos, _reembolso),
    NotaCredito: (_comprador_de_nota, _iva),
    NotaDebito: (_comprador_de_nota, _iva, _pagos),
    GuiaRemision: (_transporte_de_guia,),
    ComprobanteRetencion: (_sujeto_retenido, _codigos_retencion),
}
