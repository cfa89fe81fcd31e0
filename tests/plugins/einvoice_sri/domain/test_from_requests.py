"""Requests in English to documents in SRI's words; the whole document where it matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from core.contracts.fiscal import FiscalRequest, FiscalTax
from core.contracts.sales import CustomerData
from plugins.einvoice_sri.domain import clave_acceso, partes, totales, xml
from plugins.einvoice_sri.domain.bloques import CampoAdicional
from plugins.einvoice_sri.domain.emisor import numero_resolucion, una_linea
from plugins.einvoice_sri.domain.errores import DocumentoIncompleto
from plugins.einvoice_sri.domain.from_request import comprobante
from plugins.einvoice_sri.domain.tipos import Ambiente, Regimen
from tests.plugins.einvoice_sri.domain.peticiones import (
    BASE,
    EMISOR,
    EMPRESA,
    FACTURA,
    GUIA,
    IVA,
    LINEA,
    NOTA_CREDITO,
    NOTA_DEBITO,
    RETENCION,
    TODAS,
)

D = Decimal


def test_a_factura_whole():
    """One line of 20.00 at 15 %, paid in 30 days: the whole document, byte for byte."""
    assert xml.build(comprobante(FACTURA, EMISOR)).decode() == (
        '<factura id="comprobante" version="1.1.0"><infoTributaria><ambiente>1</ambiente>'
        "<tipoEmision>1</tipoEmision><razonSocial>Gimnasio Ñandú &amp; Hijos S.A.</razonSocial>"
        "<nombreComercial>Ñandú Fit</nombreComercial><ruc>1790012345001</ruc>"
        "<claveAcceso>2504202601179001234500110010020000001231234567814</claveAcceso>"
        "<codDoc>01</codDoc><estab>001</estab><ptoEmi>002</ptoEmi><secuencial>000000123</secuencial>"
        "<dirMatriz>Av. Amazonas N21-147 y Roca</dirMatriz></infoTributaria><infoFactura>"
        "<fechaEmision>25/04/2026</fechaEmision><dirEstablecimiento>Sucursal Norte</dirEstablecimiento>"
        "<obligadoContabilidad>SI</obligadoContabilidad>"
        "<tipoIdentificacionComprador>05</tipoIdentificacionComprador>"
        "<razonSocialComprador>María Peña</razonSocialComprador>"
        "<identificacionComprador>1710034065</identificacionComprador>"
        "<direccionComprador>Calle Ñ, Quito</direccionComprador>"
        "<totalSinImpuestos>20.00</totalSinImpuestos><totalDescuento>0.00</totalDescuento>"
        "<totalConImpuestos><totalImpuesto><codigo>2</codigo><codigoPorcentaje>4</codigoPorcentaje>"
        "<baseImponible>20.00</baseImponible><tarifa>15.00</tarifa><valor>3.00</valor></totalImpuesto>"
        "</totalConImpuestos><propina>0.00</propina><importeTotal>23.00</importeTotal>"
        "<moneda>DOLAR</moneda><pagos><pago><formaPago>20</formaPago><total>23.00</total>"
        "<plazo>30</plazo><unidadTiempo>dias</unidadTiempo></pago></pagos></infoFactura><detalles>"
        "<detalle><codigoPrincipal>ORO</codigoPrincipal><descripcion>Mensualidad plan oro</descripcion>"
        "<cantidad>1.00</cantidad><precioUnitario>20.00</precioUnitario><descuento>0.00</descuento>"
        "<precioTotalSinImpuesto>20.00</precioTotalSinImpuesto><detallesAdicionales>"
        '<detAdicional nombre="Periodo" valor="mayo 2026"></detAdicional></detallesAdicionales>'
        "<impuestos><impuesto><codigo>2</codigo><codigoPorcentaje>4</codigoPorcentaje>"
        "<tarifa>15.00</tarifa><baseImponible>20.00</baseImponible><valor>3.00</valor></impuesto>"
        "</impuestos></detalle></detalles><infoAdicional>"
        '<campoAdicional nombre="Email">maria@example.com</campoAdicional>'
        '<campoAdicional nombre="Teléfono">0991234567</campoAdicional></infoAdicional></factura>'
    )


@pytest.mark.parametrize("request_", TODAS, ids=lambda one: type(one).__name__)
def test_every_document_adds_up_and_is_the_same_when_built_again(request_):
    document = comprobante(request_, EMISOR)
    assert totales.comprobar(document) == []
    assert document == comprobante(request_, EMISOR)
    assert clave_acceso.is_valid(document.info_tributaria.clave_acceso)


def test_an_unknown_request_is_refused():
    with pytest.raises(TypeError, match="FiscalRequest"):
        comprobante(FiscalRequest(**BASE), EMISOR)


def test_consumidor_final_gets_the_number_and_name_that_sri_fixes():
    quien = CustomerData("07", "", "Señor X", "x@example.com", "Calle 1")
    info = comprobante(replace(FACTURA, counterpart=quien), EMISOR).info_factura
    assert (info.identificacion_comprador, info.razon_social_comprador) == (
        "9999999999999",
        "CONSUMIDOR FINAL",
    )
    assert info.direccion_comprador is None


@pytest.mark.parametrize(
    ("regimen", "leyenda"),
    [
        (Regimen.GENERAL, None),
        (Regimen.RIMPE_EMPRENDEDOR, "CONTRIBUYENTE RÉGIMEN RIMPE"),
        (Regimen.RIMPE_NEGOCIO_POPULAR, "CONTRIBUYENTE NEGOCIO POPULAR - RÉGIMEN RIMPE"),
    ],
)
def test_the_regime_sets_the_legend(regimen, leyenda):
    for request_ in TODAS:
        info = comprobante(request_, replace(EMISOR, regimen=regimen)).info_tributaria
        assert info.contribuyente_rimpe == leyenda


def test_the_facts_of_the_issuer_stand_in_every_document():
    emisor = replace(
        EMISOR,
        ambiente=Ambiente.PRODUCCION,
        agente_retencion="NAC-DNCRASC20-00000001",
        contribuyente_especial="5368",
        obligado_contabilidad=False,
        nombre_comercial="",
    )
    for request_ in TODAS:
        content = xml.build(comprobante(request_, emisor)).decode()
        assert "<ambiente>2</ambiente>" in content
        assert "<agenteRetencion>1</agenteRetencion>" in content
        assert "<contribuyenteEspecial>5368</contribuyenteEspecial>" in content
        assert "<obligadoContabilidad>NO</obligadoContabilidad>" in content
        assert "nombreComercial" not in content


def test_numbers_of_resolutions_and_lines():
    assert numero_resolucion("NAC-DNCRASC20-00000001") == "1"
    assert numero_resolucion("00000012") == "12"
    assert numero_resolucion("") == ""
    assert una_linea(" a\n b\t\tc ") == "a b c"


@pytest.mark.parametrize(
    ("day", "expected"), [(date(2026, 9, 25), 0), (date(2026, 9, 26), 1), (date(2027, 1, 1), 1)]
)
def test_ruc_proveedor_from_its_legal_date(day, expected):
    emisor = replace(EMISOR, ruc_proveedor="1791234567001")
    for request_ in TODAS:
        campos = comprobante(replace(request_, issued_on=day), emisor).info_adicional
        found = [one for one in campos if one.nombre == "RUC Proveedor"]
        assert found == [CampoAdicional(nombre="RUC Proveedor", valor="1791234567001")] * expected
        in_house = comprobante(replace(request_, issued_on=day), EMISOR).info_adicional
        assert not [one for one in in_house if one.nombre == "RUC Proveedor"]


def test_gran_contribuyente_only_where_annex_24_asks():
    emisor = replace(EMISOR, gran_contribuyente="NAC-GCFOIOC21-00000001")
    con = [
        type(request_).__name__
        for request_ in TODAS
        if any(
            one.nombre == "Gran Contribuyente"
            for one in comprobante(request_, emisor).info_adicional
        )
    ]
    assert con == ["InvoiceRequest", "CreditNoteRequest", "DebitNoteRequest"]


def test_fifteen_additional_fields_and_none_dropped_in_silence():
    extra = tuple((f"Campo {n}", "x") for n in range(13))
    assert len(comprobante(replace(FACTURA, additional_info=extra), EMISOR).info_adicional) == 15
    with pytest.raises(DocumentoIncompleto) as refused:
        comprobante(replace(FACTURA, additional_info=(*extra, ("Otro", "x"))), EMISOR)
    assert refused.value.field == "additional_info"
    own = (("email", "otro@example.com"), ("", "x"), ("vacío", " "))
    campos = comprobante(replace(FACTURA, additional_info=own), EMISOR).info_adicional
    assert [one.nombre for one in campos] == ["Teléfono", "email"]


@pytest.mark.parametrize(
    ("request_", "change", "field"),
    [
        (NOTA_CREDITO, {"supported": None}, "supported"),
        (NOTA_CREDITO, {"reason": " "}, "reason"),
        (NOTA_DEBITO, {"reasons": ()}, "reasons"),
        (GUIA, {"starts_on": None}, "starts_on"),
        (RETENCION, {"taxes": ()}, "taxes"),
        (RETENCION, {"supported": replace(RETENCION.supported, number="1-2-3")}, "supported"),
    ],
)
def test_what_is_missing_is_named(request_, change, field):
    with pytest.raises(DocumentoIncompleto) as refused:
        comprobante(replace(request_, **change), EMISOR)
    assert refused.value.field == field
    assert refused.value.code == f"sri_request_{field}"


def test_a_retencion_fills_what_the_request_leaves_open():
    bare = replace(
        RETENCION, supported_taxes=(), payments=(), fiscal_period="", supported_total=D("20.00")
    )
    document = comprobante(bare, EMISOR)
    doc = document.docs_sustento[0]
    assert document.info_comp_retencion.periodo_fiscal == "04/2026"
    assert document.info_comp_retencion.parte_rel == "NO"
    assert doc.impuestos_doc_sustento[0].codigo_porcentaje == "0"
    assert (doc.pagos[0].forma_pago, doc.pagos[0].total) == ("20", D("20.00"))
    assert doc.num_doc_sustento == "001002000000123"
    assert [str(one.porcentaje_retener) for one in doc.retenciones] == ["1.75", "100"]
    foreign = replace(EMPRESA, tax_id_type="08", tax_id="X-123")
    for quien, kind in ((foreign, "02"), (EMPRESA, None)):
        info = comprobante(
            replace(RETENCION, counterpart=quien, subject_kind="02"), EMISOR
        ).info_comp_retencion
        assert info.tipo_sujeto_retenido == kind


def test_a_guia_without_supporting_document_or_end():
    bare = replace(
        GUIA, ends_on=None, destinations=(replace(GUIA.destinations[0], supported=None, route=""),)
    )
    document = comprobante(bare, EMISOR)
    assert document.info_guia_remision.fecha_fin_transporte == date(2026, 4, 26)
    destino = document.destinatarios[0]
    assert (destino.num_doc_sustento, destino.ruta) == (None, None)


def test_taxes_are_summed_per_rate_in_order_of_appearance():
    cero = FiscalTax("2", "0", D("0"), D("10.00"), D("0.00"))
    ice = FiscalTax("3", "3680", D("10.00"), D("20.00"), D("2.00"))
    lines = (
        LINEA,
        replace(LINEA, quantity=D("0.5"), taxes=(cero,), subtotal=D("10.00")),
        replace(LINEA, taxes=(ice, IVA)),
    )
    info = comprobante(
        replace(FACTURA, lines=lines, tip=D("1.00"), payments=()), EMISOR
    ).info_factura
    assert [
        (one.codigo, one.codigo_porcentaje, one.base_imponible, one.valor)
        for one in info.total_con_impuestos
    ] == [
        ("2", "4", D("40.00"), D("6.00")),
        ("2", "0", D("10.00"), D("0.00")),
        ("3", "3680", D("20.00"), D("2.00")),
    ]
    assert info.importe_total == D("59.00")


def test_quantities_keep_between_two_and_six_decimals():
    assert [str(partes.medida(D(one))) for one in ("1", "1.5", "0.333333", "2.500000", "100", "0")] == [
        "1.00", "1.50", "0.333333", "2.50", "100.00", "0.00",
    ]  # fmt: skip
