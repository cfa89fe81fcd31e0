"""Causes of refusal found before anything is sent: one line of the table for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.contracts.fiscal import FiscalPayment, FiscalTax, WithheldTax
from core.contracts.sales import CustomerData
from plugins.einvoice_sri.domain import catalogos, validaciones, xml
from plugins.einvoice_sri.domain.bloques import TipoNegociable
from plugins.einvoice_sri.domain.from_request import comprobante
from plugins.einvoice_sri.domain.tipos import Regimen
from tests.plugins.einvoice_sri.domain.peticiones import (
    DIA,
    EMISOR,
    EMPRESA,
    FACTURA,
    GUIA,
    IVA,
    LINEA,
    LIQUIDACION,
    NOTA_CREDITO,
    NOTA_DEBITO,
    RETENCION,
    SUSTENTO,
    TODAS,
)

D = Decimal
FINAL = CustomerData("07", "9999999999999", "CONSUMIDOR FINAL")
GRANDE = replace(
    LINEA, unit_price=D("100"), subtotal=D("100.00"),
    taxes=(FiscalTax("2", "4", D("15"), D("100.00"), D("15.00")),),
)  # fmt: skip


def codigos(documento, *, regimen=Regimen.GENERAL, hoy=DIA):
    return [
        (one.codigo, one.grave) for one in validaciones.revisar(documento, regimen=regimen, hoy=hoy)
    ]


def con(request_=FACTURA, **info):
    documento = comprobante(request_, EMISOR)
    name = next(
        one
        for one in documento.__slots__
        if one.startswith("info_") and one not in ("info_tributaria", "info_adicional")
    )
    return replace(documento, **{name: replace(getattr(documento, name), **info)})


def linea(tax, request_=FACTURA, **changes):
    one = replace(LINEA, taxes=(tax,))
    pago = (FiscalPayment("20", one.subtotal + tax.amount),)
    if request_ is NOTA_CREDITO:
        return comprobante(replace(request_, lines=(one,), **changes), EMISOR)
    return comprobante(replace(request_, lines=(one,), payments=pago, **changes), EMISOR)


@pytest.mark.parametrize("request_", TODAS, ids=lambda one: type(one).__name__)
def test_a_good_document_has_nothing_to_say(request_):
    documento = comprobante(request_, EMISOR)
    assert codigos(documento) == []
    assert (
        validaciones.impedimentos(documento, xml.build(documento), regimen=Regimen.GENERAL, hoy=DIA)
        == []
    )


CASOS = {
    "key of another number": (
        replace(comprobante(FACTURA, EMISOR), info_tributaria=replace(comprobante(FACTURA, EMISOR).info_tributaria, secuencial="000000124")),
        [("clave_distinta", True)],
    ),
    "broken key": (
        replace(comprobante(FACTURA, EMISOR), info_tributaria=replace(comprobante(FACTURA, EMISOR).info_tributaria, clave_acceso="1")),
        [("clave", True)],
    ),
    "broken key of a guía": (
        replace(comprobante(GUIA, EMISOR), info_tributaria=replace(comprobante(GUIA, EMISOR).info_tributaria, clave_acceso="1")),
        [("clave", True)],
    ),
    "kind of emission": (
        replace(comprobante(FACTURA, EMISOR), info_tributaria=replace(comprobante(FACTURA, EMISOR).info_tributaria, tipo_emision="2")),
        [("tipo_emision", True)],
    ),
    "consumidor final over 50": (
        comprobante(replace(FACTURA, counterpart=FINAL, lines=(GRANDE,), payments=(FiscalPayment("20", D("115.00")),)), EMISOR),
        [("consumidor_final_limite", True)],
    ),
    "consumidor final under 50": (comprobante(replace(FACTURA, counterpart=FINAL), EMISOR), []),
    "number of consumidor final with another type": (
        con(identificacion_comprador="9999999999999"), [("consumidor_final_numero", True)],
    ),
    "cédula with a wrong digit": (con(identificacion_comprador="1710034066"), [("identificacion", True)]),
    "RUC with the new digit": (
        con(tipo_identificacion_comprador="04", identificacion_comprador="1793213150001"), [("identificacion", False)],
    ),
    "tip of 11 %": (
        con(propina=D("2.20"), importe_total=D("25.20"), pagos=()), [("sin_pagos", False), ("propina", True)],
    ),
    "unknown payment form": (
        comprobante(replace(FACTURA, payments=(FiscalPayment("09", D("23.00")),)), EMISOR), [("forma_pago", True)],
    ),
    "600 in cash": (
        comprobante(replace(FACTURA, lines=(replace(LINEA, unit_price=D("600"), subtotal=D("600.00"), taxes=(FiscalTax("2", "0", D("0"), D("600.00"), D("0.00")),)),), payments=(FiscalPayment("01", D("600.00")),)), EMISOR),
        [("efectivo", False)],
    ),
    "12 % in 2026": (linea(FiscalTax("2", "2", D("12"), D("20.00"), D("2.40"))), [("iva_no_vigente", True)]),
    "code of 15 % with 12": (linea(FiscalTax("2", "4", D("12"), D("20.00"), D("2.40"))), [("iva_tarifa", True)]),
    "5 % on construction": (linea(FiscalTax("2", "5", D("5"), D("20.00"), D("1.00"))), []),
    "a note uses the rate of the document it modifies": (
        linea(FiscalTax("2", "2", D("12"), D("20.00"), D("2.40")), NOTA_CREDITO, supported=replace(SUSTENTO, issued_on=date(2024, 3, 30))),
        [],
    ),
    "a debit note too": (
        comprobante(replace(NOTA_DEBITO, supported=replace(SUSTENTO, issued_on=date(2024, 3, 30)), taxes=(FiscalTax("2", "2", D("12"), D("20.00"), D("2.40")),), payments=()), EMISOR),
        [("sin_pagos", False)],
    ),
    "ICE has no IVA code": (
        comprobante(replace(FACTURA, lines=(replace(LINEA, taxes=(FiscalTax("3", "3680", D("0"), D("20.00"), D("0.00")), IVA)),)), EMISOR), [],
    ),
    "ICE that is not in the table": (
        comprobante(replace(FACTURA, lines=(replace(LINEA, taxes=(FiscalTax("3", "3999", D("0"), D("20.00"), D("0.00")), IVA)),)), EMISOR), [("ice_no_vigente", False)],
    ),
    "bottles": (
        comprobante(replace(FACTURA, lines=(replace(LINEA, taxes=(FiscalTax("5", "5001", D("0.02"), D("20.00"), D("0.00")), IVA)),)), EMISOR), [],
    ),
    "bottles with another code": (
        comprobante(replace(FACTURA, lines=(replace(LINEA, taxes=(FiscalTax("5", "5002", D("0.02"), D("20.00"), D("0.00")), IVA)),)), EMISOR), [("irbpnr_no_vigente", True)],
    ),
    "note to consumidor final": (
        comprobante(replace(NOTA_CREDITO, counterpart=FINAL), EMISOR), [("consumidor_final", True)],
    ),
    "note before its document": (
        comprobante(replace(NOTA_DEBITO, supported=replace(SUSTENTO, issued_on=date(2026, 4, 26))), EMISOR), [("sustento_posterior", True)],
    ),
    "liquidación from consumidor final": (
        comprobante(replace(LIQUIDACION, counterpart=FINAL), EMISOR), [("consumidor_final", True)],
    ),
    "retención from consumidor final": (
        comprobante(replace(RETENCION, counterpart=FINAL), EMISOR), [("consumidor_final", True)],
    ),
    "kind of subject with a RUC": (con(RETENCION, tipo_sujeto_retenido="01"), [("tipo_sujeto", True)]),
    "retention of IVA that does not exist": (
        comprobante(replace(RETENCION, taxes=(WithheldTax("2", "725", D("3.00"), D("30.00"), D("0.90")),)), EMISOR), [("retencion_codigo", True)],
    ),
    "retention of a tax that does not exist": (
        comprobante(replace(RETENCION, taxes=(WithheldTax("4", "1", D("3.00"), D("30.00"), D("0.90")),)), EMISOR), [("retencion_codigo", True)],
    ),
    "retention of renta not in the table": (
        comprobante(replace(RETENCION, taxes=(WithheldTax("1", "999", D("20.00"), D("10.00"), D("2.00")),)), EMISOR), [("retencion_codigo", False)],
    ),
    "retention of IVA at another rate": (
        comprobante(replace(RETENCION, taxes=(WithheldTax("2", "3", D("3.00"), D("30.00"), D("0.90")),)), EMISOR), [("retencion_tarifa", True)],
    ),
    "transport before the guía": (con(GUIA, fecha_ini_transporte=date(2026, 4, 24)), [("transporte_antes", True)]),
    "transport that ends first": (con(GUIA, fecha_fin_transporte=date(2026, 4, 25)), [("transporte_fin", True)]),
    "transport without plate": (
        comprobante(replace(FACTURA, lines=(replace(LINEA, auxiliary_code="H492001"),)), EMISOR), [("placa", True)],
    ),
    "export without its facts": (con(comercio_exterior="EXPORTADOR"), [("exportacion", True)] * 8),
    "reimbursement without documents": (con(cod_doc_reembolso="41"), [("reembolso", True)]),
    "more IVA back than there is": (
        con(total_con_impuestos=(replace(comprobante(FACTURA, EMISOR).info_factura.total_con_impuestos[0], valor_devolucion_iva=D("3.50")),), importe_total=D("19.50"), pagos=()),
        [("sin_pagos", False), ("devolucion_iva", True)],
    ),
    "negotiable without address": (
        replace(con(direccion_comprador=None), tipo_negociable=TipoNegociable(correo="a@example.com")), [("negociable", True)],
    ),
    "negotiable": (replace(con(), tipo_negociable=TipoNegociable(correo="a@example.com")), []),
    "sums": (con(importe_total=D("23.50"), pagos=()), [("totales", True), ("sin_pagos", False)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASOS)
def test_each_cause_is_found_by_name(name):
    documento, expected = CASOS[name]
    assert codigos(documento) == expected
    for one in validaciones.revisar(documento, regimen=Regimen.GENERAL, hoy=DIA):
        assert one.campo
        assert len(one.frase) > 20
        assert "%(" not in one.frase


def test_the_date_is_judged_by_today():
    documento = comprobante(FACTURA, EMISOR)
    assert codigos(documento, hoy=DIA - timedelta(days=1)) == [("fecha_futura", True)]
    assert codigos(documento, hoy=DIA + timedelta(days=90)) == []
    assert codigos(documento, hoy=DIA + timedelta(days=91)) == [("fecha_antigua", False)]


def test_a_negocio_popular_charges_no_iva():
    popular = Regimen.RIMPE_NEGOCIO_POPULAR
    for request_ in (FACTURA, NOTA_CREDITO, NOTA_DEBITO):
        assert codigos(comprobante(request_, EMISOR), regimen=popular) == [
            ("negocio_popular_iva", True)
        ]
    cero = linea(FiscalTax("2", "0", D("0"), D("20.00"), D("0.00")))
    assert codigos(cero, regimen=popular) == []


@pytest.mark.parametrize(
    ("request_", "regimen", "grave"),
    [
        (RETENCION, Regimen.RIMPE_NEGOCIO_POPULAR, True),
        (LIQUIDACION, Regimen.RIMPE_NEGOCIO_POPULAR, False),
        (RETENCION, Regimen.RIMPE_EMPRENDEDOR, False),
        (LIQUIDACION, Regimen.RIMPE_EMPRENDEDOR, None),
        (FACTURA, Regimen.RIMPE_NEGOCIO_POPULAR, None),
        (RETENCION, Regimen.GENERAL, None),
    ],
)
def test_who_is_in_rimpe_withholds_only_when_named(request_, regimen, grave):
    wanted = [] if grave is None else [grave]
    found = validaciones.revisar(comprobante(request_, EMISOR), regimen=regimen, hoy=DIA)
    assert [one.grave for one in found if one.codigo == "documento_regimen"] == wanted
    for named in (
        replace(EMISOR, agente_retencion="12"),
        replace(EMISOR, contribuyente_especial="5368"),
    ):
        found = validaciones.revisar(comprobante(request_, named), regimen=regimen, hoy=DIA)
        assert [one for one in found if one.codigo == "documento_regimen"] == []


def test_a_finding_names_its_field_in_words():
    documento, _codigos = CASOS["cédula with a wrong digit"]
    (one,) = validaciones.revisar(documento, regimen=Regimen.GENERAL, hoy=DIA)
    assert one.en_palabras == f"Identificación del cliente: {one.frase}"


def test_a_reimbursement_is_whole_or_refused():
    from tests.plugins.einvoice_sri.domain.test_ride import reembolso

    entero = reembolso()
    assert codigos(entero) == []
    otro = replace(entero, info_factura=replace(entero.info_factura, cod_doc_reembolso="42"))
    assert codigos(otro) == [("reembolso_codigo", True)]
    impuesto = replace(entero.detalles[0].impuestos[0], codigo_porcentaje="0")
    total = replace(entero.info_factura.total_con_impuestos[0], codigo_porcentaje="0")
    otro = replace(
        entero,
        detalles=(replace(entero.detalles[0], impuestos=(impuesto,)),),
        info_factura=replace(entero.info_factura, total_con_impuestos=(total,)),
    )
    assert codigos(otro) == [("reembolso_iva", True)]


def test_what_forbids_sending_is_schema_arithmetic_and_rules_without_warnings():
    documento = comprobante(
        replace(FACTURA, counterpart=replace(EMPRESA, legal_name="x" * 301)), EMISOR
    )
    documento = replace(
        documento, info_factura=replace(documento.info_factura, importe_total=D("23.05"), pagos=())
    )
    found = validaciones.impedimentos(
        documento, xml.build(documento), regimen=Regimen.GENERAL, hoy=DIA - timedelta(days=1)
    )
    assert [(one.codigo, one.codigo_sri) for one in found] == [
        ("esquema_length", "35"), ("totales", "52"), ("fecha_futura", "65"),
    ]  # fmt: skip


def test_every_known_answer_of_sri_is_explained():
    known = catalogos.errores()
    assert len(known) == 38
    for one in known.values():
        assert one.grupo in {
            "ya_esta",
            "numero",
            "transitorio",
            "corregir",
            "bloqueo",
            "permanente",
            "aviso",
        }
        assert one.quien in {"empresa", "operador", "sistema", "sri", "nadie"}
        assert one.que_paso.endswith(".")
        assert one.que_hacer.endswith(".")
    assert catalogos.error("43").grupo == catalogos.error("70").grupo == "ya_esta"
    assert catalogos.error("045").quien == "empresa"
    unknown = catalogos.error("777")
    assert (unknown.grupo, unknown.quien) == ("bloqueo", "operador")
    assert "777" in unknown.que_paso


def test_tables_are_dated():
    assert catalogos.buscar("tarifas_iva", "2", date(2024, 3, 31)).tarifas == (D("12"),)
    assert catalogos.buscar("tarifas_iva", "2", date(2024, 4, 1)) is None
    assert catalogos.buscar("tarifas_iva", "4", date(2024, 3, 31)) is None
    assert catalogos.buscar("retencion_renta", "350").tarifas == (D("1.50"), D("1.75"))
    assert catalogos.nombre("formas_pago", "19") == "Tarjeta de crédito"
    assert catalogos.nombre("formas_pago", "99") == "99"
