"""The daily sweep: what turned today is recorded once, in whole sets, whatever the number of subscriptions.

The block itself needs no sweep: ``domain/standing.py`` gives it from dates. The sweep records
suspensions and ends, and prepares the reminders that leave from 07:00.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, and_, func, or_, select, text, update
from sqlalchemy.orm import Session

from core.contracts.events import SubscriptionEnded
from core.db.events import emit
from core.db.tenancy import scope_of
from plugins.billing.domain import lifecycle
from plugins.billing.models import Subscription
from plugins.billing.services.left_out import is_late

REMINDERS = {
    "due_in_5": 5,
    "due_in_1": 1,
    "due_today": 0,
    "overdue_1": -1,
}  # days until the due date

# No report that waits covers the charge on the day (``left_out.is_reported``, in plain SQL).
_UNTOLD = "(reported_at IS NULL OR coalesce(reported_through < :on, false))"
# One notice for each invoice: the charge of the smallest subscription on it speaks for all.
_REMIND = text(
    "INSERT INTO billing_notice (id, tenant_id, created_at, subscription_id, invoice_id, kind, on_date, details)"  # noqa: S608  (constants)
    " SELECT gen_random_uuid(), :tenant, :now, c.subscription_id, c.invoice_id, :kind, :on,"
    " jsonb_build_object('due_on', c.due_on)"
    " FROM (SELECT DISTINCT ON (invoice_id) subscription_id, invoice_id, due_on FROM billing_charge"
    "  WHERE tenant_id = :tenant AND state = 'open' AND due_on = :due"
    f"  AND {_UNTOLD}"
    "  ORDER BY invoice_id, subscription_id) c ON CONFLICT DO NOTHING"
)
# Who is suspended, by its oldest unpaid charge; ``since``: the day behind it and behind what is paid (R8).
_SUSPENDED = (
    " FROM (SELECT DISTINCT ON (c.subscription_id) c.subscription_id, c.invoice_id,"  # noqa: S608  (constants)
    " GREATEST(c.due_on, p.until) + 1 AS since FROM billing_charge c"
    " JOIN billing_subscription s ON s.tenant_id = c.tenant_id AND s.id = c.subscription_id"
    " CROSS JOIN LATERAL (SELECT max(period_end) FILTER (WHERE period_end < :on) AS until,"
    "  coalesce(bool_or(period_end >= :on), false) AS is_paid FROM billing_charge"
    "  WHERE :honours_paid AND tenant_id = c.tenant_id AND subscription_id = c.subscription_id"
    "  AND period_start <= :on AND kind <> 'change' AND state <> 'cancelled'"
    "  AND (state IN ('paid', 'free') OR due_on IS NULL OR "
    f"  (:report_lifts AND NOT {_UNTOLD}))) p"
    " WHERE c.tenant_id = :tenant AND c.state = 'open' AND c.due_on < :on"
    f" AND ({_UNTOLD} OR NOT :report_lifts) AND NOT p.is_paid"
    " AND GREATEST(c.due_on, p.until) < s.invoiced_through"
    " ORDER BY c.subscription_id, c.due_on, c.id) c"
)
_SUSPEND = text(
    "INSERT INTO billing_notice (id, tenant_id, created_at, subscription_id, invoice_id, kind, on_date, details)"
    " SELECT gen_random_uuid(), :tenant, :now, c.subscription_id, c.invoice_id, 'suspended', c.since, '{}'"
    + _SUSPENDED
    + " ON CONFLICT DO NOTHING"
)
_KNOWN = (
    " AND NOT EXISTS (SELECT FROM billing_notice n WHERE n.tenant_id = :tenant"
    " AND n.subscription_id = c.subscription_id AND n.invoice_id IS NOT DISTINCT FROM c.invoice_id"
)
_COUNT_REMINDERS = text(
    "SELECT count(*) FROM (SELECT DISTINCT ON (invoice_id) subscription_id, invoice_id"  # noqa: S608  (constants)
    " FROM billing_charge WHERE tenant_id = :tenant AND state = 'open' AND due_on = :due"
    f" AND {_UNTOLD} ORDER BY invoice_id, subscription_id) c"
    " WHERE true" + _KNOWN + " AND n.kind = :kind AND n.on_date = :on)"
)
_COUNT_SUSPENDED = text(
    "SELECT count(*)"
    + _SUSPENDED
    + " WHERE true"
    + _KNOWN
    + " AND n.kind = 'suspended' AND n.on_date = c.since)"
)
_END = text(
    "UPDATE billing_subscription s SET state = 'ended', ends_on = s.invoiced_through,"  # noqa: S608  (constants)
    " next_issue_on = NULL, next_period_start = NULL, next_plan_id = NULL, next_price = NULL"
    " WHERE s.tenant_id = :tenant AND s.invoiced_through < :on AND (s.state = 'ending' OR"
    " (s.state = 'active' AND EXISTS (SELECT FROM billing_charge c WHERE c.tenant_id = s.tenant_id"
    "  AND c.subscription_id = s.id AND c.state = 'open' AND c.due_on < :on"
    f"  AND {_UNTOLD}))) RETURNING s.id, s.customer_id, s.ends_on"
)
_TELL_END = text(
    "INSERT INTO billing_notice (id, tenant_id, created_at, subscription_id, kind, on_date, details)"
    " SELECT gen_random_uuid(), :tenant, :now, u.id, 'ended', u.day, '{}'"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) AS u(id, day) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Swept:
    """What turned: reminders prepared, suspensions and ends recorded."""

    on: date
    reminders: int
    suspended: int
    ended: int


def sweep(
    session: Session,
    *,
    on: date,
    now: datetime,
    keep_issuing: bool = False,
    report_lifts: bool = True,
    honours_paid: bool = True,
    reminds: bool = True,
) -> Swept:
    """Record what the day ``on`` brings. A second sweep of the same day records nothing more.

    ``keep_issuing`` (R15's other reading): an unpaid subscription that renews is not ended.
    ``report_lifts`` False (A-15's): what is only reported is suspended too.
    ``honours_paid`` False (A-16's): paid days are suspended too.
    ``reminds`` False: a missed day, too late for its reminders.
    """
    tenant = scope_of(session).tenant_id
    common: dict[str, Any] = {"tenant": tenant, "now": now, "on": on}
    choices = {"report_lifts": report_lifts, "honours_paid": honours_paid}
    reminders = 0
    for kind, days in REMINDERS.items() if reminds else ():
        due = on + timedelta(days=days)
        reminders += _count(session, _REMIND, common | {"kind": kind, "due": due})
    suspended = _count(session, _SUSPEND, common | choices)
    ended = _end(session, on=on, now=now, keep_issuing=keep_issuing)
    return Swept(on, reminders, suspended, ended)


def preview_sweep(
    session: Session,
    *,
    on: date,
    keep_issuing: bool = False,
    report_lifts: bool = True,
    honours_paid: bool = True,
    reminds: bool = True,
) -> Swept:
    """How many of each kind ``sweep`` would record now: what is recorded already is left out.

    Ends as in ``sweep``: what was cancelled and has run out, and R15's unpaid ones behind their last
    invoiced day (not with ``keep_issuing``).
    """
    common = {"tenant": scope_of(session).tenant_id}
    reminders = sum(
        session.execute(
            _COUNT_REMINDERS, common | {"kind": kind, "on": on, "due": on + timedelta(days=days)}
        ).scalar_one()
        for kind, days in (REMINDERS.items() if reminds else ())
    )
    choices = {"on": on, "report_lifts": report_lifts, "honours_paid": honours_paid}
    suspended = session.execute(_COUNT_SUSPENDED, common | choices).scalar_one()
    is_over = Subscription.state == lifecycle.ENDING
    if not keep_issuing:
        is_over = or_(is_over, and_(Subscription.state == lifecycle.ACTIVE, is_late(on)))
    ending = select(func.count()).where(Subscription.invoiced_through < on, is_over)
    return Swept(on, reminders, suspended, session.scalar(ending) or 0)


def _end(session: Session, *, on: date, now: datetime, keep_issuing: bool) -> int:
    if keep_issuing:
        ended = session.execute(
            update(Subscription)
            .where(Subscription.state == lifecycle.ENDING, Subscription.invoiced_through < on)
            .values(state=lifecycle.ENDED, ends_on=Subscription.invoiced_through)
            .returning(Subscription.id, Subscription.customer_id, Subscription.ends_on),
            execution_options={"synchronize_session": False},
        ).all()
    else:
        ended = session.execute(_END, {"tenant": scope_of(session).tenant_id, "on": on}).all()
    tell_ended(session, ended, now=now)
    return len(ended)


def tell_ended(session: Session, ended: Sequence[Any], *, now: datetime) -> None:
    """Notice and event of subscriptions that have ended: rows with id, customer_id and ends_on."""
    if not ended:
        return
    session.execute(
        _TELL_END,
        {
            "tenant": scope_of(session).tenant_id,
            "now": now,
            "ids": [row.id for row in ended],
            "days": [row.ends_on + timedelta(days=1) for row in ended],
        },
    )
    for row in ended:
        emit(session, _ended(row.id, row.customer_id, row.ends_on), now=now)


def _ended(subscription_id: UUID, customer_id: UUID, ends_on: date) -> SubscriptionEnded:
    return SubscriptionEnded(
        subscription_id=subscription_id,
        customer_id=customer_id,
        ended_on=ends_on + timedelta(days=1),
    )


def _count(session: Session, statement: Any, values: dict[str, Any]) -> int:
    done = session.execute(statement, values)
    assert isinstance(done, CursorResult)
    return done.rowcount
