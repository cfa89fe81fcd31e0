"""The special cases of a sale, from the request to a document that adds up and is valid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from core.contracts.codec import from_json, to_json
from core.contracts.fiscal import (
    ExportFacts,
    FiscalPayment,
    FiscalTax,
    ReimbursedDocument,
    SelfWithheld,
    TransportFacts,
)
from plugins.einvoice_sri.domain import ride, validaciones, xml
from plugins.einvoice_sri.domain.comprobantes import tipo
from plugins.einvoice_sri.domain.errores import DocumentoIncompleto
from plugins.einvoice_sri.domain.from_request import comprobante
from plugins.einvoice_sri.domain.tipos import Regimen
from tests.plugins.einvoice_sri.domain.peticiones import (
    DIA,
    EMISOR,
    EMPRESA,
    FACTURA,
    LINEA,
    LIQUIDACION,
    TODAS,
)
from tests.plugins.einvoice_sri.domain.test_conformance import needs_official, official

D = Decimal
CERO = FiscalTax("2", "0", D(0), D("20.00"), D("0.00"))
EXPORT = ExportFacts(
    "FOB", "Guayaquil", "593", "Guayaquil", "Miami", "110", "593",
    freight=D("7.00"), insurance=D("2.00"),
)  # fmt: skip
REEMBOLSADO = ReimbursedDocument(
    "04", "1790085783001", "02", "01", "001-001-000000001", date(2026, 4, 1), "1" * 49,
    (FiscalTax("2", "4", D(15), D("10.00"), D("1.50")),), country="593",
)  # fmt: skip
LINEA_REEMBOLSO = replace(
    LINEA, unit_price=D("11.50"), subtotal=D("11.50"),
    taxes=(FiscalTax("2", "6", D(0), D("11.50"), D("0.00")),),
)  # fmt: skip
TRANSPORTE = TransportFacts(
    "Quito", "Manta", date(2026, 4, 25), date(2026, 4, 26), EMPRESA, "PBA1234", ("Venta",), "E25"
)


def pagado(amount):
    return (FiscalPayment("20", D(amount), 30),)


CASOS = {
    "export": replace(FACTURA, lines=(replace(LINEA, taxes=(CERO,)),), export=EXPORT, payments=pagado("29.00")),
    "reimbursement": replace(FACTURA, lines=(LINEA_REEMBOLSO,), reimbursed=(REEMBOLSADO,), payments=pagado("11.50")),
    "reimbursement in a liquidación": replace(
        LIQUIDACION, lines=(LINEA_REEMBOLSO,), reimbursed=(REEMBOLSADO,), payments=pagado("11.50")
    ),
    "subsidy": replace(FACTURA, lines=(replace(LINEA, price_without_subsidy=D("25.50"), unit="kg"),)),
    "third party": replace(FACTURA, third_party=(("Tasa de bomberos", D("5.00")),), payments=pagado("28.00")),
    "instead of a guía": replace(FACTURA, transport=TRANSPORTE),
    "negotiable": replace(FACTURA, negotiable_email="negocios@example.com"),
    "self-withheld": replace(
        FACTURA, self_withheld=(SelfWithheld("3", D("0.20"), D("0.04")),), payments=pagado("23.04")
    ),
    "refund of IVA": replace(FACTURA, iva_refund=D("3.00"), payments=pagado("20.00")),
    "transport by plate": replace(
        FACTURA, lines=(replace(LINEA, auxiliary_code="H492001"),), plate="PBA1234"
    ),
    "construction": replace(
        FACTURA, lines=(replace(LINEA, taxes=(FiscalTax("2", "5", D(5), D("20.00"), D("1.00")),)),),
        payments=pagado("21.00"),
    ),
    "plastic bags": replace(
        FACTURA,
        lines=(replace(LINEA, taxes=(
            FiscalTax("3", "3680", D("0.10"), D("1.00"), D("0.10")),
            FiscalTax("2", "4", D(15), D("20.10"), D("3.02")),
        )),),
        payments=pagado("23.12"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASOS)
def test_each_case_is_valid_adds_up_and_is_read_again(name):
    request_ = CASOS[name]
    documento = comprobante(request_, EMISOR)
    content = xml.build(documento)
    assert validaciones.impedimentos(documento, content, regimen=Regimen.GENERAL, hoy=DIA) == []
    assert validaciones.revisar(documento, regimen=Regimen.GENERAL, hoy=DIA) == []
    assert xml.read(content) == documento
    assert from_json(type(request_), to_json(request_)) == request_
    assert ride.hoja(documento, None).total is not None


ISSUERS = {
    "RIMPE emprendedor": {"regimen": Regimen.RIMPE_EMPRENDEDOR},
    "RIMPE negocio popular": {"regimen": Regimen.RIMPE_NEGOCIO_POPULAR},
    "agente de retención": {"agente_retencion": "NAC-DNCRASC20-00000001"},
    "contribuyente especial": {"contribuyente_especial": "5368"},
    "gran contribuyente": {"gran_contribuyente": "NAC-GCFOIOC21-00000001"},
    "not bound to keep accounts": {"obligado_contabilidad": False},
    "RUC Proveedor": {"ruc_proveedor": "1791234567001"},
}
FROM_SEPTEMBER = date(2026, 9, 26)  # RUC Proveedor stands in every document from then on


@needs_official
@pytest.mark.parametrize("name", [*CASOS, *ISSUERS])
def test_sris_own_schema_takes_each_case(name):
    """Each special case of the factura, and each fact of the issuer in all six kinds."""
    emisor = replace(EMISOR, **ISSUERS.get(name, {}))
    requests = [CASOS[name]] if name in CASOS else TODAS
    for request_ in requests:
        made = comprobante(replace(request_, issued_on=FROM_SEPTEMBER), emisor)
        root = xml.parse(xml.build(made))
        schema = official(tipo(made), made.version)
        if (
            name == "RIMPE negocio popular"
        ):  # SRI authorises this legend and its own file refuses it
            assert not schema.validate(root)
            assert [one.path.rsplit("/", 1)[-1] for one in schema.error_log] == [
                "contribuyenteRimpe"
            ]
        else:
            schema.assertValid(root)
        written = etree.tostring(root, encoding="unicode")
        assert ("RUC Proveedor" in written) is (name == "RUC Proveedor")


def test_what_each_case_writes():
    def text(name):
        return xml.build(comprobante(CASOS[name], EMISOR)).decode()

    assert (
        "<comercioExterior>EXPORTADOR</comercioExterior><incoTermFactura>FOB</incoTermFactura>"
        in text("export")
    )
    assert "<fleteInternacional>7.00</fleteInternacional>" in text("export")
    assert "<importeTotal>29.00</importeTotal>" in text("export")
    for name in ("reimbursement", "reimbursement in a liquidación"):
        assert "<codDocReembolso>41</codDocReembolso>" in text(name)
        assert "<totalComprobantesReembolso>11.50</totalComprobantesReembolso>" in text(name)
        assert "<secuencialDocReembolso>000000001</secuencialDocReembolso>" in text(name)
    assert "<totalSubsidio>5.50</totalSubsidio>" in text("subsidy")
    assert 'version="2.1.0"' in text("third party")
    assert "<rubro><concepto>Tasa de bomberos</concepto><total>5.00</total></rubro>" in text(
        "third party"
    )
    assert 'version="2.1.0"' in text("instead of a guía")
    assert "<destino><motivoTraslado>Venta</motivoTraslado><ruta>E25</ruta></destino>" in text(
        "instead of a guía"
    )
    assert "<tipoNegociable><correo>negocios@example.com</correo></tipoNegociable>" in text(
        "negotiable"
    )
    assert "<retencion><codigo>4</codigo><codigoPorcentaje>3</codigoPorcentaje>" in text(
        "self-withheld"
    )
    assert "<valorDevolucionIva>3.00</valorDevolucionIva>" in text("refund of IVA")
    assert "<placa>PBA1234</placa>" in text("transport by plate")
    assert 'version="1.1.0"' in text("negotiable")


def test_what_cannot_be_written_is_named():
    wrong = replace(FACTURA, reimbursed=(replace(REEMBOLSADO, number="1-1-1"),))
    with pytest.raises(DocumentoIncompleto) as refused:
        comprobante(wrong, EMISOR)
    assert refused.value.field == "reimbursed"
    no_iva = replace(LINEA, taxes=(FiscalTax("3", "3680", D(10), D("20.00"), D("2.00")),))
    with pytest.raises(DocumentoIncompleto) as refused:
        comprobante(replace(FACTURA, lines=(no_iva,), iva_refund=D("1.00")), EMISOR)
    assert refused.value.field == "iva_refund"
