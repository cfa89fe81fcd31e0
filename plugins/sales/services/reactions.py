"""What others answer to a payment report: the report in the books here says so too."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts import events
from core.contracts.hooks import EventContext
from plugins.sales.models import Payment, PaymentReport
from plugins.sales.services.report_payments import payment_key

LISTENS_TO = (events.PaymentConfirmed, events.PaymentRejected)


def react_to(event: events.Event, context: EventContext) -> None:
    """A report was answered elsewhere (a distributor's queue); the own answers come back too."""
    if isinstance(event, events.PaymentConfirmed | events.PaymentRejected):
        hear_answer(context.session, event)


def hear_answer(session: Session, event: events.PaymentConfirmed | events.PaymentRejected) -> None:
    """Decide the report that the answer is about; one of somebody else, or decided before, stays."""
    report = session.get(PaymentReport, event.report_id, with_for_update=True)
    if report is None or report.state != "reported":
        return
    if isinstance(event, events.PaymentRejected):
        report.state, report.decided_at = "rejected", event.rejected_at
        report.reason = event.reason[:300]
        return
    report.state, report.decided_at = "confirmed", event.confirmed_at
    report.payment_id = session.scalar(
        select(Payment.id).where(Payment.idempotency_key == payment_key(report.id))
    )
