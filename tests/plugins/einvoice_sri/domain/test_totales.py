"""SRI's arithmetic: what adds up, what differs by a cent of rounding, what SRI would refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from core.contracts.fiscal import FiscalPayment, FiscalTax
from plugins.einvoice_sri.domain import totales
from plugins.einvoice_sri.domain.bloques import Compensacion, DetalleImpuesto, ReembolsoDetalle
from plugins.einvoice_sri.domain.factura import Retencion, Rubro
from plugins.einvoice_sri.domain.from_request import comprobante
from tests.plugins.einvoice_sri.domain.peticiones import (
    EMISOR,
    FACTURA,
    GUIA,
    LINEA,
    LIQUIDACION,
    NOTA_CREDITO,
    NOTA_DEBITO,
    RETENCION,
)

D = Decimal
DOCUMENTO = comprobante(FACTURA, EMISOR)


def con(info=None, **changes):
    changed = replace(DOCUMENTO.info_factura, **(info or {}))
    return replace(DOCUMENTO, info_factura=changed, **changes)


def campos(documento):
    return [(one.campo, one.grave) for one in totales.comprobar(documento)]


def total(**changes):
    (one,) = DOCUMENTO.info_factura.total_con_impuestos
    return (replace(one, **changes),)


def linea(**changes):
    return (replace(DOCUMENTO.detalles[0], **changes),)


@pytest.mark.parametrize(
    ("documento", "expected"),
    [
        (con(), []),
        (con({"importe_total": D("23.01")}), [("importeTotal", True), ("pagos", True)]),
        (con({"total_descuento": D("1.00")}), [("totalDescuento", True)]),
        (
            con({"total_sin_impuestos": D("19.00")}),
            [("totalSinImpuestos", True), ("importeTotal", True)],
        ),
        (con({"pagos": ()}), []),
        (
            con({"total_con_impuestos": total(base_imponible=D("30.00"))}),
            [("baseImponible", True), ("valor", True)],
        ),
        (
            con(
                {
                    "total_con_impuestos": total(
                        codigo_porcentaje="0", valor=D("0.00"), base_imponible=D("0.00")
                    )
                }
            ),
            [("totalConImpuestos", True), ("importeTotal", True)],
        ),
        (
            con(detalles=linea(precio_total_sin_impuesto=D("25.00"))),
            [("precioTotalSinImpuesto", True), ("totalSinImpuestos", True)],
        ),
    ],
)
def test_what_does_not_add_up(documento, expected):
    assert campos(documento) == expected
    assert totales.graves(documento) == [one for one in totales.comprobar(documento) if one.grave]


def test_the_sentence_says_both_figures_and_the_gap():
    (first, *_rest) = totales.comprobar(con({"importe_total": D("23.01")}))
    for figure in ("importeTotal", "23.01", "23.00", "0.01"):
        assert figure in first.explicacion


def test_the_cent_of_a_line_is_explained_and_may_be_sent():
    """3 x 0.335 = 1.005: 1.01 half up, 1.00 half even; both are sent and the cent is explained."""
    lines = (
        replace(
            LINEA, quantity=D("3"), unit_price=D("0.335"), subtotal=D("1.00"),
            taxes=(FiscalTax("2", "4", D("15"), D("1.00"), D("0.15")),),
        ),
    )  # fmt: skip
    documento = comprobante(
        replace(FACTURA, lines=lines, payments=(FiscalPayment("20", D("1.15")),)), EMISOR
    )
    (found,) = totales.comprobar(documento)
    assert (found.campo, found.grave, found.declarado, found.calculado) == (
        "precioTotalSinImpuesto", False, D("1.00"), D("1.01"),
    )  # fmt: skip
    assert "1.005" in found.explicacion
    assert totales.graves(documento) == []


def test_the_cent_of_a_rate_is_explained_and_may_be_sent():
    """Three lines of 0.33 at 15 %: 0.05 each come to 0.15, while 0.99 at 15 % is 0.1485."""
    tax = FiscalTax("2", "4", D("15"), D("0.30"), D("0.05"))
    one = replace(LINEA, quantity=D("1"), unit_price=D("0.30"), subtotal=D("0.30"), taxes=(tax,))
    documento = comprobante(
        replace(FACTURA, lines=(one, one, one), payments=(FiscalPayment("20", D("1.05")),)), EMISOR
    )
    (found,) = totales.comprobar(documento)  # 0.90 at 15 % is 0.135, so 0.14 on the whole
    assert (found.campo, found.grave, found.declarado, found.calculado) == (
        "valor",
        False,
        D("0.15"),
        D("0.14"),
    )
    whole = replace(documento.info_factura.total_con_impuestos[0], valor=D("0.14"))
    info = replace(
        documento.info_factura, total_con_impuestos=(whole,), importe_total=D("1.04"),
        pagos=(replace(documento.info_factura.pagos[0], total=D("1.04")),),
    )  # fmt: skip
    assert campos(replace(documento, info_factura=info)) == [("valor", False)]


def test_a_wrong_rate_is_grave():
    wrong = linea(impuestos=(replace(DOCUMENTO.detalles[0].impuestos[0], tarifa=D("12.00")),))
    assert campos(con(detalles=wrong)) == [("valor", True)]


def test_every_part_of_sris_formula_counts():
    """20.00 - 0 - 1.00 - 0.20 + 3.00 + 1.00 + 0.10 + 4 x 2.00 + 5.00 = 35.90, without discount."""
    documento = con(
        {
            "total_con_impuestos": total(valor_devolucion_iva=D("1.00")),
            "compensaciones": (Compensacion(codigo="1", tarifa=D("2.00"), valor=D("0.20")),),
            "propina": D("1.00"),
            "flete_internacional": D("2.00"),
            "seguro_internacional": D("2.00"),
            "gastos_aduaneros": D("2.00"),
            "gastos_transporte_otros": D("2.00"),
            "importe_total": D("35.90"),
            "pagos": (),
        },
        retenciones=(
            Retencion(codigo="4", codigo_porcentaje="3", tarifa=D("0.20"), valor=D("0.10")),
        ),
        otros_rubros_terceros=(Rubro(concepto="Tasa", total=D("5.00")),),
    )
    assert campos(documento) == []
    less = con(
        {
            "total_con_impuestos": total(descuento_adicional=D("2.00")),
            "total_descuento": D("2.00"),
            "importe_total": D("21.00"),
            "pagos": (),
        }
    )
    assert campos(less) == []


def test_subsidies_are_the_difference_of_prices():
    con_subsidio = linea(precio_sin_subsidio=D("25.00"))
    assert campos(con({"total_subsidio": D("5.00")}, detalles=con_subsidio)) == []
    assert campos(con({"total_subsidio": D("4.00")}, detalles=con_subsidio)) == [
        ("totalSubsidio", True)
    ]


@pytest.mark.parametrize("request_", [FACTURA, LIQUIDACION], ids=["factura", "liquidacion"])
def test_a_reimbursement_declares_the_sums_of_its_documents(request_):
    documento = comprobante(request_, EMISOR)
    reembolso = ReembolsoDetalle(
        tipo_identificacion_proveedor_reembolso="04", identificacion_proveedor_reembolso="1790085783001",
        tipo_proveedor_reembolso="02", cod_doc_reembolso="01", estab_doc_reembolso="001",
        pto_emi_doc_reembolso="001", secuencial_doc_reembolso="000000001",
        fecha_emision_doc_reembolso=date(2026, 4, 1), numeroautorizacion_doc_reemb="1" * 49,
        detalle_impuestos=(
            DetalleImpuesto(codigo="2", codigo_porcentaje="4", tarifa="15.00",
                            base_imponible_reembolso=D("10.00"), impuesto_reembolso=D("1.50")),
        ),
    )  # fmt: skip
    name = "info_factura" if request_ is FACTURA else "info_liquidacion_compra"
    sums = {
        "total_comprobantes_reembolso": D("11.50"),
        "total_base_imponible_reembolso": D("10.00"),
        "total_impuesto_reembolso": D("1.50"),
    }
    whole = replace(documento, reembolsos=(reembolso,))
    whole = replace(whole, **{name: replace(getattr(documento, name), **sums)})
    assert campos(whole) == []
    for field in sums:
        wrong = replace(whole, **{name: replace(getattr(whole, name), **{field: D("9.00")})})
        assert len(campos(wrong)) == 1
    assert campos(replace(documento, reembolsos=(reembolso,))) == []


def test_notes():
    nota = comprobante(NOTA_CREDITO, EMISOR)
    wrong = replace(
        nota, info_nota_credito=replace(nota.info_nota_credito, valor_modificacion=D("20.00"))
    )
    assert campos(wrong) == [("valorModificacion", True)]
    nota = comprobante(NOTA_DEBITO, EMISOR)
    info = nota.info_nota_debito
    for change, expected in (
        ({"valor_total": D("24.00")}, ["valorTotal", "pagos"]),
        ({"total_sin_impuestos": D("21.00")}, ["totalSinImpuestos", "valorTotal"]),
        ({"impuestos": (replace(info.impuestos[0], tarifa=D("12.00")),)}, ["valor"]),
        ({"pagos": ()}, []),
    ):
        found = campos(replace(nota, info_nota_debito=replace(info, **change)))
        assert [field for field, _grave in found] == expected


def test_liquidacion_and_guia():
    documento = comprobante(LIQUIDACION, EMISOR)
    info = replace(documento.info_liquidacion_compra, importe_total=D("24.00"))
    assert campos(replace(documento, info_liquidacion_compra=info)) == [
        ("importeTotal", True),
        ("pagos", True),
    ]
    assert totales.comprobar(comprobante(GUIA, EMISOR)) == []


def test_retencion():
    documento = comprobante(RETENCION, EMISOR)
    (doc,) = documento.docs_sustento
    for change, expected in (
        ({"importe_total": D("20.00")}, ["importeTotal", "pagos"]),
        (
            {"retenciones": (replace(doc.retenciones[0], valor_retenido=D("1.00")),)},
            ["valorRetenido"],
        ),
        (
            {"retenciones": (replace(doc.retenciones[0], valor_retenido=D("0.36")),)},
            ["valorRetenido"],
        ),
    ):
        found = campos(replace(documento, docs_sustento=(replace(doc, **change),)))
        assert [field for field, _grave in found] == expected
