"""The receipt of a payment by mail: deferred with the payment, sent by a worker."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import jobs
from core.contracts.ports import Mail
from core.db.tenancy import scope_of
from core.i18n import _
from core.letters import Fact, Part, page, plain
from core.services import companies, settings
from core.web.formats import day, money
from plugins.sales.models import Allocation, Customer, Invoice, Payment

TASK = "sales.mail_receipt"
SILENT = frozenset({"cash", "card", "credit", "withholding"})  # paid face to face, or no money


def defer_receipt(session: Session, payment_id: UUID, method: str) -> None:
    """Have the receipt mailed after the commit, where the tenant wants that."""
    if method in SILENT or not settings.read(session, "sales.mail_receipts"):
        return
    jobs.defer(
        session,
        TASK,
        {"tenant_id": str(scope_of(session).tenant_id), "payment_id": str(payment_id)},
    )


def compose_receipt(session: Session, payment_id: UUID, *, now: datetime) -> Mail | None:
    """The receipt as a mail; None when there is nobody to send it to or it was sent."""
    row = session.execute(
        select(
            Payment.amount,
            Payment.excess,
            Payment.value_on,
            Payment.bank,
            Payment.reference,
            Payment.state,
            Payment.receipt_sent_at,
            Customer.legal_name,
            Customer.email,
        )
        .join(Customer, Customer.id == Payment.customer_id)
        .where(Payment.id == payment_id)
    ).one_or_none()
    if row is None or not row.email or row.receipt_sent_at or row.state != "recorded":
        return None
    sender, answers_to = companies.mail_sender(session)
    paid = session.execute(
        select(Invoice.number, Allocation.amount)
        .join(Allocation, Allocation.invoice_id == Invoice.id)
        .where(Allocation.payment_id == payment_id)
        .order_by(Invoice.number)
    ).all()
    lines: list[Part] = [
        _("Dear %(name)s:", name=row.legal_name),
        _(
            "We received your payment of %(amount)s on %(day)s. Thank you.",
            amount=money(row.amount),
            day=day(row.value_on),
        ),
    ]
    if row.reference:
        lines.append(Fact(_("Reference"), f"{row.bank} {row.reference}".strip()))
    lines += [Fact(_("Invoice %(number)s", number=one.number), money(one.amount)) for one in paid]
    if row.excess:
        lines.append(Fact(_("In your favour for the next invoice"), money(row.excess)))
    lines.append(sender)
    subject = _("Receipt of your payment of %(amount)s", amount=money(row.amount))
    return Mail(
        message_id=f"receipt.{payment_id}@yupana",
        to=row.email,
        subject=subject,
        text=plain(lines),
        html=page(subject, sender, lines),
        sender_name=sender,
        reply_to=answers_to,
        sent_at=now,
    )


def mark_sent(session: Session, payment_id: UUID, *, now: datetime) -> None:
    """Remember that the receipt has left."""
    session.execute(update(Payment).where(Payment.id == payment_id).values(receipt_sent_at=now))
