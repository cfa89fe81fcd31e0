"""A payment taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.contracts.events import InvoiceBalanceChanged
from core.db.events import emit
from core.domain.money import ZERO
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.services.audit import write_audit
from plugins.sales.domain import lifecycle
from plugins.sales.models import Allocation, Credit, Invoice, Payment
from plugins.sales.services.keep_credit import add_credit
from plugins.sales.services.record_payment import CREDIT, lock_invoices


def reverse_payment(session: Session, payment_id: UUID, *, reason: str, now: datetime) -> None:
    """Take a payment back (bounced, recorded by mistake): balances rise again, its credit goes.

    Emits ``InvoiceBalanceChanged`` for each of its invoices. Raises ``Conflict`` when it was reversed before or its credit has been used since.
    """
    row = session.execute(
        select(
            Payment.id,
            Payment.state,
            Payment.excess,
            Payment.method,
            Payment.customer_id,
            Payment.amount,
        )
        .where(Payment.id == payment_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound
    if not reason.strip():
        raise DomainError(
            _("Say why the payment is taken back; the reason stays in the history."),
            code="reason_missing",
            field="reason",
        )
    try:
        state = lifecycle.step(lifecycle.PAYMENT, row.state, "reverse")
    except lifecycle.WrongStateError:
        raise Conflict(_("This payment was taken back already."), code="already_reversed") from None
    parts = {
        one.invoice_id: one.amount
        for one in session.execute(
            select(Allocation.invoice_id, Allocation.amount).where(
                Allocation.payment_id == payment_id
            )
        )
    }
    invoices = lock_invoices(session, list(parts))
    if any(one.state == "cancelled" for one in invoices.values()):
        raise Conflict(
            _("One of its invoices is cancelled; its money is the customer's credit now."),
            code="invoice_cancelled",
        )
    if row.excess > ZERO:
        gone = session.execute(
            update(Credit)
            .where(
                Credit.origin == "payment",
                Credit.origin_id == payment_id,
                Credit.remaining == Credit.amount,
            )
            .values(remaining=ZERO)
        )
        if gone.rowcount != 1:  # type: ignore[attr-defined]
            raise Conflict(
                _("The credit of this payment has been used. Take back that use first."),
                code="credit_used",
            )
    if row.method == CREDIT:
        add_credit(session, row.customer_id, "payment", payment_id, row.amount)
    session.execute(update(Payment).where(Payment.id == payment_id).values(state=state))
    for invoice_id, amount in parts.items():
        invoice = invoices[invoice_id]
        values: dict[str, Any] = {"balance": invoice.balance + amount}
        if lifecycle.may(lifecycle.INVOICE, invoice.state, "uncover"):
            values |= {
                "state": lifecycle.step(lifecycle.INVOICE, invoice.state, "uncover"),
                "paid_at": None,
            }
        session.execute(update(Invoice).where(Invoice.id == invoice_id).values(**values))
        changed = InvoiceBalanceChanged(
            invoice_id, invoice.number, invoice.source, invoice.source_key
        )
        emit(session, changed, now=now)
    write_audit(
        session, action="sales.payment_reversed", reason=reason[:300], subject_id=payment_id
    )
