"""What is said about commercial documents across plugin borders.

Amounts are USD ``Decimal`` quantised by :mod:`core.domain.money`; business dates are days in
America/Guayaquil; instants are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CustomerData:
    """Who buys: what sales needs to find or create a customer of the tenant at hand."""

    tax_id_type: (
        str  # SRI table 6: 04 RUC, 05 cédula, 06 passport, 07 consumidor final, 08 foreign id
    )
    tax_id: str
    legal_name: str
    email: str = ""
    address: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceLineDraft:
    """One line before it is an invoice line. ``tax_code`` is the IVA code of SRI table 17 ("4" = 15 %)."""

    code: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    tax_code: str
    discount: Decimal = Decimal("0.00")
    product_id: UUID | None = None
    details: tuple[tuple[str, str], ...] = ()
    derivation: Mapping[str, Any] | None = None  # how the amount came about; JSON values only


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An invoice before it has a number.

    ``(source, source_key)`` is unique per tenant: issuing the same draft twice returns the first
    invoice. ``issued_on`` is the emission date; sales refuses one in the future. ``id`` is the one that
    a new invoice gets (None: a fresh one); who has written it elsewhere rolls back when the invoice
    turns out not to be new. ``by_run``: no person made it, so its mail waits for the morning.
    """

    customer_id: UUID
    issue_point_id: UUID
    issued_on: date
    lines: tuple[InvoiceLineDraft, ...]
    source: str  # "till", "api", "billing", "licensing"
    source_key: str
    due_on: date | None = None
    payment_method: str = "20"  # SRI table 24
    payment_term_days: int = 0
    salesperson_id: UUID | None = None
    additional_info: tuple[tuple[str, str], ...] = ()
    id: UUID | None = None
    by_run: bool = False


@dataclass(frozen=True, slots=True)
class InvoiceRef:
    """An invoice that exists. ``created`` is False when the draft had been issued before."""

    id: UUID
    number: str  # 001-002-000000123
    total: Decimal
    source_key: str
    created: bool


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """The base and the tax of one IVA rate in a document."""

    tax_code: str
    rate: Decimal  # percent: 15.00
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class InvoiceSnapshot:
    """An invoice as another plugin may read it, at the moment it asked."""

    id: UUID
    number: str
    customer_id: UUID
    customer: CustomerData
    issued_on: date
    due_on: date | None
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    balance: Decimal
    state: str  # "issued", "paid", "cancelled"
    source: str
    source_key: str
    lines: tuple[InvoiceLineDraft, ...] = ()
    taxes: tuple[TaxTotal, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PaymentAllocation:
    """The part of a payment that goes to one invoice (USD)."""

    invoice_id: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PaymentData:
    """Money received by the tenant at hand.

    ``idempotency_key`` is unique per tenant: recording the same key twice returns the first payment.
    """

    customer_id: UUID
    method: str  # "deposit", "transfer", "cash", "withholding", "credit"
    amount: Decimal
    value_on: date
    allocations: tuple[PaymentAllocation, ...]
    idempotency_key: str
    bank: str = ""
    reference: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class AwaitedPayment:
    """Money that another plugin expects on the account: a report that waits for its confirmation, or the
    reports of one transfer told for several companies. ``amount`` is the whole transfer (USD),
    ``customer_ids`` who of the customers tells it.
    """

    key: UUID
    report_ids: tuple[UUID, ...]
    amount: Decimal
    reference: str
    customer_ids: frozenset[UUID] = frozenset()


MONEY_LOCK = "money"  # held by whatever may book the same transfer a second time
