"""Requests and issuers for the tests of the documents; every amount adds up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from core.contracts.fiscal import (
    CreditNoteRequest,
    DebitNoteRequest,
    DispatchGuideRequest,
    FiscalLine,
    FiscalPayment,
    FiscalTax,
    GuideDestination,
    InvoiceRequest,
    PurchaseSettlementRequest,
    SupportedDocument,
    WithheldTax,
    WithholdingRequest,
)
from core.contracts.sales import CustomerData
from plugins.einvoice_sri.domain.emisor import Emisor
from plugins.einvoice_sri.domain.tipos import Ambiente

D = Decimal

DIA = date(2026, 4, 25)
CLIENTE = CustomerData(
    "05", "1710034065", "María Peña", "maria@example.com", "Calle Ñ, Quito", "0991234567"
)
EMPRESA = CustomerData("04", "1790085783001", "Cliente & Hijos S.A.", "c@example.com", "Quito")
IVA = FiscalTax("2", "4", D("15.00"), D("20.00"), D("3.00"))
LINEA = FiscalLine(
    "ORO", "Mensualidad plan oro", D("1"), D("20.000000"), D("0.00"), D("20.00"), (IVA,),
    details=(("Periodo", "mayo 2026"),),
)  # fmt: skip
SUSTENTO = SupportedDocument("01", "001-002-000000123", date(2026, 4, 20), "2" * 49)
PAGO = FiscalPayment("20", D("23.00"), 30)
BASE = {
    "document_id": UUID(int=12345678),
    "branch_code": "001",
    "issue_point_code": "002",
    "sequence": 123,
    "issued_on": DIA,
    "counterpart": CLIENTE,
}
EMISOR = Emisor(
    ruc="1790012345001",
    razon_social="Gimnasio Ñandú & Hijos S.A.",
    nombre_comercial="Ñandú Fit",
    dir_matriz="Av. Amazonas N21-147 y Roca",
    dir_establecimiento="Sucursal Norte",
    ambiente=Ambiente.PRUEBAS,
    obligado_contabilidad=True,
)

FACTURA = InvoiceRequest(**BASE, lines=(LINEA,), payments=(PAGO,))
NOTA_CREDITO = CreditNoteRequest(**BASE, supported=SUSTENTO, reason="Devolución", lines=(LINEA,))
NOTA_DEBITO = DebitNoteRequest(
    **BASE, supported=SUSTENTO, reasons=(("Interés por mora", D("20.00")),), taxes=(IVA,), payments=(PAGO,)
)  # fmt: skip
GUIA = DispatchGuideRequest(
    **BASE,
    start_address="Bodega central",
    starts_on=date(2026, 4, 26),
    ends_on=date(2026, 4, 27),
    plate="PBA1234",
    destinations=(
        GuideDestination(
            EMPRESA, "Guayaquil", "Venta", (("A", "Mancuerna", D("2")),), SUSTENTO, "E25"
        ),
    ),
)
RETENCION = WithholdingRequest(
    **{**BASE, "counterpart": EMPRESA},
    fiscal_period="04/2026",
    supported=SUSTENTO,
    supported_subtotal=D("20.00"),
    supported_total=D("23.00"),
    supported_taxes=(IVA,),
    taxes=(
        WithheldTax("1", "312", D("20.00"), D("1.75"), D("0.35")),
        WithheldTax("2", "3", D("3.00"), D("100.00"), D("3.00")),
    ),
    payments=(FiscalPayment("20", D("23.00")),),
)
LIQUIDACION = PurchaseSettlementRequest(**BASE, lines=(LINEA,), payments=(PAGO,))
TODAS = (FACTURA, LIQUIDACION, NOTA_CREDITO, NOTA_DEBITO, GUIA, RETENCION)
