"""Who a run leaves out: suspended, and nobody has reported a payment (R15)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, or_, select
from sqlalchemy.orm import Session

from core.db.arrays import among
from plugins.billing.domain.lifecycle import ACTIVE, ENDED
from plugins.billing.domain.policy import BillingPolicy
from plugins.billing.models import Charge, Subscription
from plugins.billing.services.calendars import read_calendar, read_policy


def is_reported(on: date) -> ColumnElement[bool]:
    """For a query over charges: reports that wait cover what is open of it on the day (``Charge``)."""
    until = Charge.reported_through
    return Charge.reported_at.is_not(None) & or_(until.is_(None), until >= on)


def is_late(on: date) -> ColumnElement[bool]:
    """For a query over subscriptions: a charge of it is overdue on the day, unpaid and unreported."""
    return exists().where(
        Charge.tenant_id == Subscription.tenant_id,
        Charge.subscription_id == Subscription.id,
        Charge.state == "open",
        Charge.due_on < on,
        ~is_reported(on),
    )


def blocked(
    session: Session, late: Collection[UUID], *, on: date, policy: BillingPolicy
) -> set[UUID]:
    """Those of the late subscriptions that are suspended: the day is not paid, nor told as paid (R8, A-16)."""
    if not late or not policy.honours_paid_days:
        return set(late)
    is_told = is_reported(on) if policy.report_lifts else false()
    paid = session.scalars(
        select(Charge.subscription_id).where(
            among(Charge.subscription_id, late),
            Charge.state != "cancelled",
            Charge.kind != "change",
            Charge.period_start <= on,
            Charge.period_end >= on,
            or_(Charge.state.in_(("paid", "free")), Charge.due_on.is_(None), is_told),
        )
    )
    return set(late) - set(paid)


def left_out(session: Session, *, on: date) -> list[UUID]:
    """The subscriptions that the run of ``on`` issues nothing to; none where the company keeps issuing."""
    policy = read_policy(session)
    if policy.keeps_issuing:
        return []
    late = session.scalars(
        select(Subscription.id).where(
            Subscription.state == ACTIVE, Subscription.next_issue_on <= on, is_late(on)
        )
    ).all()
    known = [*late, *_ended_since(session, on=on)]
    return sorted(blocked(session, known, on=on, policy=policy))


def _ended_since(session: Session, *, on: date) -> list[UUID]:
    """Of a run that is caught up late: who owed and would have been invoiced by it, and whom the sweep of
    a day in between has ended (R15). Who cancelled is left out by no run.
    """
    calendar = read_calendar(session)
    rows = session.execute(
        select(Subscription.id, Subscription.start_on, Subscription.ends_on).where(
            Subscription.state == ENDED,
            Subscription.renews,
            Subscription.cancelled_on.is_(None),
            Subscription.ends_on >= on,
            is_late(on),
        )
    )
    return [
        row.id
        for row in rows
        if calendar.span_at(row.start_on, row.ends_on + timedelta(days=1)).issue_on <= on
    ]
