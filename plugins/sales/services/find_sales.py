"""What the pages of sales look up: lists, points, what a customer owes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.domain.money import ZERO
from core.models import Branch, IssuePoint
from plugins.sales.domain.ageing import age
from plugins.sales.domain.customers import search_key
from plugins.sales.domain.vocabulary import PRACTICE
from plugins.sales.models import (
    Allocation,
    BankAccount,
    CreditNote,
    Customer,
    DebitNote,
    Invoice,
    Payment,
    Product,
    Salesperson,
)
from plugins.sales.services.keep_credit import credit_of
from plugins.sales.services.keep_customers import all_words, matching
from plugins.sales.services.practice import SHOWN


class InvoiceRow(NamedTuple):
    """A row of the list of invoices, in the order of its columns."""

    id: UUID
    number: str
    issued_on: date
    due_on: date | None
    customer_id: UUID
    customer_name: str
    customer_tax_id: str
    total: Decimal
    balance: Decimal
    state: str


class PaymentRow(NamedTuple):
    """A row of the list of payments, in the order of its columns."""

    id: UUID
    method: str
    amount: Decimal
    value_on: date
    bank: str
    reference: str
    state: str
    customer_id: UUID
    legal_name: str


FILTERS = ("all", "open", "overdue", "paid", "cancelled", "practice")


def invoices(*, show: str, query: str, today: date) -> Select[Any]:
    """The columns of ``InvoiceRow`` by chip (``FILTERS``) and search (number, customer's name or identification)."""
    found: Any = select(
        Invoice.id,
        Invoice.number,
        Invoice.issued_on,
        Invoice.due_on,
        Invoice.customer_id,
        Invoice.customer_name,
        Invoice.customer_tax_id,
        Invoice.total,
        Invoice.balance,
        Invoice.state,
    )
    if show == "open":
        found = found.where(Invoice.state == "issued")
    elif show == "overdue":
        found = found.where(Invoice.state == "issued", Invoice.due_on < today)
    elif show in {"paid", "cancelled"}:
        found = found.where(Invoice.state == show)
    elif show == "practice":
        found = found.where(Invoice.environment == PRACTICE).execution_options(**SHOWN)
    words = query.strip()
    if words:
        customers = select(Customer.id).where(matching(words))
        found = found.where(
            or_(
                Invoice.number.endswith(words, autoescape=True),
                Invoice.customer_tax_id == words,
                Invoice.customer_id.in_(customers),
            )
        )
    return found  # type: ignore[no-any-return]


def payments() -> Select[Any]:
    """Payments with who paid; the columns of ``PaymentRow``."""
    found: Any = select(
        Payment.id,
        Payment.method,
        Payment.amount,
        Payment.value_on,
        Payment.bank,
        Payment.reference,
        Payment.state,
        Payment.customer_id,
        Customer.legal_name,
    ).join(Customer, Customer.id == Payment.customer_id)
    return cast("Select[Any]", found)


def customers(query: str) -> Select[Any]:
    """Customers whose name or number holds every word."""
    return select(Customer).where(matching(query), Customer.is_active)


def products(query: str) -> Select[Any]:
    """Products on sale whose code or name holds every word."""
    return select(Product).where(all_words(Product.search_text, query), Product.is_active)


def find_products(session: Session, query: str, *, limit: int = 12) -> Sequence[Product]:
    """Products for the sale screen: an exact code alone, else those that match."""
    exact = session.scalars(
        select(Product).where(func.lower(Product.code) == query.strip().lower(), Product.is_active)
    ).all()
    if exact:
        return exact[:1]
    return session.scalars(products(query).order_by(Product.name).limit(limit)).all()


def find_customers(session: Session, query: str, *, limit: int = 12) -> Sequence[Customer]:
    """Customers for the sale screen."""
    plain = search_key(query)
    if not plain:
        return []
    return session.scalars(customers(query).order_by(Customer.legal_name).limit(limit)).all()


def salespeople(session: Session) -> Sequence[Salesperson]:
    """Everybody who may sell, by name."""
    return session.scalars(
        select(Salesperson).where(Salesperson.is_active).order_by(Salesperson.name)
    ).all()


def issue_points(session: Session) -> Sequence[Any]:
    """The active emission points ``(id, written, purpose)``, tills first."""
    written = (Branch.code + "-" + IssuePoint.code).label("written")
    return session.execute(
        select(IssuePoint.id, written, IssuePoint.name, IssuePoint.purpose)
        .join(Branch, Branch.id == IssuePoint.branch_id)
        .where(IssuePoint.is_active, Branch.is_active)
        .order_by(IssuePoint.purpose != "till", written)
    ).all()


def bank_accounts(session: Session) -> Sequence[BankAccount]:
    """The accounts into which customers pay."""
    return session.scalars(
        select(BankAccount).where(BankAccount.is_active).order_by(BankAccount.bank)
    ).all()


@dataclass(frozen=True, slots=True)
class Owing:
    """What a customer owes today: open invoices by age, credit in his favour."""

    total: Decimal
    ages: dict[str, Decimal]
    credit: Decimal


def owing(session: Session, customer_id: UUID, *, today: date) -> Owing:
    """The ageing of one customer."""
    rows = session.execute(
        select(Invoice.due_on, Invoice.balance).where(
            Invoice.customer_id == customer_id, Invoice.state == "issued"
        )
    ).all()
    return Owing(
        total=sum((row.balance for row in rows), ZERO),
        ages=age([(row.due_on, row.balance) for row in rows], today),
        credit=credit_of(session, customer_id),
    )


def ageing(session: Session, *, today: date, limit: int = 500) -> list[tuple[Any, Owing]]:
    """Who owes most, with the ages of the debt; credit is not subtracted here."""
    sums = session.execute(
        select(Invoice.customer_id, func.sum(Invoice.balance).label("total"))
        .where(Invoice.state == "issued")
        .group_by(Invoice.customer_id)
        .order_by(func.sum(Invoice.balance).desc())
        .limit(limit)
    ).all()
    ids = [row.customer_id for row in sums]
    names = {
        row.id: row
        for row in session.execute(
            select(Customer.id, Customer.legal_name, Customer.tax_id).where(Customer.id.in_(ids))
        )
    }
    debts: dict[UUID, list[tuple[date | None, Decimal]]] = {one: [] for one in ids}
    for row in session.execute(
        select(Invoice.customer_id, Invoice.due_on, Invoice.balance).where(
            Invoice.state == "issued", Invoice.customer_id.in_(ids)
        )
    ):
        debts[row.customer_id].append((row.due_on, row.balance))
    return [
        (names[row.customer_id], Owing(row.total, age(debts[row.customer_id], today), ZERO))
        for row in sums
    ]


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a statement of account: ``debit`` is charged, ``credit`` is paid or credited."""

    kind: str  # invoice, annulled, credit_note, debit_note, or a payment's method
    id: UUID
    text: str
    on_day: date
    at: datetime
    debit: Decimal = ZERO
    credit: Decimal = ZERO


def history(session: Session, customer_id: UUID, *, limit: int = 200) -> list[Movement]:
    """A customer's statement of account, newest first; used credit is not money and is left out."""
    own = Invoice.customer_id == customer_id
    made = session.execute(
        select(
            Invoice.id,
            Invoice.number,
            Invoice.issued_on,
            Invoice.issued_at,
            Invoice.total,
            Invoice.cancelled_at,
            select(CreditNote.id)
            .where(CreditNote.invoice_id == Invoice.id)
            .exists()
            .label("noted"),
        )
        .where(own)
        .order_by(Invoice.id.desc())
        .limit(limit)
    ).all()
    rows = [
        Movement("invoice", one.id, one.number, one.issued_on, one.issued_at, debit=one.total)
        for one in made
    ]
    rows += [
        Movement(
            "annulled",
            one.id,
            one.number,
            to_local_date(one.cancelled_at),
            one.cancelled_at,
            credit=one.total,
        )
        for one in made
        if one.cancelled_at and not one.noted
    ]
    for kind, model in (("credit_note", CreditNote), ("debit_note", DebitNote)):
        notes = session.execute(
            select(model.id, model.number, model.issued_on, model.issued_at, model.total)
            .join(Invoice, Invoice.id == model.invoice_id)
            .where(own)
            .order_by(model.id.desc())
            .limit(limit)
        )
        side = "credit" if kind == "credit_note" else "debit"
        rows += [
            Movement(kind, one.id, one.number, one.issued_on, one.issued_at, **{side: one.total})
            for one in notes
        ]
    paid = session.execute(
        select(
            Payment.id,
            Payment.method,
            Payment.value_on,
            Payment.recorded_at,
            Payment.amount,
            Payment.reference,
        )
        .where(
            Payment.customer_id == customer_id,
            Payment.state == "recorded",
            Payment.method != "credit",
        )
        .order_by(Payment.id.desc())
        .limit(limit)
    )
    rows += [
        Movement(
            one.method, one.id, one.reference, one.value_on, one.recorded_at, credit=one.amount
        )
        for one in paid
    ]
    return sorted(rows, key=lambda row: (row.at, row.text), reverse=True)[:limit]


def payments_of(session: Session, invoice_id: UUID) -> Sequence[Any]:
    """What covered an invoice, oldest first."""
    return session.execute(
        select(
            Payment.id,
            Payment.method,
            Payment.value_on,
            Payment.recorded_at,
            Payment.bank,
            Payment.reference,
            Payment.state,
            Allocation.amount,
        )
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(Allocation.invoice_id == invoice_id)
        .order_by(Payment.id)
    ).all()


def notes_of(session: Session, invoice_id: UUID) -> list[tuple[str, Any]]:
    """Credit and debit notes of an invoice as ``(kind, row)``."""
    found: list[tuple[str, Any]] = []
    for kind, model in (("credit_note", CreditNote), ("debit_note", DebitNote)):
        found += [
            (kind, row)
            for row in session.execute(
                select(model.id, model.number, model.issued_on, model.issued_at, model.total)
                .where(model.invoice_id == invoice_id)
                .order_by(model.id)
                .execution_options(**SHOWN)
            )
        ]
    return found
