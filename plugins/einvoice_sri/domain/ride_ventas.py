"""The bodies of the sheets of a factura and of a liquidación de compra."""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.money import ZERO, total
from plugins.einvoice_sri.domain import catalogos, nota_credito, nota_debito
from plugins.einvoice_sri.domain.bloques import Detalle, ReembolsoDetalle, TotalImpuesto
from plugins.einvoice_sri.domain.factura import Factura, InfoFactura
from plugins.einvoice_sri.domain.liquidacion import LiquidacionCompra
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
from plugins.einvoice_sri.domain.tipos import CodigoImpuesto

_SIN_TARIFA = {"6": "Subtotal no objeto de IVA", "7": "Subtotal exento de IVA"}


#: A tax of a whole document, as every document that has taxes writes it.
Gravamen = TotalImpuesto | nota_credito.TotalImpuesto | nota_debito.Impuesto


def factura(documento: Factura) -> Cuerpo:
    """The body of a factura, with its special cases where they are present."""
    info = documento.info_factura
    comprador = Seccion(
        pares=pares(
            ("Razón social / Nombres y apellidos", info.razon_social_comprador),
            (_identificacion(info.tipo_identificacion_comprador), info.identificacion_comprador),
            ("Fecha de emisión", dia(info.fecha_emision)),
            ("Dirección", info.direccion_comprador),
            ("Guía de remisión", info.guia_remision),
            ("Placa", info.placa),
        )
    )
    secciones = [comprador, Seccion(tabla=lineas(documento.detalles))]
    secciones += _exportacion(info)
    secciones += _reembolsos(documento.reembolsos)
    secciones += _en_lugar_de_guia(documento)
    return Cuerpo(
        dir_establecimiento=info.dir_establecimiento or "",
        contribuyente_especial=info.contribuyente_especial or "",
        obligado_contabilidad=info.obligado_contabilidad or "",
        secciones=tuple(secciones),
        pagos=pagos(info.pagos),
        totales=_totales_de_factura(documento),
        total=("VALOR TOTAL", importe(info.importe_total)),
    )


def liquidacion(documento: LiquidacionCompra) -> Cuerpo:
    """The body of a liquidación de compra."""
    info = documento.info_liquidacion_compra
    proveedor = Seccion(
        pares=pares(
            ("Proveedor", info.razon_social_proveedor),
            (_identificacion(info.tipo_identificacion_proveedor), info.identificacion_proveedor),
            ("Fecha de emisión", dia(info.fecha_emision)),
            ("Dirección", info.direccion_proveedor),
        )
    )
    secciones = [proveedor, Seccion(tabla=lineas(documento.detalles))]
    secciones += _reembolsos(documento.reembolsos)
    impuestos = info.total_con_impuestos
    return Cuerpo(
        dir_establecimiento=info.dir_establecimiento or "",
        contribuyente_especial=info.contribuyente_especial or "",
        obligado_contabilidad=info.obligado_contabilidad or "",
        secciones=tuple(secciones),
        pagos=pagos(info.pagos),
        totales=(
            *subtotales(impuestos),
            ("Subtotal sin impuestos", importe(info.total_sin_impuestos)),
            ("Total descuento", importe(info.total_descuento)),
            *impuestos_de(impuestos),
        ),
        total=("VALOR TOTAL", importe(info.importe_total)),
    )


def _identificacion(codigo: str) -> str:
    return catalogos.nombre("identificaciones", codigo)


def lineas(detalles: Iterable[Detalle]) -> Tabla:
    """The lines; the columns of the subsidy only where a line has one."""
    todas = list(detalles)
    subsidio = any(one.precio_sin_subsidio is not None for one in todas)
    columnas = [
        Columna("Código", 15),
        Columna("Descripción", 39 - 10 * subsidio),
        Columna("Cantidad", 11, derecha=True),
        Columna("P. unitario", 12, derecha=True),
        *([Columna("P. sin subsidio", 12, derecha=True)] if subsidio else []),
        Columna("Descuento", 11, derecha=True),
        Columna("Total", 12, derecha=True),
    ]
    return Tabla(tuple(columnas), tuple(_fila(one, con_subsidio=subsidio) for one in todas))


def _fila(one: Detalle, *, con_subsidio: bool) -> tuple[str, ...]:
    sin_subsidio = (
        [medida(one.precio_sin_subsidio) if one.precio_sin_subsidio is not None else ""]
        if con_subsidio
        else []
    )
    texto = descripcion(one.descripcion, one.detalles_adicionales)
    if one.unidad_medida:
        texto += f"\nUnidad: {one.unidad_medida}"
    return (
        "\n".join(code for code in (one.codigo_principal, one.codigo_auxiliar) if code),
        texto,
        medida(one.cantidad),
        medida(one.precio_unitario),
        *sin_subsidio,
        importe(one.descuento),
        importe(one.precio_total_sin_impuesto),
    )


def subtotales(impuestos: Iterable[Gravamen]) -> tuple[tuple[str, str], ...]:
    """The base of each IVA rate that the document uses."""
    return tuple(
        (
            _SIN_TARIFA.get(one.codigo_porcentaje) or f"Subtotal {_tarifa(one.codigo_porcentaje)}",
            importe(one.base_imponible),
        )
        for one in impuestos
        if one.codigo == CodigoImpuesto.IVA
    )


def impuestos_de(impuestos: Iterable[Gravamen]) -> tuple[tuple[str, str], ...]:
    """ICE, IVA per rate, IRBPNR and the IVA given back, where there is any."""
    todos = list(impuestos)
    found: list[tuple[str, str]] = []
    ice = [one.valor for one in todos if one.codigo == CodigoImpuesto.ICE]
    if ice:
        found.append(("ICE", importe(total(ice))))
    found += [
        (f"IVA {_tarifa(one.codigo_porcentaje)}", importe(one.valor))
        for one in todos
        if one.codigo == CodigoImpuesto.IVA and one.codigo_porcentaje not in _SIN_TARIFA
    ]
    irbpnr = [one.valor for one in todos if one.codigo == CodigoImpuesto.IRBPNR]
    if irbpnr:
        found.append(("IRBPNR", importe(total(irbpnr))))
    devuelto = total(one.valor_devolucion_iva or ZERO for one in todos)
    if devuelto:
        found.append(("Devolución de IVA", f"-{importe(devuelto)}"))
    return tuple(found)


def _tarifa(codigo_porcentaje: str) -> str:
    fila = catalogos.buscar("tarifas_iva", codigo_porcentaje)
    return porcentaje(fila.tarifas[0]) if fila else f"código {codigo_porcentaje}"


def _totales_de_factura(documento: Factura) -> tuple[tuple[str, str], ...]:
    info = documento.info_factura
    adicional = total(one.descuento_adicional or ZERO for one in info.total_con_impuestos)
    compensado = total(one.valor for one in info.compensaciones)
    con_valor = (
        ("Flete internacional", info.flete_internacional),
        ("Seguro internacional", info.seguro_internacional),
        ("Gastos aduaneros", info.gastos_aduaneros),
        ("Otros gastos de transporte", info.gastos_transporte_otros),
        ("Retenciones en la factura", total(one.valor for one in documento.retenciones)),
        *((one.concepto, one.total) for one in documento.otros_rubros_terceros),
    )
    return (
        *subtotales(info.total_con_impuestos),
        ("Subtotal sin impuestos", importe(info.total_sin_impuestos)),
        ("Total descuento", importe(info.total_descuento)),
        *([("Descuento adicional", f"-{importe(adicional)}")] if adicional else []),
        *impuestos_de(info.total_con_impuestos),
        *([("Compensaciones", f"-{importe(compensado)}")] if compensado else []),
        ("Propina", importe(info.propina or ZERO)),
        *((name, importe(value)) for name, value in con_valor if value),
        *(
            [
                ("Valor total sin subsidio", importe(info.importe_total + info.total_subsidio)),
                ("Ahorro por subsidio", importe(info.total_subsidio)),
            ]
            if info.total_subsidio
            else []
        ),
        *(
            (name, importe(value))
            for name, value in (
                ("Retención presuntiva de IVA", info.valor_ret_iva),
                ("Retención presuntiva de renta", info.valor_ret_renta),
            )
            if value
        ),
    )


def _exportacion(info: InfoFactura) -> list[Seccion]:
    if info.comercio_exterior is None:
        return []
    return [
        Seccion(
            "Comercio exterior",
            pares(
                ("Negociación (Incoterm)", info.inco_term_factura),
                ("Lugar", info.lugar_inco_term),
                ("País de origen", _pais(info.pais_origen)),
                ("Puerto de embarque", info.puerto_embarque),
                ("Puerto de destino", info.puerto_destino),
                ("País de destino", _pais(info.pais_destino)),
                ("País de adquisición", _pais(info.pais_adquisicion)),
            ),
        )
    ]


def _pais(codigo: str | None) -> str:
    return catalogos.nombre("paises", codigo) if codigo else ""


def _reembolsos(reembolsos: tuple[ReembolsoDetalle, ...]) -> list[Seccion]:
    if not reembolsos:
        return []
    columnas = (
        Columna("Proveedor", 24),
        Columna("Documento", 30),
        Columna("Fecha", 16),
        Columna("Base", 15, derecha=True),
        Columna("Impuesto", 15, derecha=True),
    )
    filas = tuple(
        (
            one.identificacion_proveedor_reembolso,
            f"{one.estab_doc_reembolso}-{one.pto_emi_doc_reembolso}-{one.secuencial_doc_reembolso}",
            dia(one.fecha_emision_doc_reembolso),
            importe(total(tax.base_imponible_reembolso for tax in one.detalle_impuestos)),
            importe(total(tax.impuesto_reembolso for tax in one.detalle_impuestos)),
        )
        for one in reembolsos
    )
    return [Seccion("Documentos que se reembolsan", tabla=Tabla(columnas, filas))]


def _en_lugar_de_guia(documento: Factura) -> list[Seccion]:
    guia = documento.info_sustitutiva_guia_remision
    if guia is None:
        return []
    return [
        Seccion(
            "Traslado (sustituye a la guía de remisión)",
            pares(
                ("Punto de partida", guia.dir_partida),
                ("Destino", guia.dir_destinatario),
                ("Inicio del transporte", dia(guia.fecha_ini_transporte)),
                ("Fin del transporte", dia(guia.fecha_fin_transporte)),
                ("Transportista", guia.razon_social_transportista),
                ("RUC / cédula", guia.ruc_transportista),
                ("Placa", guia.placa),
                *(("Motivo del traslado", one.motivo_traslado) for one in guia.destinos),
            ),
        )
    ]
