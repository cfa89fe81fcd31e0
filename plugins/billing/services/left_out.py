"""Who a run leaves out: suspended, and nobody has reported a payment (R15)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from plugins.billing.domain.lifecycle import ACTIVE
from plugins.billing.models import Charge, Subscription
from plugins.billing.services.calendars import read_policy


def is_blocked(on: date) -> ColumnElement[bool]:
    """For a query over subscriptions: an unpaid, unreported charge suspends it on the day."""
    return exists().where(
        Charge.tenant_id == Subscription.tenant_id,
        Charge.subscription_id == Subscription.id,
        Charge.state == "open",
        Charge.suspend_on <= on,
        Charge.reported_at.is_(None),
    )


def left_out(session: Session, *, on: date) -> list[UUID]:
    """The subscriptions that the run of ``on`` issues nothing to; none where the company keeps issuing."""
    if read_policy(session).keeps_issuing:
        return []
    return list(
        session.scalars(
            select(Subscription.id)
            .where(Subscription.state == ACTIVE, Subscription.next_issue_on <= on, is_blocked(on))
            .order_by(Subscription.id)
        )
    )
