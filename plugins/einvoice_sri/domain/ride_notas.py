"""The bodies of the sheets of notes, guías and retenciones."""

from __future__ import annotations

from core.domain.money import total
from plugins.einvoice_sri.domain import catalogos
from plugins.einvoice_sri.domain.guia_remision import Destinatario, GuiaRemision
from plugins.einvoice_sri.domain.nota_credito import InfoNotaCredito, NotaCredito
from plugins.einvoice_sri.domain.nota_debito import InfoNotaDebito, NotaDebito
from plugins.einvoice_sri.domain.retencion import ComprobanteRetencion, DocSustento
from plugins.einvoice_sri.domain.ride_partes import (
    Columna,
    Cuerpo,
    Seccion,
    Tabla,
    descripcion,
    dia,
    importe,
    medida,
    pagos,
    pares,
    porcentaje,
)
from plugins.einvoice_sri.domain.ride_ventas import impuestos_de, subtotales

_RETENCIONES = {"1": "RENTA", "2": "IVA", "6": "ISD"}


def nota_credito(documento: NotaCredito) -> Cuerpo:
    """The body of a nota de crédito."""
    info = documento.info_nota_credito
    tabla = Tabla(
        (
            Columna("Código", 15),
            Columna("Descripción", 39),
            Columna("Cantidad", 11, derecha=True),
            Columna("P. unitario", 12, derecha=True),
            Columna("Descuento", 11, derecha=True),
            Columna("Total", 12, derecha=True),
        ),
        tuple(
            (
                "\n".join(code for code in (one.codigo_interno, one.codigo_adicional) if code),
                descripcion(one.descripcion, one.detalles_adicionales),
                medida(one.cantidad),
                medida(one.precio_unitario),
                importe(one.descuento) if one.descuento is not None else "",
                importe(one.precio_total_sin_impuesto),
            )
            for one in documento.detalles
        ),
    )
    return Cuerpo(
        dir_establecimiento=info.dir_establecimiento or "",
        contribuyente_especial=info.contribuyente_especial or "",
        obligado_contabilidad=info.obligado_contabilidad or "",
        secciones=(
            _comprador(info),
            Seccion(
                "Documento que se modifica",
                (*_modificado(info), ("Motivo", info.motivo)),
            ),
            Seccion(tabla=tabla),
        ),
        totales=(
            *subtotales(info.total_con_impuestos),
            ("Subtotal sin impuestos", importe(info.total_sin_impuestos)),
            *impuestos_de(info.total_con_impuestos),
        ),
        total=("VALOR DE LA NOTA DE CRÉDITO", importe(info.valor_modificacion)),
    )


def nota_debito(documento: NotaDebito) -> Cuerpo:
    """The body of a nota de débito."""
    info = documento.info_nota_debito
    tabla = Tabla(
        (Columna("Razón de la modificación", 80), Columna("Valor", 20, derecha=True)),
        tuple((one.razon, importe(one.valor)) for one in documento.motivos),
    )
    return Cuerpo(
        dir_establecimiento=info.dir_establecimiento or "",
        contribuyente_especial=info.contribuyente_especial or "",
        obligado_contabilidad=info.obligado_contabilidad or "",
        secciones=(
            _comprador(info),
            Seccion("Documento que se modifica", _modificado(info)),
            Seccion(tabla=tabla),
        ),
        pagos=pagos(pago for grupo in info.pagos for pago in grupo.pago),
        totales=(
            *subtotales(info.impuestos),
            ("Subtotal sin impuestos", importe(info.total_sin_impuestos)),
            *impuestos_de(info.impuestos),
        ),
        total=("VALOR TOTAL", importe(info.valor_total)),
    )


def _comprador(info: InfoNotaCredito | InfoNotaDebito) -> Seccion:
    identificacion = catalogos.nombre("identificaciones", info.tipo_identificacion_comprador)
    return Seccion(
        pares=pares(
            ("Razón social / Nombres y apellidos", info.razon_social_comprador),
            (identificacion, info.identificacion_comprador),
            ("Fecha de emisión", dia(info.fecha_emision)),
        )
    )


def _modificado(info: InfoNotaCredito | InfoNotaDebito) -> tuple[tuple[str, str], ...]:
    nombre = catalogos.nombre("documentos_sustento", info.cod_doc_modificado)
    return pares(
        (nombre, info.num_doc_modificado),
        ("Fecha de emisión del documento", dia(info.fecha_emision_doc_sustento)),
    )


def guia(documento: GuiaRemision) -> Cuerpo:
    """The body of a guía de remisión: the transport, then each consignee with his goods."""
    info = documento.info_guia_remision
    identificacion = catalogos.nombre("identificaciones", info.tipo_identificacion_transportista)
    transporte = Seccion(
        "Transporte",
        pares(
            ("Transportista", info.razon_social_transportista),
            (identificacion, info.ruc_transportista),
            ("Placa", info.placa),
            ("Punto de partida", info.dir_partida),
            ("Inicio del transporte", dia(info.fecha_ini_transporte)),
            ("Fin del transporte", dia(info.fecha_fin_transporte)),
        ),
    )
    return Cuerpo(
        dir_establecimiento=info.dir_establecimiento or "",
        contribuyente_especial=info.contribuyente_especial or "",
        obligado_contabilidad=info.obligado_contabilidad or "",
        secciones=(transporte, *(_destinatario(one) for one in documento.destinatarios)),
    )


def _destinatario(one: Destinatario) -> Seccion:
    sustento = ""
    if one.num_doc_sustento:
        nombre = catalogos.nombre("documentos_sustento", one.cod_doc_sustento or "")
        sustento = f"{nombre} {one.num_doc_sustento}"
    return Seccion(
        "Destinatario",
        pares(
            ("Razón social / Nombres y apellidos", one.razon_social_destinatario),
            ("Identificación", one.identificacion_destinatario),
            ("Punto de llegada", one.dir_destinatario),
            ("Motivo del traslado", one.motivo_traslado),
            ("Ruta", one.ruta),
            ("Documento aduanero", one.doc_aduanero_unico),
            ("Establecimiento de destino", one.cod_estab_destino),
            ("Comprobante de venta", sustento),
            ("Fecha del comprobante", dia(one.fecha_emision_doc_sustento)),
            ("Autorización del comprobante", one.num_aut_doc_sustento),
        ),
        Tabla(
            (
                Columna("Código", 18),
                Columna("Descripción", 64),
                Columna("Cantidad", 18, derecha=True),
            ),
            tuple(
                (
                    "\n".join(c for c in (item.codigo_interno, item.codigo_adicional) if c),
                    descripcion(item.descripcion, item.detalles_adicionales),
                    medida(item.cantidad),
                )
                for item in one.detalles
            ),
        ),
    )


_COLUMNAS_RETENCION = (
    Columna("Comprobante", 14),
    Columna("Número", 20),
    Columna("Fecha", 12),
    Columna("Impuesto", 10),
    Columna("Código", 9),
    Columna("Base imponible", 14, derecha=True),
    Columna("%", 8, derecha=True),
    Columna("Retenido", 13, derecha=True),
)


def retencion(documento: ComprobanteRetencion) -> Cuerpo:
    """The body of a retención; version 2.0.0 uses the layout of 1.0.0 (ficha)."""
    info = documento.info_comp_retencion
    identificacion = catalogos.nombre("identificaciones", info.tipo_identificacion_sujeto_retenido)
    sujeto = Seccion(
        pares=pares(
            ("Razón social / Nombres y apellidos", info.razon_social_sujeto_retenido),
            (identificacion, info.identificacion_sujeto_retenido),
            ("Fecha de emisión", dia(info.fecha_emision)),
            ("Ejercicio fiscal", info.periodo_fiscal),
        )
    )
    filas: list[tuple[str, ...]] = [
        (
            catalogos.nombre("documentos_sustento", one.cod_doc_sustento or ""),
            _numero(one.num_doc_sustento or ""),
            dia(one.fecha_emision_doc_sustento),
            _RETENCIONES.get(one.codigo, one.codigo),
            one.codigo_retencion,
            importe(one.base_imponible),
            porcentaje(one.porcentaje_retener),
            importe(one.valor_retenido),
        )
        for one in documento.impuestos
    ]
    retenido = [one.valor_retenido for one in documento.impuestos]
    for doc in documento.docs_sustento:
        filas += _filas_de_sustento(doc)
        retenido += [one.valor_retenido for one in doc.retenciones]
    return Cuerpo(
        dir_establecimiento=info.dir_establecimiento or "",
        contribuyente_especial=info.contribuyente_especial or "",
        obligado_contabilidad=info.obligado_contabilidad or "",
        secciones=(sujeto, Seccion(tabla=Tabla(_COLUMNAS_RETENCION, tuple(filas)))),
        total=("TOTAL RETENIDO", importe(total(retenido))),
    )


def _filas_de_sustento(doc: DocSustento) -> list[tuple[str, ...]]:
    return [
        (
            catalogos.nombre("documentos_sustento", doc.cod_doc_sustento),
            _numero(doc.num_doc_sustento),
            dia(doc.fecha_emision_doc_sustento),
            _RETENCIONES.get(one.codigo, one.codigo),
            one.codigo_retencion,
            importe(one.base_imponible),
            porcentaje(one.porcentaje_retener),
            importe(one.valor_retenido),
        )
        for one in doc.retenciones
    ]


def _numero(quince: str) -> str:
    return f"{quince[:3]}-{quince[3:6]}-{quince[6:]}" if len(quince) == 15 else quince
