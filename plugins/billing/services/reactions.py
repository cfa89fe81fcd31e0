"""Events of others to use cases of billing."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import plugins
from core.contracts import events
from core.contracts.hooks import EventContext
from core.contracts.services import InvoiceIssuing
from core.services import settings
from plugins.billing.domain import lifecycle
from plugins.billing.models import Charge, Subscription
from plugins.billing.settings import TOLERANCE

LISTENS_TO = (
    events.InvoicePaid,
    events.InvoiceCancelled,
    events.PaymentReceived,
    events.PaymentReported,
    events.PaymentRejected,
)


def react_to(event: events.Event, context: EventContext) -> None:
    """Bring the charges up to date with what happened to their invoices."""
    session = context.session
    if isinstance(event, events.InvoicePaid):
        mark_paid(session, event.invoice_id, paid_at=event.paid_at)
    elif isinstance(event, events.InvoiceCancelled):
        mark_cancelled(session, event.invoice_id)
    elif isinstance(event, events.PaymentReceived):
        mark_covered(session, event.customer_id, paid_at=context.now)
    elif isinstance(event, events.PaymentReported):
        for invoice_id in event.invoice_ids:
            mark_reported(session, invoice_id, event.report_id, reported_at=event.reported_at)
    elif isinstance(event, events.PaymentRejected):
        forget_report(session, event.report_id)


def mark_paid(session: Session, invoice_id: UUID, *, paid_at: datetime) -> None:
    """The invoice is covered: its charges are paid."""
    session.execute(
        update(Charge)
        .where(Charge.invoice_id == invoice_id, Charge.state == "open")
        .values(state="paid", paid_at=paid_at)
    )


def mark_covered(session: Session, customer_id: UUID, *, paid_at: datetime) -> None:
    """A-19: what was paid in part and misses no more than the tolerance blocks nobody: its charges are
    paid, while the rest stays on the invoice.
    """
    owing = select(Charge.id).join(Subscription, Subscription.id == Charge.subscription_id)
    owing = owing.where(Subscription.customer_id == customer_id, Charge.state == "open")
    if session.scalar(owing.limit(1)) is None:
        return
    tolerance = Decimal(settings.read(session, TOLERANCE))
    for invoice in plugins.service(InvoiceIssuing).open_for(session, customer_id):
        if invoice.balance <= tolerance and invoice.balance < invoice.total:
            mark_paid(session, invoice.id, paid_at=paid_at)


def mark_reported(
    session: Session, invoice_id: UUID, report_id: UUID, *, reported_at: datetime
) -> None:
    """R9: somebody says it was paid; a suspension is lifted at once."""
    session.execute(
        update(Charge)
        .where(Charge.invoice_id == invoice_id, Charge.state == "open")
        .values(report_id=report_id, reported_at=reported_at)
    )


def forget_report(session: Session, report_id: UUID) -> None:
    """R9: the report was rejected; what is overdue suspends again."""
    session.execute(
        update(Charge)
        .where(Charge.report_id == report_id, Charge.state == "open")
        .values(report_id=None, reported_at=None)
    )


def mark_cancelled(session: Session, invoice_id: UUID) -> None:
    """The invoice was annulled or credited: its charges no longer live, and what was cancelled ends sooner."""
    gone = list(
        session.scalars(
            update(Charge)
            .where(Charge.invoice_id == invoice_id, Charge.state != "cancelled")
            .values(state="cancelled")
            .returning(Charge.subscription_id)
        )
    )
    for row in session.scalars(select(Subscription).where(Subscription.id.in_(gone))):
        if row.state != lifecycle.ENDING:
            continue
        last = session.scalar(
            select(func.max(Charge.period_end)).where(
                Charge.subscription_id == row.id,
                Charge.state != "cancelled",
                Charge.kind != "change",
            )
        )
        if last is not None:
            row.invoiced_through = row.ends_on = last
