"""A new price for a plan, and telling it to those who have the plan (A-29)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local, to_local_date
from core.contracts.events import PriceAnnounced
from core.contracts.services import CustomerDirectory
from core.db.events import emit
from core.db.tenancy import scope_of
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.mail_hours import MAILS_FROM
from core.services.audit import write_audit
from plugins.billing.domain.calendar import BillingCalendar
from plugins.billing.domain.lifecycle import ACTIVE
from plugins.billing.domain.pricing import PriceNotice, first_issue_reached
from plugins.billing.domain.proration import check_price
from plugins.billing.models import Notice, Plan, PriceNoticeRow, PriceVersionRow, Subscription
from plugins.billing.services.calendars import read_calendar

CHUNK = 500
LOOK_AHEAD = 60  # issue dates


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What announcing a price does: how many are told, and the first and last invoice it reaches."""

    told: int
    first_issue_on: date | None
    last_issue_on: date | None


def change_price(
    session: Session,
    plan_id: UUID,
    *,
    price: Decimal,
    valid_from: date,
    notify: bool,
    now: datetime,
) -> PriceChange:
    """Add a price version; with ``notify`` tell every subscriber of the plan by mail.

    Whoever is not told at least 30 days before an invoice keeps the old price for it; nobody is told
    whose address is not known, and the mail counts from the day it leaves (07:00). Raises
    ``DomainError`` for a date already past or a version that exists.
    """
    plan = session.get(Plan, plan_id)
    if plan is None:
        raise NotFound
    check_price(price)
    today = to_local_date(now)
    if valid_from < today:
        raise DomainError(
            _("A price cannot count from a day that is past; choose today or later."),
            code="billing.price_in_past",
            field="valid_from",
        )
    known = select(PriceVersionRow.id).where(
        PriceVersionRow.plan_id == plan_id, PriceVersionRow.valid_from == valid_from
    )
    if session.scalar(known) is not None:
        raise Conflict(
            _("The plan already has a price from that day on; choose another day."),
            code="billing.price_exists",
            field="valid_from",
        )
    version = PriceVersionRow(plan_id=plan_id, valid_from=valid_from, price=price)
    session.add(version)
    session.flush()
    write_audit(
        session,
        action="billing.price.change",
        subject_id=plan_id,
        details={"price": str(price), "valid_from": valid_from.isoformat()},
    )
    if not notify:
        return PriceChange(0, None, None)
    done = _tell(session, version, told_on=_leaves_on(now))
    emit(session, PriceAnnounced(plan_id, price, valid_from), now=now)
    return done


def count_subscribers(session: Session, plan_id: UUID) -> int:
    """How many renewing subscriptions have the plan."""
    return int(
        session.scalar(
            select(func.count())
            .select_from(Subscription)
            .where(Subscription.plan_id == plan_id, Subscription.state == ACTIVE)
        )
        or 0
    )


def _leaves_on(now: datetime) -> date:
    """The day of the next 07:00 in Guayaquil: when a notice made now is mailed."""
    local = to_local(now)
    return local.date() if local.hour < MAILS_FROM else local.date() + timedelta(days=1)


def _with_address(session: Session, rows: Sequence[Any]) -> list[Any]:
    known = plugins.service(CustomerDirectory).read(session, {row.customer_id for row in rows})
    return [row for row in rows if (who := known.get(row.customer_id)) and who.email]


def _tell(session: Session, version: PriceVersionRow, *, told_on: date) -> PriceChange:
    calendar = read_calendar(session)
    rows = session.execute(
        select(
            Subscription.id,
            Subscription.customer_id,
            Subscription.price,
            Subscription.start_on,
            Subscription.next_period_start,
        ).where(
            Subscription.plan_id == version.plan_id,
            Subscription.state == ACTIVE,
            Subscription.price != version.price,
        )
    ).all()
    tenant = scope_of(session).tenant_id
    firsts: list[date] = []
    count = 0
    for chunk in (_with_address(session, part) for part in _chunks(rows)):
        if not chunk:
            continue
        count += len(chunk)
        told = []
        for row in chunk:
            first = _first_issue(calendar, row, PriceNotice(version.valid_from, told_on))
            firsts += [first] if first else []
            told.append((row, first))
        session.execute(
            insert(PriceNoticeRow),
            [
                {
                    "tenant_id": tenant,
                    "subscription_id": row.id,
                    "price_version_id": version.id,
                    "old_price": row.price,
                    "new_price": version.price,
                    "notified_on": told_on,
                    "first_issue_on": first,
                }
                for row, first in told
            ],
        )
        session.execute(
            insert(Notice).on_conflict_do_nothing(),
            [
                {
                    "tenant_id": tenant,
                    "subscription_id": row.id,
                    "kind": "price",
                    "on_date": told_on,
                    "details": {
                        "old": str(row.price),
                        "new": str(version.price),
                        "first_issue_on": first and first.isoformat(),
                    },
                }
                for row, first in told
            ],
        )
    return PriceChange(count, min(firsts, default=None), max(firsts, default=None))


def _first_issue(calendar: BillingCalendar, row: Any, notice: PriceNotice) -> date | None:
    coming = (
        (span.issue_on, span.first)
        for span in calendar.spans(row.start_on)
        if span.first >= row.next_period_start
    )
    return first_issue_reached(islice(coming, LOOK_AHEAD), notice)


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (rows[at : at + CHUNK] for at in range(0, len(rows), CHUNK))
