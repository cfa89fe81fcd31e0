"""What a plugin asks of whoever makes fiscal documents: one request type per kind.

The owning plugin numbers its document first; a request carries the snapshot that the document
will show. Nothing here is Ecuadorian XML: the border to SRI's words is ``plugins/einvoice_sri``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from core.contracts.sales import CustomerData


@dataclass(frozen=True, slots=True)
class FiscalTax:
    """A tax on a line. ``code`` "2" IVA, "3" ICE, "5" IRBPNR; ``rate_code`` as SRI tables 17/18."""

    code: str
    rate_code: str
    rate: Decimal
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class FiscalLine:
    """One line of goods or services."""

    code: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    subtotal: Decimal  # without taxes
    taxes: tuple[FiscalTax, ...]
    auxiliary_code: str = ""
    details: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    price_without_subsidy: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FiscalPayment:
    """A payment form (SRI table 24) with its amount and term."""

    method: str
    total: Decimal
    term_days: int = 0


@dataclass(frozen=True, slots=True)
class SupportedDocument:
    """The document a credit or debit note or a withholding refers to."""

    kind: str  # "01"
    number: str  # 001-002-000000123
    issued_on: date
    access_key: str = ""


@dataclass(frozen=True, slots=True)
class FiscalRequest:
    """What every kind has. ``number`` is branch-point-sequence as allocated by core."""

    document_id: UUID  # the owning plugin's id; unique per tenant and kind
    branch_code: str
    issue_point_code: str
    sequence: int
    issued_on: date
    counterpart: CustomerData
    additional_info: tuple[tuple[str, str], ...] = ()
    priority: int = 0  # larger goes first; a counter sale uses 100
    by_run: bool = False  # no person made it: its mail leaves from 07:00 (core.mail_hours)


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What an export invoice adds: terms, ports, countries (SRI table 25), and costs in USD."""

    incoterm: str
    incoterm_place: str
    origin_country: str
    loading_port: str
    unloading_port: str
    destination_country: str
    acquisition_country: str
    freight: Decimal = Decimal("0.00")
    insurance: Decimal = Decimal("0.00")
    customs: Decimal = Decimal("0.00")
    other_transport: Decimal = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class ReimbursedDocument:
    """A supplier's document whose cost is passed on. ``supplier_kind`` "01" person, "02" company."""

    supplier_tax_id_type: str
    supplier_tax_id: str
    supplier_kind: str
    kind: str
    number: str  # 001-002-000000123
    issued_on: date
    authorization: str
    taxes: tuple[FiscalTax, ...]
    country: str = ""


@dataclass(frozen=True, slots=True)
class TransportFacts:
    """The transport of the goods, when the invoice takes the place of a guía de remisión."""

    start_address: str
    destination_address: str
    starts_on: date
    ends_on: date
    carrier: CustomerData
    plate: str
    reasons: tuple[str, ...]
    route: str = ""


@dataclass(frozen=True, slots=True)
class SelfWithheld:
    """A retention that the issuer makes on himself, printed in the invoice (SRI annex 19)."""

    rate_code: str
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class InvoiceRequest(FiscalRequest):
    """A factura (01), with the special cases that SRI's schema knows where they are present.

    ``third_party`` are amounts collected for others; ``iva_refund`` is the IVA given back to the
    elderly or disabled; ``negotiable_email`` makes it a negotiable invoice.
    """

    lines: tuple[FiscalLine, ...] = ()
    payments: tuple[FiscalPayment, ...] = ()
    tip: Decimal = Decimal("0.00")
    guide_number: str = ""
    plate: str = ""
    export: ExportFacts | None = None
    reimbursed: tuple[ReimbursedDocument, ...] = ()
    third_party: tuple[tuple[str, Decimal], ...] = ()
    transport: TransportFacts | None = None
    iva_refund: Decimal = Decimal("0.00")
    self_withheld: tuple[SelfWithheld, ...] = ()
    negotiable_email: str = ""


@dataclass(frozen=True, slots=True)
class CreditNoteRequest(FiscalRequest):
    """A nota de crédito (04)."""

    supported: SupportedDocument | None = None
    reason: str = ""
    lines: tuple[FiscalLine, ...] = ()


@dataclass(frozen=True, slots=True)
class DebitNoteRequest(FiscalRequest):
    """A nota de débito (05): reasons with amounts, one set of taxes."""

    supported: SupportedDocument | None = None
    reasons: tuple[tuple[str, Decimal], ...] = ()
    taxes: tuple[FiscalTax, ...] = ()
    payments: tuple[FiscalPayment, ...] = ()


@dataclass(frozen=True, slots=True)
class GuideDestination:
    """One consignee of a guía de remisión with what he gets: (code, description, quantity)."""

    consignee: CustomerData
    address: str
    reason: str
    items: tuple[tuple[str, str, Decimal], ...]
    supported: SupportedDocument | None = None
    route: str = ""


@dataclass(frozen=True, slots=True)
class DispatchGuideRequest(FiscalRequest):
    """A guía de remisión (06); ``counterpart`` is the carrier."""

    start_address: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    plate: str = ""
    destinations: tuple[GuideDestination, ...] = ()


@dataclass(frozen=True, slots=True)
class WithheldTax:
    """One line of a comprobante de retención (code "1" renta, "2" IVA, "6" ISD)."""

    code: str
    withholding_code: str
    base: Decimal
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class WithholdingRequest(FiscalRequest):
    """A comprobante de retención (07) over one supported document.

    ``support_code`` is SRI's "sustento tributario" ("01" = credit for IVA); ``subject_kind`` is
    "01" person or "02" company, only for a foreign identification (08).
    """

    fiscal_period: str = ""  # MM/YYYY
    supported: SupportedDocument | None = None
    supported_subtotal: Decimal = Decimal("0.00")
    supported_total: Decimal = Decimal("0.00")
    supported_taxes: tuple[FiscalTax, ...] = ()
    taxes: tuple[WithheldTax, ...] = ()
    payments: tuple[FiscalPayment, ...] = ()
    support_code: str = "01"
    related_party: bool = False
    subject_kind: str = ""


@dataclass(frozen=True, slots=True)
class PurchaseSettlementRequest(FiscalRequest):
    """A liquidación de compra (03); ``counterpart`` is the supplier."""

    lines: tuple[FiscalLine, ...] = ()
    payments: tuple[FiscalPayment, ...] = ()
    reimbursed: tuple[ReimbursedDocument, ...] = ()


@dataclass(frozen=True, slots=True)
class FiscalStatus:
    """Where a fiscal document stands, in words a page can show (never a stack trace)."""

    document_id: UUID
    access_key: str | None
    state: str  # "requested", "signed", "unknown", "received", "authorized", "rejected", "paused"
    sentence: str  # Spanish, already translated
    authorized_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DocumentFiles:
    """The files of an authorised document: the SRI envelope byte for byte, and the RIDE."""

    access_key: str
    xml: bytes
    ride: bytes
