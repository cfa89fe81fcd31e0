"""Money in: store it, lower the balances, turn what is left over into the customer's credit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import InvoicePaid, PaymentReceived
from core.contracts.sales import PaymentAllocation, PaymentData
from core.db.events import emit
from core.db.locks import wait_for
from core.domain.money import ZERO, to_cents
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from plugins.sales.domain import lifecycle
from plugins.sales.domain.allocation import Owed, is_covered, spread
from plugins.sales.domain.vocabulary import METHODS
from plugins.sales.models import Allocation, BankAccount, Customer, Invoice, Payment
from plugins.sales.services.keep_credit import add_credit, use_credit
from plugins.sales.services.mail_receipts import defer_receipt

CREDIT = "credit"
WITHHOLDING = "withholding"


def record_payment(
    session: Session, payment: PaymentData, *, now: datetime, account_id: UUID | None = None
) -> UUID:
    """Store ``payment`` and cover its invoices; the same ``idempotency_key`` returns the first one.

    An allocation above an invoice's balance covers the balance only; that and what was not
    allocated becomes the customer's credit. Method ``credit`` uses credit that exists. Emits
    ``PaymentReceived`` and one ``InvoicePaid`` per invoice that is covered now. Raises
    ``DomainError``, ``NotFound`` for foreign ids, ``Conflict`` for a cancelled invoice.
    """
    _check(payment, now)
    wait_for(session, f"payment/{payment.idempotency_key}")
    known = session.scalar(
        select(Payment.id).where(Payment.idempotency_key == payment.idempotency_key)
    )
    if known is not None:
        return known
    _check_own(session, payment.customer_id, account_id)
    invoices = lock_invoices(session, [one.invoice_id for one in payment.allocations])
    covers = _covers(payment.allocations, invoices)
    excess = payment.amount - sum((one.amount for one in covers), ZERO)
    if payment.method in {CREDIT, WITHHOLDING} and excess > ZERO:
        raise DomainError(
            _("The amount is larger than what these invoices still owe. Lower it."),
            code="more_than_owed",
            field="amount",
        )
    if payment.method == CREDIT:
        use_credit(session, payment.customer_id, payment.amount)
    stored = Payment(
        id=new_id(),
        customer_id=payment.customer_id,
        account_id=account_id,
        method=payment.method,
        amount=payment.amount,
        excess=excess,
        value_on=payment.value_on,
        recorded_at=now,
        bank=payment.bank[:80],
        reference=payment.reference[:80],
        note=payment.note[:300],
        idempotency_key=payment.idempotency_key,
    )
    session.add(stored)
    session.flush()
    for one in covers:
        session.add(Allocation(payment_id=stored.id, invoice_id=one.invoice_id, amount=one.amount))
    session.flush()
    emit(
        session,
        PaymentReceived(
            stored.id,
            payment.customer_id,
            payment.amount,
            payment.value_on,
            payment.idempotency_key,
        ),
        now=now,
    )
    lower_balances(
        session,
        invoices,
        {one.invoice_id: one.amount for one in covers},
        now=now,
        is_withholding=payment.method == WITHHOLDING,
    )
    if excess > ZERO:
        add_credit(session, payment.customer_id, "payment", stored.id, excess)
    defer_receipt(session, stored.id, payment.method)
    return stored.id


def _check(payment: PaymentData, now: datetime) -> None:
    if payment.method not in METHODS:
        raise DomainError(
            _("The way of payment is not one of the list. Choose another one."),
            code="unknown_method",
            field="method",
        )
    if payment.amount <= ZERO or to_cents(payment.amount) != payment.amount:
        raise DomainError(
            _("The amount must be more than zero, in whole cents. Correct it."),
            code="bad_amount",
            field="amount",
        )
    if payment.value_on > to_local_date(now):
        raise DomainError(
            _("The day of the payment is in the future. Write the day on which the money came."),
            code="value_in_future",
            field="value_on",
        )
    if not 0 < len(payment.idempotency_key) <= 120:
        raise DomainError(
            _("The request has no usable key of its own. Send a key of 1 to 120 characters."),
            code="bad_source_key",
            field="idempotency_key",
        )
    given = sum((one.amount for one in payment.allocations), ZERO)
    repeated = len({one.invoice_id for one in payment.allocations}) != len(payment.allocations)
    if any(one.amount <= ZERO for one in payment.allocations) or given > payment.amount or repeated:
        raise DomainError(
            _("The parts for the invoices do not fit the amount paid. Correct the parts."),
            code="bad_allocation",
            field="allocations",
        )


def _check_own(session: Session, customer_id: UUID, account_id: UUID | None) -> None:
    if session.scalar(select(Customer.id).where(Customer.id == customer_id)) is None:
        raise NotFound(_("That customer does not exist. Choose another one."))
    if (
        account_id is not None
        and session.scalar(select(BankAccount.id).where(BankAccount.id == account_id)) is None
    ):
        raise NotFound(_("That account does not exist. Choose another one."))


def lock_invoices(session: Session, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """The money side of these invoices, locked in the order of their ids. Raises ``NotFound``."""
    if not ids:
        return {}
    rows = session.execute(
        select(
            Invoice.id,
            Invoice.number,
            Invoice.customer_id,
            Invoice.state,
            Invoice.balance,
            Invoice.total,
            Invoice.source,
            Invoice.source_key,
        )
        .where(Invoice.id.in_(ids))
        .order_by(Invoice.id)
        .with_for_update()
    )
    found: dict[UUID, Any] = {row.id: row for row in rows}
    if set(ids) - found.keys():
        raise NotFound(_("One of the invoices does not exist. Choose them again."))
    return found


def _covers(
    allocations: Sequence[PaymentAllocation], invoices: Mapping[UUID, Row[Any]]
) -> list[PaymentAllocation]:
    covers = []
    for one in allocations:
        invoice = invoices[one.invoice_id]
        if invoice.state == "cancelled":
            raise Conflict(
                _("Invoice %(number)s is cancelled and takes no payment.", number=invoice.number),
                code="invoice_cancelled",
                field="allocations",
            )
        part = min(one.amount, invoice.balance)
        if part > ZERO:
            covers.append(PaymentAllocation(one.invoice_id, part))
    return covers


def lower_balances(
    session: Session,
    invoices: Mapping[UUID, Row[Any]],
    amounts: Mapping[UUID, Decimal],
    *,
    now: datetime,
    is_withholding: bool = False,
) -> None:
    """Take ``amounts`` off the balances of locked ``invoices``; what is covered becomes paid."""
    with_withholding = set(amounts) if is_withholding else _withheld(session, list(amounts))
    for invoice_id, amount in amounts.items():
        invoice = invoices[invoice_id]
        balance = invoice.balance - amount
        values: dict[str, Any] = {"balance": balance}
        covered = is_covered(balance, with_withholding=invoice_id in with_withholding)
        if covered and lifecycle.may(lifecycle.INVOICE, invoice.state, "cover"):
            values |= {
                "state": lifecycle.step(lifecycle.INVOICE, invoice.state, "cover"),
                "paid_at": now,
            }
            emit(
                session,
                InvoicePaid(invoice_id, invoice.number, invoice.source, invoice.source_key, now),
                now=now,
            )
        session.execute(update(Invoice).where(Invoice.id == invoice_id).values(**values))


def _withheld(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    return set(
        session.scalars(
            select(Allocation.invoice_id)
            .join(Payment, Payment.id == Allocation.payment_id)
            .where(
                Allocation.invoice_id.in_(ids),
                Payment.method == WITHHOLDING,
                Payment.state == "recorded",
            )
        )
    )


def spread_over_open(
    session: Session, customer_id: UUID, amount: Decimal
) -> tuple[PaymentAllocation, ...]:
    """Allocations of ``amount`` over the customer's open invoices, oldest due first."""
    rows = session.execute(
        select(Invoice.id, Invoice.balance, Invoice.due_on)
        .where(Invoice.customer_id == customer_id, Invoice.state == "issued")
        .order_by(Invoice.due_on.nulls_last(), Invoice.id)
    )
    return spread(amount, [Owed(*row) for row in rows])[0]
