"""What a run finds to invoice: the same reading for the run, its rehearsal and the command's dry run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, literal, select, tuple_
from sqlalchemy.orm import Session

from core.db.arrays import among
from plugins.billing.domain.calendar import BillingCalendar, Span
from plugins.billing.domain.invoicing import PlannedCharge, charge_for
from plugins.billing.domain.lifecycle import ACTIVE
from plugins.billing.domain.pricing import PriceNotice, PriceVersion, price_for
from plugins.billing.models import PriceNoticeRow, PriceVersionRow, Subscription
from plugins.billing.services.charging import PlanFacts, ToCharge, read_plans
from plugins.billing.services.left_out import is_blocked

BATCH = 2000
SHORTEST_MONTH = 28
ONE_DAY = timedelta(days=1)
Dates = tuple[date | None, date | None]  # due, suspend
Told = tuple[list[PriceVersion], list[PriceNotice]]
NOT_TOLD: Told = ([], [])
_COLUMNS = (
    Subscription.id,
    Subscription.customer_id,
    Subscription.plan_id,
    Subscription.quantity,
    Subscription.price,
    Subscription.basis,
    Subscription.start_on,
    Subscription.next_period_start,
    Subscription.next_issue_on,
    Subscription.next_plan_id,
    Subscription.next_price,
)


class Cursor(NamedTuple):
    """Where the reading stands: after this payer and subscription."""

    customer_id: UUID
    subscription_id: UUID


class Advance(NamedTuple):
    """Where a subscription stands once its charges are written."""

    subscription_id: UUID
    invoiced_through: date
    next_period_start: date
    next_issue_on: date
    plan_id: UUID
    price: Decimal


@dataclass(slots=True)
class Batch:
    """What is due of some subscriptions; ``seen`` counts them, ``blocked`` are R15's."""

    charges: list[ToCharge] = field(default_factory=list)
    advances: list[Advance] = field(default_factory=list)
    blocked: list[UUID] = field(default_factory=list)
    ids: list[UUID] = field(default_factory=list)
    payers: list[UUID] = field(default_factory=list)  # of ids, one by one
    held: list[UUID] = field(
        default_factory=list
    )  # left to another run, which may yet come to nothing
    last: Cursor | None = None

    def halves(self) -> tuple[list[UUID], list[UUID]]:
        """Its subscriptions in two parts, between two payers where there are two."""
        middle = len(self.ids) // 2
        for at in (*range(middle, len(self.ids)), *range(middle, 0, -1)):
            if 0 < at < len(self.ids) and self.payers[at] != self.payers[at - 1]:
                return self.ids[:at], self.ids[at:]
        return self.ids[:middle], self.ids[middle:]

    @property
    def seen(self) -> int:
        """How many subscriptions were read."""
        return len(self.ids)


def count_due(session: Session, on: date) -> tuple[int, date | None]:
    """Subscriptions with something to issue on or before ``on``, and the oldest issue date of them."""
    row = session.execute(
        select(func.count(), func.min(Subscription.next_issue_on)).where(
            Subscription.state == ACTIVE, Subscription.next_issue_on <= on
        )
    ).one()
    return row[0], row[1]


def batch_size(on: date, oldest: date | None) -> int:
    """How many subscriptions make a batch: fewer where several runs were missed."""
    missed = 0 if oldest is None else (on - oldest).days // SHORTEST_MONTH
    return max(1, BATCH // (1 + missed))


def read_due(
    session: Session,
    calendar: BillingCalendar,
    *,
    on: date,
    issued_on: date,
    after: Cursor | None = None,
    only: Collection[UUID] | None = None,
    lock: bool = False,
    wait: bool = False,
    limit: int = BATCH,
) -> Batch:
    """The next subscriptions due by ``on``, at most ``limit`` of them, payers kept whole.

    ``issued_on`` is the real emission date (R13). With ``lock`` the rows are taken, no others; those
    that another run holds are left to it, or with ``wait`` waited for. ``only``: these subscriptions and
    no others.
    """
    last = None
    if only is None:
        only, last = _next_ids(session, on, after, limit)
    rows = _read(session, on, only, lock=lock, wait=wait)
    batch = _work_out(session, calendar, rows, on=on, issued_on=issued_on)
    if len(rows) < len(only):
        read = set(batch.ids)
        batch.held = [one for one in only if one not in read]
    batch.last = last
    return batch


def _next_ids(
    session: Session, on: date, after: Cursor | None, limit: int
) -> tuple[list[UUID], Cursor | None]:
    query = (
        select(Subscription.customer_id, Subscription.id)
        .where(Subscription.state == ACTIVE, Subscription.next_issue_on <= on)
        .order_by(Subscription.customer_id, Subscription.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(
            tuple_(Subscription.customer_id, Subscription.id)
            > tuple_(literal(after.customer_id), literal(after.subscription_id))
        )
    rows: Sequence[Any] = session.execute(query).all()
    if len(rows) == limit and rows[0].customer_id != rows[-1].customer_id:
        # the last payer's other subscriptions may be in the next batch: one invoice a payer
        cut = rows[-1].customer_id
        rows = [one for one in rows if one.customer_id != cut]
    return [one.id for one in rows], Cursor(*rows[-1]) if rows else None


def _read(
    session: Session, on: date, only: Collection[UUID], *, lock: bool, wait: bool
) -> Sequence[Any]:
    if not only:
        return []
    told = exists().where(
        PriceNoticeRow.tenant_id == Subscription.tenant_id,
        PriceNoticeRow.subscription_id == Subscription.id,
        PriceNoticeRow.is_applied.is_(False),
    )
    query = (
        select(*_COLUMNS, is_blocked(on).label("is_blocked"), told.label("is_told"))
        .where(
            among(Subscription.id, only),
            Subscription.state == ACTIVE,
            Subscription.next_issue_on <= on,
        )
        .order_by(Subscription.customer_id, Subscription.id)
    )
    if lock:
        query = query.with_for_update(skip_locked=not wait, of=Subscription)
    return session.execute(query).all()


def _work_out(
    session: Session,
    calendar: BillingCalendar,
    rows: Sequence[Any],
    *,
    on: date,
    issued_on: date,
) -> Batch:
    batch = Batch()
    if not rows:
        return batch
    plan_ids = {row.plan_id for row in rows} | {row.next_plan_id for row in rows} - {None}
    plans = read_plans(session, plan_ids)
    versions, notices = _told_prices(session, [row.id for row in rows if row.is_told])
    keep = calendar.policy.keeps_issuing
    periods = _Periods(calendar, issued_on)
    for row in rows:
        batch.ids.append(row.id)
        batch.payers.append(row.customer_id)
        if row.is_blocked and not keep:  # R15
            batch.blocked.append(row.id)
            continue
        told = (versions[row.id], notices[row.id]) if row.is_told else NOT_TOLD
        _charge_until(batch, periods, row, plans, told, on=on)
    return batch


class _Periods:
    """What a period costs and when it is due. Many subscriptions share plan and period: worked out once."""

    def __init__(self, calendar: BillingCalendar, issued_on: date) -> None:
        self.span_at = calendar.span_at
        self._calendar = calendar
        self._issued_on = issued_on
        self._known: dict[tuple[Decimal, str, int], tuple[PlannedCharge, Dates]] = {}

    def charge(self, price: Decimal, basis: str, span: Span) -> tuple[PlannedCharge, Dates]:
        """The charge, and its due and suspension dates when issued now (R13)."""
        key = (price, basis, id(span))  # the calendar shares its spans and keeps them
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = (charge_for(price, span, basis), self._dates(span))
        return found

    def _dates(self, span: Span) -> Dates:
        due_on = self._calendar.due_when_issued(span, self._issued_on)
        if due_on is None or due_on == span.due_on:
            return due_on, span.suspend_on
        return due_on, self._calendar.suspend_on(due_on, span.first - ONE_DAY)


def _charge_until(
    batch: Batch,
    periods: _Periods,
    row: Any,
    plans: dict[UUID, PlanFacts],
    told: Told,
    *,
    on: date,
) -> None:
    """Every period of one subscription whose issue date has come: usually one.

    Two on its first 25th after a contract of the last days of a month, more when runs were missed.
    """
    plan_id = row.next_plan_id or row.plan_id
    price = row.next_price if row.next_plan_id else row.price
    start_on, at, issue_on = row.start_on, row.next_period_start, row.next_issue_on
    span = periods.span_at(start_on, at)
    while issue_on <= on:
        if told[1]:
            price = price_for(price, *told, period_start=at, issue_on=issue_on)
        charge, dates = periods.charge(price * row.quantity, row.basis, span)
        batch.charges.append(
            ToCharge(row.id, row.customer_id, row.quantity, plans[plan_id], charge, *dates)
        )
        at = span.last + ONE_DAY
        span = periods.span_at(start_on, at)
        issue_on = span.issue_on
    batch.advances.append(Advance(row.id, at - ONE_DAY, at, issue_on, plan_id, price))


def _told_prices(
    session: Session, ids: Sequence[UUID]
) -> tuple[dict[UUID, list[PriceVersion]], dict[UUID, list[PriceNotice]]]:
    """The price versions that these subscriptions were told of, with the day they were."""
    versions: dict[UUID, list[PriceVersion]] = defaultdict(list)
    notices: dict[UUID, list[PriceNotice]] = defaultdict(list)
    if not ids:
        return versions, notices
    rows = session.execute(
        select(
            PriceNoticeRow.subscription_id,
            PriceNoticeRow.notified_on,
            PriceVersionRow.valid_from,
            PriceVersionRow.price,
        )
        .join(PriceVersionRow, PriceVersionRow.id == PriceNoticeRow.price_version_id)
        .where(among(PriceNoticeRow.subscription_id, ids), PriceNoticeRow.is_applied.is_(False))
    )
    for row in rows:
        versions[row.subscription_id].append(PriceVersion(row.valid_from, row.price))
        notices[row.subscription_id].append(PriceNotice(row.valid_from, row.notified_on))
    return versions, notices
