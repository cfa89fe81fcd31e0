"""Tables of sales. Columns and constraints; no verbs.

Amounts of documents are written once. What changes on an invoice is its life: ``state``,
``balance`` and the instants that go with them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tenancy import TenantMixin, child_args, tenant_args, tenant_ref
from core.db.types import MoneyColumn, RateColumn, UtcDateTime
from core.models import one_of
from plugins.sales.domain import lifecycle
from plugins.sales.domain.vocabulary import METHODS, PRODUCT_KINDS, TAX_ID_TYPES


class Customer(TenantMixin, Base):
    """Who buys from the tenant. ``search_text`` is name and number, lower case, no accents."""

    __tablename__ = "sales_customer"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "tax_id", "tax_id_type"),
        CheckConstraint(one_of("tax_id_type", TAX_ID_TYPES), name="tax_id_type"),
        CheckConstraint("payment_term_days BETWEEN 0 AND 365", name="payment_term_days"),
        CheckConstraint("legal_name <> ''", name="legal_name"),
    )

    tax_id_type: Mapped[str] = mapped_column(String(2))
    tax_id: Mapped[str] = mapped_column(String(20))
    legal_name: Mapped[str] = mapped_column(String(300))
    email: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    is_withholding_agent: Mapped[bool] = mapped_column(default=False)
    payment_term_days: Mapped[int] = mapped_column(SmallInteger, default=0)
    note: Mapped[str] = mapped_column(Text, default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    search_text: Mapped[str] = mapped_column(String(340), default="")


class Product(TenantMixin, Base):
    """What is sold: a good or a service, its price before taxes and its IVA code (SRI table 17)."""

    __tablename__ = "sales_product"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint(one_of("kind", PRODUCT_KINDS), name="kind"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
        CheckConstraint("name <> ''", name="name"),
    )

    code: Mapped[str] = mapped_column(String(25))
    name: Mapped[str] = mapped_column(String(300))
    kind: Mapped[str] = mapped_column(String(8), default="good")
    unit_price: Mapped[Decimal] = mapped_column(RateColumn)
    tax_code: Mapped[str] = mapped_column(String(4))
    is_active: Mapped[bool] = mapped_column(default=True)
    search_text: Mapped[str] = mapped_column(String(340), default="")


class Salesperson(TenantMixin, Base):
    """Who sells, known by name and PIN; optionally linked to a person who can sign in.

    ``pin_hash`` is argon2id over an HMAC of the PIN with the tenant's pepper. ``link_hash`` is the
    SHA-256 of the one-time link with which the salesperson sets the PIN.
    """

    __tablename__ = "sales_salesperson"
    __table_args__ = (
        *tenant_args(),
        ForeignKeyConstraint(["user_id"], ["ab_user.id"]),
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("failures >= 0", name="failures"),
        CheckConstraint("name <> ''", name="name"),
    )

    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(200), default="")
    user_id: Mapped[int | None] = mapped_column(Integer)
    pin_hash: Mapped[str] = mapped_column(String(200), default="")
    pin_set_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(SmallInteger, default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    link_hash: Mapped[str] = mapped_column(String(64), default="")
    link_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_active: Mapped[bool] = mapped_column(default=True)


class Practised:
    """Documents that may be issued to practise (environment 3): ``services/practice.py`` hides those."""

    environment: Mapped[int] = mapped_column(SmallInteger)


class Invoice(Practised, TenantMixin, Base):
    """An invoice: the snapshot that was issued, and what is still owed of it.

    ``issue_point_id`` has no foreign key: the number comes from a series of the point, which has one.
    """

    __tablename__ = "sales_invoice"
    __table_args__ = (
        *child_args(),
        tenant_ref("customer_id", "sales_customer"),
        tenant_ref("salesperson_id", "sales_salesperson"),
        UniqueConstraint("tenant_id", "source", "source_key"),
        UniqueConstraint("tenant_id", "environment", "number"),
        CheckConstraint(one_of("state", lifecycle.INVOICE_STATES), name="state"),
        CheckConstraint("total = subtotal + tax AND total > 0", name="total"),
        CheckConstraint("balance >= 0", name="balance"),
        CheckConstraint("due_on IS NULL OR due_on >= issued_on", name="due_on"),
        Index("ix_sales_invoice_customer_id", "tenant_id", "customer_id", "id"),
        Index("ix_sales_invoice_issued_on", "tenant_id", "issued_on"),
        Index(
            "ix_sales_invoice_open",
            "tenant_id",
            "due_on",
            "id",
            postgresql_where="state = 'issued'",
        ),
    )

    customer_id: Mapped[UUID] = mapped_column()
    issue_point_id: Mapped[UUID] = mapped_column()
    salesperson_id: Mapped[UUID | None] = mapped_column()
    number: Mapped[str] = mapped_column(String(17))
    customer_type: Mapped[str] = mapped_column(String(2))
    customer_tax_id: Mapped[str] = mapped_column(String(20))
    customer_name: Mapped[str] = mapped_column(String(300))
    customer_email: Mapped[str] = mapped_column(String(200), default="")
    customer_address: Mapped[str] = mapped_column(String(300), default="")
    customer_phone: Mapped[str] = mapped_column(String(40), default="")
    issued_on: Mapped[date] = mapped_column()
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_on: Mapped[date | None] = mapped_column()
    payment_method: Mapped[str] = mapped_column(String(2))
    payment_term_days: Mapped[int] = mapped_column(SmallInteger, default=0)
    subtotal: Mapped[Decimal] = mapped_column(MoneyColumn)
    discount: Mapped[Decimal] = mapped_column(MoneyColumn)
    tax: Mapped[Decimal] = mapped_column(MoneyColumn)
    total: Mapped[Decimal] = mapped_column(MoneyColumn)
    taxes: Mapped[Any] = mapped_column(JSON)  # [[code, rate, base, amount], …] as text
    additional_info: Mapped[Any] = mapped_column(JSON)  # [[name, value], …]
    source: Mapped[str] = mapped_column(String(20))
    source_key: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(10), default="issued")
    balance: Mapped[Decimal] = mapped_column(MoneyColumn)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class InvoiceLine(TenantMixin, Base):
    """A line of an invoice with its tax; ``derivation`` says how the amount came about."""

    __tablename__ = "sales_invoice_line"
    __table_args__ = (
        tenant_ref("invoice_id", "sales_invoice"),
        tenant_ref("product_id", "sales_product"),
        UniqueConstraint("tenant_id", "invoice_id", "position"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("unit_price >= 0 AND discount >= 0 AND subtotal >= 0", name="amounts"),
    )

    invoice_id: Mapped[UUID] = mapped_column()
    position: Mapped[int] = mapped_column(SmallInteger)
    product_id: Mapped[UUID | None] = mapped_column()
    code: Mapped[str] = mapped_column(String(25))
    description: Mapped[str] = mapped_column(String(300))
    quantity: Mapped[Decimal] = mapped_column(RateColumn)
    unit_price: Mapped[Decimal] = mapped_column(RateColumn)
    discount: Mapped[Decimal] = mapped_column(MoneyColumn)
    subtotal: Mapped[Decimal] = mapped_column(MoneyColumn)
    tax_code: Mapped[str] = mapped_column(String(4))
    tax_rate: Mapped[Decimal] = mapped_column(RateColumn)
    tax_amount: Mapped[Decimal] = mapped_column(MoneyColumn)
    details: Mapped[Any] = mapped_column(JSON)  # [[name, value], …]
    derivation: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)


class CreditNote(Practised, TenantMixin, Base):
    """A credit note on one invoice; ``lines`` as the fiscal document shows them."""

    __tablename__ = "sales_credit_note"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("invoice_id", "sales_invoice"),
        UniqueConstraint("tenant_id", "source_key"),
        UniqueConstraint("tenant_id", "environment", "number"),
        CheckConstraint(one_of("state", lifecycle.CREDIT_NOTE_STATES), name="state"),
        CheckConstraint("total = subtotal + tax AND total > 0", name="total"),
        Index("ix_sales_credit_note_invoice_id", "tenant_id", "invoice_id"),
    )

    invoice_id: Mapped[UUID] = mapped_column()
    number: Mapped[str] = mapped_column(String(17))
    issued_on: Mapped[date] = mapped_column()
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(300))
    subtotal: Mapped[Decimal] = mapped_column(MoneyColumn)
    tax: Mapped[Decimal] = mapped_column(MoneyColumn)
    total: Mapped[Decimal] = mapped_column(MoneyColumn)
    lines: Mapped[Any] = mapped_column(JSONB)
    taxes: Mapped[Any] = mapped_column(JSONB)
    source_key: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(10), default="issued")


class DebitNote(Practised, TenantMixin, Base):
    """A debit note on one invoice: reasons with amounts; it raises what is owed."""

    __tablename__ = "sales_debit_note"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("invoice_id", "sales_invoice"),
        UniqueConstraint("tenant_id", "source_key"),
        UniqueConstraint("tenant_id", "environment", "number"),
        CheckConstraint("total = subtotal + tax AND total > 0", name="total"),
        Index("ix_sales_debit_note_invoice_id", "tenant_id", "invoice_id"),
    )

    invoice_id: Mapped[UUID] = mapped_column()
    number: Mapped[str] = mapped_column(String(17))
    issued_on: Mapped[date] = mapped_column()
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reasons: Mapped[Any] = mapped_column(JSONB)  # [[reason, amount], …]
    tax_code: Mapped[str] = mapped_column(String(4))
    subtotal: Mapped[Decimal] = mapped_column(MoneyColumn)
    tax: Mapped[Decimal] = mapped_column(MoneyColumn)
    total: Mapped[Decimal] = mapped_column(MoneyColumn)
    source_key: Mapped[str] = mapped_column(String(120))


class DispatchGuide(Practised, TenantMixin, Base):
    """A dispatch guide (guía de remisión): who carries what from where to whom."""

    __tablename__ = "sales_dispatch_guide"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("invoice_id", "sales_invoice"),
        UniqueConstraint("tenant_id", "source_key"),
        UniqueConstraint("tenant_id", "environment", "number"),
        CheckConstraint("ends_on >= starts_on", name="dates"),
    )

    invoice_id: Mapped[UUID | None] = mapped_column()
    number: Mapped[str] = mapped_column(String(17))
    issued_on: Mapped[date] = mapped_column()
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    carrier: Mapped[Any] = mapped_column(JSONB)
    plate: Mapped[str] = mapped_column(String(20))
    start_address: Mapped[str] = mapped_column(String(300))
    starts_on: Mapped[date] = mapped_column()
    ends_on: Mapped[date] = mapped_column()
    destinations: Mapped[Any] = mapped_column(JSONB)
    source_key: Mapped[str] = mapped_column(String(120))


class BankAccount(TenantMixin, Base):
    """An account of the tenant into which customers pay; printed on invoices and mails."""

    __tablename__ = "sales_bank_account"
    __table_args__ = (
        *tenant_args(),
        UniqueConstraint("tenant_id", "bank", "number"),
        CheckConstraint(one_of("kind", ("checking", "savings")), name="kind"),
    )

    bank: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(8), default="checking")
    number: Mapped[str] = mapped_column(String(40))
    holder: Mapped[str] = mapped_column(String(200))
    holder_tax_id: Mapped[str] = mapped_column(String(20), default="")
    is_active: Mapped[bool] = mapped_column(default=True)


class Payment(TenantMixin, Base):
    """Money, a withholding or used credit: what covers invoices."""

    __tablename__ = "sales_payment"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("customer_id", "sales_customer"),
        tenant_ref("account_id", "sales_bank_account"),
        UniqueConstraint("tenant_id", "idempotency_key"),
        CheckConstraint(one_of("method", METHODS), name="method"),
        CheckConstraint(one_of("state", lifecycle.PAYMENT_STATES), name="state"),
        CheckConstraint("amount > 0 AND excess >= 0 AND excess <= amount", name="amount"),
        Index("ix_sales_payment_customer_id", "tenant_id", "customer_id", "id"),
        Index("ix_sales_payment_reference", "tenant_id", "reference", "value_on"),
    )

    customer_id: Mapped[UUID] = mapped_column()
    account_id: Mapped[UUID | None] = mapped_column()
    method: Mapped[str] = mapped_column(String(12))
    amount: Mapped[Decimal] = mapped_column(MoneyColumn)
    excess: Mapped[Decimal] = mapped_column(MoneyColumn)
    value_on: Mapped[date] = mapped_column()
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    bank: Mapped[str] = mapped_column(String(80), default="")
    reference: Mapped[str] = mapped_column(String(80), default="")
    note: Mapped[str] = mapped_column(String(300), default="")
    idempotency_key: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(10), default="recorded")
    receipt_sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Allocation(TenantMixin, Base):
    """The part of a payment that covers an invoice."""

    __tablename__ = "sales_allocation"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("payment_id", "sales_payment"),
        tenant_ref("invoice_id", "sales_invoice"),
        UniqueConstraint("tenant_id", "payment_id", "invoice_id"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_sales_allocation_invoice_id", "tenant_id", "invoice_id"),
    )

    payment_id: Mapped[UUID] = mapped_column()
    invoice_id: Mapped[UUID] = mapped_column()
    amount: Mapped[Decimal] = mapped_column(MoneyColumn)


class Credit(TenantMixin, Base):
    """Money that the tenant owes a customer: an excess payment or a credit note on a paid invoice."""

    __tablename__ = "sales_credit"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("customer_id", "sales_customer"),
        UniqueConstraint("tenant_id", "origin", "origin_id"),
        CheckConstraint(one_of("origin", ("payment", "credit_note", "invoice")), name="origin"),
        CheckConstraint("amount > 0 AND remaining >= 0 AND remaining <= amount", name="amount"),
        Index(
            "ix_sales_credit_open",
            "tenant_id",
            "customer_id",
            "id",
            postgresql_where="remaining > 0",
        ),
    )

    customer_id: Mapped[UUID] = mapped_column()
    origin: Mapped[str] = mapped_column(String(12))
    origin_id: Mapped[UUID] = mapped_column()
    amount: Mapped[Decimal] = mapped_column(MoneyColumn)
    remaining: Mapped[Decimal] = mapped_column(MoneyColumn)


class PaymentReport(TenantMixin, Base):
    """A customer says it paid ("Ya pagué"): a claim until somebody confirms the money."""

    __tablename__ = "sales_payment_report"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("customer_id", "sales_customer"),
        tenant_ref("account_id", "sales_bank_account"),
        tenant_ref("payment_id", "sales_payment"),
        tenant_ref("slip_id", "core_blob"),
        UniqueConstraint("tenant_id", "report_key"),
        CheckConstraint(one_of("state", lifecycle.REPORT_STATES), name="state"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(
            "reference <> '' OR (slip_id IS NOT NULL AND payer_name <> '')", name="reference"
        ),
        Index("ix_sales_payment_report_state", "tenant_id", "state", "id"),
        Index("ix_sales_payment_report_twin", "tenant_id", "reference", "value_on", "amount"),
    )

    customer_id: Mapped[UUID] = mapped_column()
    account_id: Mapped[UUID | None] = mapped_column()
    bank: Mapped[str] = mapped_column(String(80))
    reference: Mapped[str] = mapped_column(String(80), default="")
    payer_name: Mapped[str] = mapped_column(String(200), default="")
    value_on: Mapped[date] = mapped_column()
    amount: Mapped[Decimal] = mapped_column(MoneyColumn)
    invoice_ids: Mapped[Any] = mapped_column(JSONB)
    slip_id: Mapped[UUID | None] = mapped_column()
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_late: Mapped[bool] = mapped_column(default=False)
    is_twin: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(10), default="reported")
    reason: Mapped[str] = mapped_column(String(300), default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(Integer)
    payment_id: Mapped[UUID | None] = mapped_column()
    report_key: Mapped[str] = mapped_column(String(120))


class Withholding(TenantMixin, Base):
    """A withholding certificate (comprobante de retención) received for invoices of the tenant."""

    __tablename__ = "sales_withholding"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("customer_id", "sales_customer"),
        tenant_ref("payment_id", "sales_payment"),
        tenant_ref("xml_id", "core_blob"),
        UniqueConstraint("tenant_id", "access_key"),
        CheckConstraint(one_of("state", lifecycle.WITHHOLDING_STATES), name="state"),
        CheckConstraint("amount > 0", name="amount"),
    )

    customer_id: Mapped[UUID] = mapped_column()
    access_key: Mapped[str] = mapped_column(String(49))
    number: Mapped[str] = mapped_column(String(17), default="")
    agent_tax_id: Mapped[str] = mapped_column(String(13))
    issued_on: Mapped[date] = mapped_column()
    amount: Mapped[Decimal] = mapped_column(MoneyColumn)
    parts: Mapped[Any] = mapped_column(
        JSONB
    )  # [[tax, code, base, rate, amount, invoice number], …]
    is_signature_valid: Mapped[bool | None] = mapped_column()
    xml_id: Mapped[UUID | None] = mapped_column()
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(10), default="received")
    reason: Mapped[str] = mapped_column(String(300), default="")
    payment_id: Mapped[UUID | None] = mapped_column()


class Statement(TenantMixin, Base):
    """An imported bank statement and how its columns were read."""

    __tablename__ = "sales_statement"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("account_id", "sales_bank_account"),
    )

    account_id: Mapped[UUID | None] = mapped_column()
    filename: Mapped[str] = mapped_column(String(200), default="")
    mapping: Mapped[Any] = mapped_column(JSONB)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StatementRow(TenantMixin, Base):
    """One credit of a bank statement: settled, suggested, or nobody's yet."""

    __tablename__ = "sales_statement_row"
    __table_args__ = (
        *tenant_args(),
        tenant_ref("statement_id", "sales_statement"),
        tenant_ref("payment_id", "sales_payment"),
        tenant_ref("suggested_report_id", "sales_payment_report"),
        tenant_ref("suggested_customer_id", "sales_customer"),
        UniqueConstraint("tenant_id", "fingerprint"),
        CheckConstraint(one_of("state", lifecycle.STATEMENT_ROW_STATES), name="state"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_sales_statement_row_state", "tenant_id", "state", "id"),
    )

    statement_id: Mapped[UUID] = mapped_column()
    value_on: Mapped[date] = mapped_column()
    amount: Mapped[Decimal] = mapped_column(MoneyColumn)
    reference: Mapped[str] = mapped_column(String(80), default="")
    description: Mapped[str] = mapped_column(String(300), default="")
    fingerprint: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10))
    suggested_report_id: Mapped[UUID | None] = mapped_column()
    suggested_customer_id: Mapped[UUID | None] = mapped_column()
    payment_id: Mapped[UUID | None] = mapped_column()


ALL = (
    Customer,
    Product,
    Salesperson,
    Invoice,
    InvoiceLine,
    CreditNote,
    DebitNote,
    DispatchGuide,
    BankAccount,
    Payment,
    Allocation,
    Credit,
    PaymentReport,
    Withholding,
    Statement,
    StatementRow,
)
