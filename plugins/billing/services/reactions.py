"""Events of others to use cases of billing."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts import events
from core.contracts.hooks import EventContext
from core.contracts.services import InvoiceIssuing
from core.db.locks import wait_for
from core.services import settings
from plugins.billing.domain import lifecycle
from plugins.billing.models import Charge, Subscription
from plugins.billing.services import reports, sweep
from plugins.billing.services.calendars import read_policy
from plugins.billing.services.cancel import live_through
from plugins.billing.settings import TOLERANCE

LISTENS_TO = (
    events.InvoicePaid,
    events.InvoiceCancelled,
    events.InvoiceBalanceChanged,
    events.PaymentReceived,
    events.PaymentReported,
    events.PaymentConfirmed,
    events.PaymentRejected,
)


def react_to(event: events.Event, context: EventContext) -> None:
    """Bring the charges up to date with what happened to their invoices."""
    session = context.session
    if isinstance(event, events.InvoicePaid):
        mark_paid(session, event.invoice_id, paid_at=event.paid_at)
    elif isinstance(event, events.InvoiceCancelled):
        mark_cancelled(session, event.invoice_id, now=context.now)
    elif isinstance(event, events.InvoiceBalanceChanged):
        mark_owed(session, event.invoice_id, changed_at=context.now)
    elif isinstance(event, events.PaymentReceived):
        mark_covered(session, event.customer_id, paid_at=context.now)
    elif isinstance(event, events.PaymentReported):
        reports.hear_report(session, event)
    elif isinstance(event, events.PaymentConfirmed | events.PaymentRejected):
        reports.hear_answer(session, event)


def mark_paid(session: Session, invoice_id: UUID, *, paid_at: datetime) -> None:
    """The invoice is covered: its charges are paid."""
    is_owed = and_(Charge.invoice_id == invoice_id, Charge.state == "open")
    if _take(session, is_owed):
        session.execute(update(Charge).where(is_owed).values(state="paid", paid_at=paid_at))


def mark_covered(session: Session, customer_id: UUID, *, paid_at: datetime) -> None:
    """A-19: what was paid in part and misses no more than the tolerance blocks nobody: its charges are
    paid, while the rest stays on the invoice. Of the others, reports may now cover more or less.
    """
    theirs = select(Subscription.id).where(Subscription.customer_id == customer_id)
    if not _take(session, and_(Charge.subscription_id.in_(theirs), Charge.state == "open")):
        return
    tolerance = Decimal(settings.read(session, TOLERANCE))
    rest = []
    for invoice in plugins.service(InvoiceIssuing).open_for(session, customer_id):
        if invoice.balance <= tolerance and invoice.balance < invoice.total:
            mark_paid(session, invoice.id, paid_at=paid_at)
        else:
            rest.append(invoice.id)
    reports.refresh(session, rest)


def mark_owed(session: Session, invoice_id: UUID, *, changed_at: datetime) -> None:
    """A payment was taken back, or a note changed what is owed: more than the tolerance is open again (what
    was paid before it was issued, from its first day on); no more than that is paid (A-19).
    """
    lives = and_(Charge.invoice_id == invoice_id, Charge.state.in_(("open", "paid")))
    if not _take(session, lives):
        return
    tolerance = Decimal(settings.read(session, TOLERANCE))
    invoice = plugins.service(InvoiceIssuing).snapshots(session, [invoice_id])[invoice_id]
    if invoice.state == "issued" and invoice.balance > tolerance:
        due_on = func.coalesce(Charge.due_on, Charge.period_start)
        again = update(Charge).where(Charge.invoice_id == invoice_id, Charge.state == "paid")
        session.execute(again.values(state="open", paid_at=None, due_on=due_on))
    elif invoice.state == "issued":
        mark_paid(session, invoice_id, paid_at=changed_at)
    reports.refresh(session, [invoice_id])


def mark_cancelled(session: Session, invoice_id: UUID, *, now: datetime) -> None:
    """The invoice was annulled or credited: its charges no longer live, and what was cancelled ends sooner.
    So does what renews, where its last invoice was overdue: nobody paid, and no run invoices it again (R15;
    not where the company keeps issuing, nor for a change of plan inside periods that stand).
    """
    lives = and_(Charge.invoice_id == invoice_id, Charge.state != "cancelled")
    if not _take(session, lives):
        return
    today = to_local_date(now)
    keeps_issuing = read_policy(session).keeps_issuing
    charges = (
        select(Charge.subscription_id, Charge.kind, Charge.state, Charge.due_on, Charge.period_end)
        .where(lives)
        .order_by(Charge.kind != "change", Charge.period_end)
    )
    gone = {row.subscription_id: row for row in session.execute(charges)}  # its last period
    session.execute(update(Charge).where(lives).values(state="cancelled"))
    subscriptions = select(Subscription).where(Subscription.id.in_(gone)).with_for_update()
    for row in session.scalars(subscriptions):
        charge = gone[row.id]
        is_given_up = (
            row.state == lifecycle.ACTIVE
            and not keeps_issuing
            and charge.kind != "change"
            and charge.state == "open"
            and (charge.due_on or today) < today
            and charge.period_end == row.invoiced_through
        )
        if row.state != lifecycle.ENDING and not is_given_up:
            continue
        end_sooner(session, row, live_through(session, row), now=now)


def end_sooner(session: Session, row: Subscription, last: date, *, now: datetime) -> None:
    """No further invoice: it runs to ``last``, and where that day is past it has ended."""
    is_over = last < to_local_date(now)
    row.state = lifecycle.after(row.state, "expire") if is_over else lifecycle.ENDING
    row.invoiced_through = row.ends_on = last
    row.next_period_start = row.next_issue_on = None
    row.next_plan_id = row.next_price = None
    session.flush()
    if is_over:
        sweep.tell_ended(session, [row], now=now)


def _take(session: Session, which: ColumnElement[bool]) -> bool:
    """Whether there are such charges; if so, before anything of them is written, wait for who flags them:
    what happens to an invoice and what is reported of it take the same way round.
    """
    if session.scalar(select(Charge.id).where(which).limit(1)) is None:
        return False
    wait_for(session, reports.LOCK)
    return True
