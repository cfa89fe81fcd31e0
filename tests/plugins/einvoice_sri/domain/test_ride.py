"""What the printed sheet says, for each document and each special case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.contracts.fiscal import FiscalPayment, FiscalTax
from plugins.einvoice_sri.domain import ride, ride_partes, xml
from plugins.einvoice_sri.domain.bloques import (
    CampoAdicional,
    Compensacion,
    DetalleImpuesto,
    ReembolsoDetalle,
)
from plugins.einvoice_sri.domain.factura import (
    Destino,
    InfoSustitutivaGuiaRemision,
    Retencion,
    Rubro,
)
from plugins.einvoice_sri.domain.from_request import comprobante
from plugins.einvoice_sri.domain.retencion import Impuesto
from plugins.einvoice_sri.domain.ride import DatosAutorizacion
from plugins.einvoice_sri.domain.tipos import Ambiente, Regimen
from tests.plugins.einvoice_sri.domain.peticiones import (
    EMISOR,
    FACTURA,
    GUIA,
    IVA,
    LINEA,
    LIQUIDACION,
    NOTA_CREDITO,
    NOTA_DEBITO,
    RETENCION,
    TODAS,
)
from tests.plugins.einvoice_sri.domain.test_conformance import (
    NOMBRES,
    OFFICIAL,
    TRECE,
    needs_official,
)

D = Decimal
INSTANTE = datetime(2026, 4, 25, 13, 3, 5, tzinfo=UTC)
PRODUCCION = replace(EMISOR, ambiente=Ambiente.PRODUCCION)


def autorizada(documento, **changes):
    return DatosAutorizacion(documento.info_tributaria.clave_acceso, INSTANTE, **changes)


def hoja(request_, emisor=PRODUCCION):
    documento = comprobante(request_, emisor)
    return ride.hoja(documento, autorizada(documento))


def reembolso():
    tax = FiscalTax("2", "6", D("0"), D("11.50"), D("0.00"))
    line = replace(
        LINEA,
        description="Reembolso de gastos",
        unit_price=D("11.50"),
        subtotal=D("11.50"),
        taxes=(tax,),
    )
    documento = comprobante(
        replace(FACTURA, lines=(line,), payments=(FiscalPayment("20", D("11.50")),)), PRODUCCION
    )
    detalle = ReembolsoDetalle(
        tipo_identificacion_proveedor_reembolso="04", identificacion_proveedor_reembolso="1790085783001",
        tipo_proveedor_reembolso="02", cod_doc_reembolso="01", estab_doc_reembolso="001",
        pto_emi_doc_reembolso="001", secuencial_doc_reembolso="000000001",
        fecha_emision_doc_reembolso=date(2026, 4, 1), numeroautorizacion_doc_reemb="1" * 49,
        detalle_impuestos=(
            DetalleImpuesto(codigo="2", codigo_porcentaje="4", tarifa="15.00",
                            base_imponible_reembolso=D("10.00"), impuesto_reembolso=D("1.50")),
        ),
    )  # fmt: skip
    info = replace(
        documento.info_factura, cod_doc_reembolso="41", total_comprobantes_reembolso=D("11.50"),
        total_base_imponible_reembolso=D("10.00"), total_impuesto_reembolso=D("1.50"),
    )  # fmt: skip
    return replace(documento, info_factura=info, reembolsos=(detalle,))


def test_a_factura_whole():
    sheet = hoja(
        FACTURA,
        replace(
            PRODUCCION,
            regimen=Regimen.RIMPE_EMPRENDEDOR,
            agente_retencion="1",
            contribuyente_especial="5368",
        ),
    )
    assert (sheet.titulo, sheet.numero, sheet.ruc) == (
        "FACTURA",
        "001-002-000000123",
        "1790012345001",
    )
    assert sheet.leyendas == (
        "Contribuyente especial Nro. 5368",
        "Obligado a llevar contabilidad: SI",
        "CONTRIBUYENTE RÉGIMEN RIMPE",
        "Agente de retención, resolución Nro. 1",
    )
    assert sheet.fecha_autorizacion == "25/04/2026 08:03:05"
    assert (sheet.ambiente, sheet.aviso, sheet.marca) == ("PRODUCCIÓN", "", "")
    assert sheet.secciones[0].pares == (
        ("Razón social / Nombres y apellidos", "María Peña"),
        ("Cédula", "1710034065"),
        ("Fecha de emisión", "25/04/2026"),
        ("Dirección", "Calle Ñ, Quito"),
    )
    assert sheet.secciones[1].tabla.filas == (
        ("ORO", "Mensualidad plan oro\nPeriodo: mayo 2026", "1,00", "20,00", "0,00", "20,00"),
    )
    assert sheet.totales == (
        ("Subtotal 15 %", "20,00"),
        ("Subtotal sin impuestos", "20,00"),
        ("Total descuento", "0,00"),
        ("IVA 15 %", "3,00"),
        ("Propina", "0,00"),
    )
    assert sheet.total == ("VALOR TOTAL", "23,00")
    assert sheet.pagos == (("Otros con utilización del sistema financiero", "23,00", "30 dias"),)
    assert sheet.adicionales == (("Email", "maria@example.com"), ("Teléfono", "0991234567"))


@pytest.mark.parametrize(
    ("ambiente", "autorizacion", "aviso", "marca"),
    [
        (Ambiente.PRODUCCION, None, ride.NO_AUTORIZADO, "SIN VALIDEZ TRIBUTARIA"),
        (Ambiente.PRUEBAS, None, ride.NO_AUTORIZADO, "SIN VALIDEZ TRIBUTARIA"),
        (Ambiente.PRUEBAS, {}, ride.PRUEBAS, "SIN VALIDEZ TRIBUTARIA"),
        (Ambiente.PRODUCCION, {}, "", ""),
        (Ambiente.PRODUCCION, {"simulada": True}, ride.SIMULADO, "SIMULACIÓN"),
        (Ambiente.PRODUCCION, {"anulada": True}, ride.ANULADO, "ANULADO"),
    ],
)
@pytest.mark.parametrize("request_", TODAS, ids=lambda one: type(one).__name__)
def test_only_a_real_authorised_document_shows_no_warning(
    request_, ambiente, autorizacion, aviso, marca
):
    documento = comprobante(request_, replace(EMISOR, ambiente=ambiente))
    datos = None if autorizacion is None else autorizada(documento, **autorizacion)
    sheet = ride.hoja(documento, datos)
    assert (sheet.aviso, sheet.marca) == (aviso, marca)
    assert bool(sheet.numero_autorizacion) == (datos is not None)
    assert not aviso or "SIN VALIDEZ TRIBUTARIA" in aviso


def test_each_rate_has_its_subtotal():
    lines = tuple(
        replace(LINEA, taxes=(FiscalTax("2", code, D(rate), D("20.00"), D(amount)),))
        for code, rate, amount in (("4", "15", "3.00"), ("5", "5", "1.00"), ("0", "0", "0"), ("6", "0", "0"), ("7", "0", "0"), ("99", "0", "0"))
    )  # fmt: skip
    ice = FiscalTax("3", "3680", D("10"), D("20.00"), D("2.00"))
    botella = FiscalTax("5", "5001", D("0.02"), D("20.00"), D("0.02"))
    lines = (*lines, replace(LINEA, taxes=(ice, botella, IVA)))
    totales = dict(hoja(replace(FACTURA, lines=lines)).totales)
    assert totales == {
        "Subtotal 15 %": "40,00",
        "Subtotal 5 %": "20,00",
        "Subtotal 0 %": "20,00",
        "Subtotal no objeto de IVA": "20,00",
        "Subtotal exento de IVA": "20,00",
        "Subtotal código 99": "20,00",
        "Subtotal sin impuestos": "140,00",
        "Total descuento": "0,00",
        "ICE": "2,00",
        "IVA 15 %": "6,00",
        "IVA 5 %": "1,00",
        "IVA 0 %": "0,00",
        "IVA código 99": "0,00",
        "IRBPNR": "0,02",
        "Propina": "0,00",
    }


def test_the_special_cases_of_a_factura_are_shown():
    documento = comprobante(FACTURA, PRODUCCION)
    total = replace(
        documento.info_factura.total_con_impuestos[0],
        descuento_adicional=D("0.50"),
        valor_devolucion_iva=D("1.00"),
    )
    documento = replace(
        documento,
        info_factura=replace(
            documento.info_factura,
            comercio_exterior="EXPORTADOR", inco_term_factura="FOB", lugar_inco_term="Guayaquil",
            puerto_embarque="Guayaquil", puerto_destino="Miami", pais_origen="593", pais_destino="110",
            pais_adquisicion="593", placa="PBA1234", guia_remision="001-001-000000009",
            total_con_impuestos=(total,), total_subsidio=D("5.00"), flete_internacional=D("7.00"),
            compensaciones=(Compensacion(codigo="1", tarifa=D("2.00"), valor=D("0.40")),),
            valor_ret_iva=D("0.30"), valor_ret_renta=D("0.20"),
        ),
        detalles=(replace(documento.detalles[0], precio_sin_subsidio=D("25.00"), unidad_medida="kg", codigo_auxiliar="AUX"),),
        retenciones=(Retencion(codigo="4", codigo_porcentaje="3", tarifa=D("0.20"), valor=D("0.10")),),
        otros_rubros_terceros=(Rubro(concepto="Tasa de bomberos", total=D("5.00")),),
        info_sustitutiva_guia_remision=InfoSustitutivaGuiaRemision(
            dir_partida="Quito", dir_destinatario="Manta", fecha_ini_transporte=date(2026, 4, 25),
            fecha_fin_transporte=date(2026, 4, 26), razon_social_transportista="Trans S.A.",
            tipo_identificacion_transportista="04", ruc_transportista="1790085783001", placa="PBA1234",
            destinos=(Destino(motivo_traslado="Venta"),),
        ),
    )  # fmt: skip
    sheet = ride.hoja(documento, autorizada(documento))
    titulos = [one.titulo for one in sheet.secciones]
    assert titulos == ["", "", "Comercio exterior", "Traslado (sustituye a la guía de remisión)"]
    assert ("Placa", "PBA1234") in sheet.secciones[0].pares
    assert ("País de destino", "Estados Unidos") in sheet.secciones[2].pares
    assert ("Negociación (Incoterm)", "FOB") in sheet.secciones[2].pares
    assert ("Motivo del traslado", "Venta") in sheet.secciones[3].pares
    tabla = sheet.secciones[1].tabla
    assert [one.titulo for one in tabla.columnas].index("P. sin subsidio") == 4
    assert tabla.filas[0][:2] == (
        "ORO\nAUX",
        "Mensualidad plan oro\nPeriodo: mayo 2026\nUnidad: kg",
    )
    assert tabla.filas[0][4] == "25,00"
    shown = dict(sheet.totales)
    assert shown["Descuento adicional"] == "-0,50"
    assert shown["Devolución de IVA"] == "-1,00"
    assert shown["Compensaciones"] == "-0,40"
    assert shown["Flete internacional"] == "7,00"
    assert shown["Retenciones en la factura"] == "0,10"
    assert shown["Tasa de bomberos"] == "5,00"
    assert (shown["Valor total sin subsidio"], shown["Ahorro por subsidio"]) == ("28,00", "5,00")
    assert shown["Retención presuntiva de IVA"] == "0,30"


def test_a_line_without_subsidy_among_others_leaves_the_cell_empty():
    documento = comprobante(replace(FACTURA, lines=(LINEA, LINEA), payments=()), PRODUCCION)
    first, second = documento.detalles
    documento = replace(
        documento, detalles=(replace(first, precio_sin_subsidio=D("25.00")), second)
    )
    filas = ride.hoja(documento, None).secciones[1].tabla.filas
    assert [fila[4] for fila in filas] == ["25,00", ""]


def test_reimbursed_documents_are_listed():
    documento = reembolso()
    section = ride.hoja(documento, None).secciones[2]
    assert section.titulo == "Documentos que se reembolsan"
    assert section.tabla.filas == (
        ("1790085783001", "001-001-000000001", "01/04/2026", "10,00", "1,50"),
    )


def test_the_other_five():
    credito = hoja(NOTA_CREDITO)
    assert credito.secciones[1].pares == (
        ("Factura", "001-002-000000123"),
        ("Fecha de emisión del documento", "20/04/2026"),
        ("Motivo", "Devolución"),
    )
    assert credito.total == ("VALOR DE LA NOTA DE CRÉDITO", "23,00")
    debito = hoja(NOTA_DEBITO)
    assert debito.secciones[2].tabla.filas == (("Interés por mora", "20,00"),)
    assert debito.pagos[0][1] == "23,00"
    guia = hoja(GUIA)
    assert guia.total is None
    assert ("Placa", "PBA1234") in guia.secciones[0].pares
    assert ("Comprobante de venta", "Factura 001-002-000000123") in guia.secciones[1].pares
    assert guia.secciones[1].tabla.filas == (("A", "Mancuerna", "2,00"),)
    retencion = hoja(RETENCION)
    assert retencion.secciones[1].tabla.filas[0] == (
        "Factura", "001-002-000000123", "20/04/2026", "RENTA", "312", "20,00", "1,75 %", "0,35",
    )  # fmt: skip
    assert retencion.total == ("TOTAL RETENIDO", "3,35")
    liquidacion = hoja(LIQUIDACION)
    assert liquidacion.secciones[0].pares[0] == ("Proveedor", "María Peña")
    assert liquidacion.total == ("VALOR TOTAL", "23,00")


def test_a_retencion_of_version_one():
    documento = comprobante(RETENCION, PRODUCCION)
    linea = Impuesto(
        codigo="2", codigo_retencion="1", base_imponible=D("3.00"), porcentaje_retener=D("30"),
        valor_retenido=D("0.90"), cod_doc_sustento="01", num_doc_sustento="123",
    )  # fmt: skip
    old = replace(documento, version="1.0.0", docs_sustento=(), impuestos=(linea,))
    filas = ride.hoja(old, None).secciones[1].tabla.filas
    assert filas == (("Factura", "123", "", "IVA", "1", "3,00", "30 %", "0,90"),)


@needs_official
@pytest.mark.parametrize(("tipo", "version"), TRECE)
def test_a_document_with_every_optional_element_has_a_sheet(tipo, version):
    path = OFFICIAL.parent / "samples" / "skeletons" / f"{NOMBRES[tipo]}_V{version}.xml"
    sheet = ride.hoja(xml.read(path.read_bytes()), None)
    assert sheet.secciones
    assert sheet.titulo


def test_figures_are_written_as_in_ecuador():
    assert ride_partes.importe(D("1234567.5")) == "1.234.567,50"
    assert ride_partes.medida(D("1234.5678")) == "1.234,5678"
    assert ride_partes.medida(D("2")) == "2,00"
    assert ride_partes.porcentaje(D("0.20")) == "0,2 %"
    assert ride_partes.dia(None) == ""
    assert ride_partes.momento(datetime(2026, 1, 1, 3, 0, tzinfo=UTC)) == "31/12/2025 22:00:00"


def test_additional_fields_are_shown_as_they_are():
    documento = comprobante(FACTURA, PRODUCCION)
    documento = replace(documento, info_adicional=(CampoAdicional(nombre="Nota", valor="a\nb"),))
    assert ride.hoja(documento, None).adicionales == (("Nota", "a\nb"),)
