"""Cancellation (R10, A-11 to A-14): no further invoice; the service runs to the end of what is invoiced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import jobs, plugins
from core.adapters.clock import to_local_date
from core.contracts.events import SubscriptionCancelled, SubscriptionKept
from core.contracts.sales import InvoiceSnapshot
from core.contracts.services import InvoiceCrediting, InvoiceIssuing
from core.db.events import emit
from core.db.tenancy import scope_of
from core.errors import Conflict, NotFound
from core.i18n import _
from core.services.audit import write_audit
from plugins.billing.domain import lifecycle
from plugins.billing.models import Charge, Notice, Subscription
from plugins.billing.services.calendars import read_calendar
from plugins.billing.services.subscribe import next_after

MAIL_NOTICES = "billing.mail_notices"  # the job that sends notices
CANCELLED = "cancelled"
REASON = "Servicio cancelado antes de que empiece el período facturado"  # printed on the note


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The answer to the client: when the service ends, and what stays due.

    ``not_begun``: open invoices whose period has not begun; a credit note may undo them (A-11).
    """

    ends_on: date
    open_invoices: tuple[InvoiceSnapshot, ...] = ()
    not_begun: tuple[UUID, ...] = ()


def preview_cancellation(session: Session, subscription_id: UUID, *, now: datetime) -> Cancellation:
    """What ``cancel`` would answer."""
    row = _row(session, subscription_id, lock=False)
    today = to_local_date(now)
    charges = session.execute(
        select(Charge.invoice_id, Charge.period_start)
        .where(Charge.subscription_id == row.id, Charge.state == "open")
        .order_by(Charge.period_start)
    ).all()
    ids = [one.invoice_id for one in charges if one.invoice_id]
    snapshots = plugins.service(InvoiceIssuing).snapshots(session, ids) if ids else {}
    owed = [snapshots[one] for one in dict.fromkeys(ids) if one in snapshots]
    begun = {one.invoice_id for one in charges if one.period_start <= today}
    return Cancellation(
        ends_on=live_through(session, row),
        open_invoices=tuple(owed),
        not_begun=tuple(
            one.id
            for one in owed
            if one.id not in begun and one.state == "issued" and _is_alone(session, row.id, one.id)
        ),
    )


def live_through(session: Session, row: Subscription) -> date:
    """The last invoiced day, of invoices that were not undone; before the first day where none stands."""
    last = session.scalar(
        select(func.max(Charge.period_end)).where(
            Charge.subscription_id == row.id, Charge.state != "cancelled", Charge.kind != "change"
        )
    )
    return last or row.start_on - timedelta(days=1)


def _is_alone(session: Session, subscription_id: UUID, invoice_id: UUID) -> bool:
    """Does the invoice charge nothing but this subscription and its add-ons?"""
    others = session.scalars(
        select(Charge.subscription_id).where(
            Charge.invoice_id == invoice_id, Charge.subscription_id != subscription_id
        )
    ).all()
    if not others:
        return True
    parents = session.scalars(select(Subscription.parent_id).where(Subscription.id.in_(others)))
    return set(parents) == {subscription_id}


def credit_not_begun(session: Session, subscription_id: UUID, *, now: datetime) -> list[str]:
    """A-11 in one click: credit notes over the unpaid invoices of a cancelled subscription whose
    period has not begun; their numbers. A repeat makes no second note.

    Raises ``Conflict`` when it is not cancelled or nothing is left to undo.
    """
    row = _row(session, subscription_id)
    if row.cancelled_on is None:
        raise Conflict(
            _(
                "Cancel the subscription first: a credit note undoes an invoice of what was cancelled."
            ),
            code="billing.not_cancelled",
        )
    undo = preview_cancellation(session, subscription_id, now=now).not_begun
    if not undo:
        raise Conflict(
            _("There is no unpaid invoice of a period that has not begun."),
            code="billing.nothing_to_credit",
        )
    notes = [
        plugins.service(InvoiceCrediting).credit_in_full(
            session, one, reason=REASON, source_key=f"billing.cancel:{one}", now=now
        )
        for one in undo
    ]
    write_audit(session, action="billing.subscription.credit", subject_id=row.id)
    return notes


def cancel(session: Session, subscription_id: UUID, *, now: datetime) -> Cancellation:
    """Stop the renewal of a subscription and of its add-ons; the end date is mailed at once (A-14).

    Raises ``Conflict`` when it is not active, ``NotFound`` when there is none.
    """
    row = _row(session, subscription_id)
    answer = preview_cancellation(session, subscription_id, now=now)
    today = to_local_date(now)
    addons = select(Subscription).where(
        Subscription.parent_id == row.id, Subscription.state == lifecycle.ACTIVE
    )
    for one in (row, *session.scalars(addons)):
        one.invoiced_through = live_through(session, one)
        one.state = lifecycle.after(one.state, "cancel")
        one.cancelled_on, one.ends_on = today, one.invoiced_through
        one.next_period_start = one.next_issue_on = None
        one.next_plan_id = one.next_price = None
        emit(
            session,
            SubscriptionCancelled(
                subscription_id=one.id,
                customer_id=one.customer_id,
                cancelled_on=today,
                ends_on=one.invoiced_through,
            ),
            now=now,
        )
    session.flush()
    if row.tells_turns:  # else whoever sells it answers
        _tell(session, row, today)
    write_audit(session, action="billing.subscription.cancel", subject_id=row.id)
    return answer


def _tell(session: Session, row: Subscription, today: date) -> None:
    """Have the end date mailed as soon as this is committed."""
    tenant = scope_of(session).tenant_id
    told = session.scalar(
        insert(Notice)
        .values(
            tenant_id=tenant,
            subscription_id=row.id,
            kind=CANCELLED,
            on_date=today,
            details={"ends_on": row.invoiced_through.isoformat()},
        )
        .on_conflict_do_nothing()
        .returning(Notice.id)
    )
    if told is not None:
        jobs.defer(session, MAIL_NOTICES, {"tenant": str(tenant), "notices": [str(told)]})


def keep(session: Session, subscription_id: UUID, *, now: datetime) -> None:
    """Take a cancellation back while the service still runs, with the add-ons that it ended too.

    Raises ``Conflict`` when it has ended, was contracted for one period only, or is an add-on of
    what ends.
    """
    row = _row(session, subscription_id)
    if row.cancelled_on is None:
        raise Conflict(
            _("There is no cancellation to take back: it was contracted for one period only."),
            code="billing.transition",
        )
    base = session.get(Subscription, row.parent_id) if row.parent_id else None
    if base is not None and base.state != lifecycle.ACTIVE:
        raise Conflict(
            _("The plan that this adds to is ending too: take that cancellation back first."),
            code="billing.base_ended",
        )
    calendar = read_calendar(session)
    for one in (row, *_ended_with(session, row)):
        state = lifecycle.after(one.state, "keep")
        begin, issue_on = next_after(calendar, one.start_on, one.invoiced_through)
        one.state, one.renews = state, True
        one.cancelled_on = one.ends_on = None
        one.next_period_start, one.next_issue_on = begin, issue_on
        emit(session, SubscriptionKept(one.id, one.customer_id), now=now)
    session.execute(  # cancelled again on the same day, it is answered again
        delete(Notice).where(Notice.subscription_id == row.id, Notice.kind == CANCELLED)
    )
    write_audit(session, action="billing.subscription.keep", subject_id=row.id)


def _ended_with(session: Session, row: Subscription) -> Sequence[Subscription]:
    """The add-ons that the cancellation of their base ended; who cancelled one by itself was answered."""
    own = exists().where(Notice.subscription_id == Subscription.id, Notice.kind == CANCELLED)
    return session.scalars(
        select(Subscription).where(
            Subscription.parent_id == row.id,
            Subscription.state == lifecycle.ENDING,
            Subscription.cancelled_on == row.cancelled_on,
            ~own,
        )
    ).all()


def _row(session: Session, subscription_id: UUID, *, lock: bool = True) -> Subscription:
    query = select(Subscription).where(Subscription.id == subscription_id)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound
    return row
