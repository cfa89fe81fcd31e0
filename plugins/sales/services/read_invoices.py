"""Invoices as other plugins may read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from core.contracts.sales import CustomerData, InvoiceLineDraft, InvoiceSnapshot, TaxTotal
from plugins.sales.models import Invoice, InvoiceLine
from plugins.sales.services.practice import SHOWN

_COLUMNS = (
    Invoice.id,
    Invoice.number,
    Invoice.customer_id,
    Invoice.customer_type,
    Invoice.customer_tax_id,
    Invoice.customer_name,
    Invoice.customer_email,
    Invoice.customer_address,
    Invoice.customer_phone,
    Invoice.issued_on,
    Invoice.due_on,
    Invoice.subtotal,
    Invoice.tax,
    Invoice.total,
    Invoice.balance,
    Invoice.state,
    Invoice.source,
    Invoice.source_key,
    Invoice.taxes,
)


def snapshots(
    session: Session, ids: Iterable[UUID], *, lines: bool = False
) -> dict[UUID, InvoiceSnapshot]:
    """These invoices as they stand; unknown ids are left out."""
    wanted = list(ids)
    if not wanted:
        return {}
    query = select(*_COLUMNS).where(Invoice.id.in_(wanted)).execution_options(**SHOWN)
    return _read(session, query, lines=lines)


def open_for(session: Session, customer_id: UUID) -> list[InvoiceSnapshot]:
    """The customer's invoices that are neither paid nor cancelled, oldest due first."""
    query = (
        select(*_COLUMNS)
        .where(Invoice.customer_id == customer_id, Invoice.state == "issued")
        .order_by(Invoice.due_on.nulls_last(), Invoice.id)
    )
    return list(_read(session, query, lines=False).values())


def _read(session: Session, query: Select[Any], *, lines: bool) -> dict[UUID, InvoiceSnapshot]:
    rows = session.execute(query).all()
    by_invoice = lines_of(session, [row.id for row in rows]) if lines else {}
    return {row.id: _snapshot(row, by_invoice.get(row.id, ())) for row in rows}


def lines_of(session: Session, ids: Iterable[UUID]) -> Mapping[UUID, tuple[InvoiceLineDraft, ...]]:
    """The lines of these invoices in their order."""
    found: dict[UUID, list[InvoiceLineDraft]] = {}
    for row in session.execute(
        select(
            InvoiceLine.invoice_id,
            InvoiceLine.code,
            InvoiceLine.description,
            InvoiceLine.quantity,
            InvoiceLine.unit_price,
            InvoiceLine.tax_code,
            InvoiceLine.discount,
            InvoiceLine.product_id,
            InvoiceLine.details,
            InvoiceLine.derivation,
        )
        .where(InvoiceLine.invoice_id.in_(list(ids)))
        .order_by(InvoiceLine.invoice_id, InvoiceLine.position)
    ):
        found.setdefault(row.invoice_id, []).append(
            InvoiceLineDraft(
                code=row.code,
                description=row.description,
                quantity=row.quantity,
                unit_price=row.unit_price,
                tax_code=row.tax_code,
                discount=row.discount,
                product_id=row.product_id,
                details=tuple((name, value) for name, value in row.details),
                derivation=row.derivation,
            )
        )
    return {key: tuple(ones) for key, ones in found.items()}


def read_taxes(stored: Any) -> tuple[TaxTotal, ...]:
    """The tax table of a document from its JSON column."""
    return tuple(
        TaxTotal(code, Decimal(rate), Decimal(base), Decimal(amount))
        for code, rate, base, amount in stored
    )


def _snapshot(row: Row[Any], lines: tuple[InvoiceLineDraft, ...]) -> InvoiceSnapshot:
    return InvoiceSnapshot(
        id=row.id,
        number=row.number,
        customer_id=row.customer_id,
        customer=CustomerData(
            row.customer_type,
            row.customer_tax_id,
            row.customer_name,
            row.customer_email,
            row.customer_address,
            row.customer_phone,
        ),
        issued_on=row.issued_on,
        due_on=row.due_on,
        subtotal=row.subtotal,
        tax=row.tax,
        total=row.total,
        balance=row.balance,
        state=row.state,
        source=row.source,
        source_key=row.source_key,
        lines=lines,
        taxes=read_taxes(row.taxes),
    )
