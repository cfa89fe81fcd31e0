"""What a run finds to invoice: the same reading for the run, its rehearsal and the command's dry run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
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
from plugins.billing.services.charging import ToCharge, read_plans
from plugins.billing.services.left_out import blocked, is_late

BATCH = 4000
KEPT = 10_000  # of what subscriptions share, so that memory stays flat
SHORTEST_MONTH = 28
ONE_DAY = timedelta(days=1)
Dates = tuple[date | None, date | None]  # due, suspend
Told = tuple[list[PriceVersion], list[PriceNotice]]
NOT_TOLD: Told = ([], [])
_COLUMNS = (
    Subscription.id,
    Subscription.customer_id,
    Subscription.plan_id,
    Subscription.price,
    Subscription.quantity,  # from here as in Agreed
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
    is_told: bool  # of a price that has not come yet


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
    periods: Periods,
    *,
    after: Cursor | None = None,
    only: Collection[UUID] | None = None,
    lock: bool = False,
    wait: bool = False,
    limit: int = BATCH,
) -> Batch:
    """The next subscriptions due on the day of ``periods``, at most ``limit``, payers kept whole.

    With ``lock`` the rows are taken, no others; those
    that another run holds are left to it, or with ``wait`` waited for. ``only``: these subscriptions and
    no others.
    """
    last = None
    if only is None:
        only, last = next_ids(session, periods.on, after, limit)
    rows = _read(session, periods.on, only, lock=lock, wait=wait)
    batch = _work_out(session, periods, rows)
    if len(rows) < len(only) and not wait:
        read = set(batch.ids)
        batch.held = [one for one in only if one not in read]
    batch.last = last
    return batch


def next_ids(
    session: Session, on: date, after: Cursor | None, limit: int
) -> tuple[list[UUID], Cursor | None]:
    """The next subscriptions due by ``on``, at most ``limit``, payers kept whole; and where they end."""
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
        select(*_COLUMNS, is_late(on).label("is_late"), told.label("is_told"))
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


class Agreed(NamedTuple):
    """What the periods of a subscription depend on; prices are a month's, before IVA (USD)."""

    price: Decimal
    quantity: int
    basis: str
    start_on: date
    next_start: date
    next_issue_on: date


class Due(NamedTuple):
    """The periods of a subscription that have come due, each with its dates, and where it then stands."""

    periods: tuple[tuple[PlannedCharge, Dates], ...]
    next_start: date
    next_issue_on: date
    price: Decimal


class Periods:
    """What has come due on a day, issued on another. Subscriptions alike share it: worked out once."""

    def __init__(self, calendar: BillingCalendar, *, on: date, issued_on: date) -> None:
        self.calendar = calendar
        self.on = on
        self.issued_on = issued_on
        self.charge = lru_cache(KEPT)(self._charge)
        self.due = lru_cache(KEPT)(self.work_out)

    def work_out(self, agreed: Agreed, told: Told = NOT_TOLD) -> Due:
        """Every period whose issue date has come: usually one.

        Two on the first 25th after a contract of the last days of a month, more when runs were missed.
        """
        price, quantity, basis, start_on, at, issue_on = agreed
        found = []
        span = self.calendar.span_at(start_on, at)
        while issue_on <= self.on:
            if told[1]:
                price = price_for(price, *told, period_start=at, issue_on=issue_on)
            found.append(self.charge(price * quantity, basis, span))
            at = span.last + ONE_DAY
            span = self.calendar.span_at(start_on, at)
            issue_on = span.issue_on
        return Due(tuple(found), at, issue_on, price)

    def _charge(self, price: Decimal, basis: str, span: Span) -> tuple[PlannedCharge, Dates]:
        """The charge, and its due and suspension dates when issued now (R13)."""
        dates = self.calendar.dates_when_issued(span, self.issued_on)
        return charge_for(price, span, basis), dates


def _work_out(session: Session, periods: Periods, rows: Sequence[Any]) -> Batch:
    batch = Batch()
    if not rows:
        return batch
    plan_ids = {row.plan_id for row in rows} | {row.next_plan_id for row in rows} - {None}
    plans = read_plans(session, plan_ids)
    told = told_prices(session, [row.id for row in rows if row.is_told])
    policy = periods.calendar.policy
    late = [] if policy.keeps_issuing else [row.id for row in rows if row.is_late]
    left_out = blocked(session, late, on=periods.on, policy=policy)  # R15
    for row in rows:
        key, payer, plan_id, price, quantity, basis, start_on, at, issue_on, *others = row
        new_plan, new_price, _is_late, is_told = others
        batch.ids.append(key)
        batch.payers.append(payer)
        if key in left_out:
            batch.blocked.append(key)
            continue
        if new_plan:
            plan_id, price = new_plan, new_price
        agreed = Agreed(price, quantity, basis, start_on, at, issue_on)
        if is_told:
            due = periods.work_out(agreed, told.get((key, plan_id), NOT_TOLD))
        else:
            due = periods.due(agreed)
        plan = plans[plan_id]
        for charge, (due_on, suspend_on) in due.periods:
            batch.charges.append(ToCharge(key, payer, quantity, plan, charge, due_on, suspend_on))
        at = due.next_start
        batch.advances.append(
            Advance(key, at - ONE_DAY, at, due.next_issue_on, plan_id, due.price, is_told)
        )
    return batch


def told_prices(session: Session, ids: Sequence[UUID]) -> dict[tuple[UUID, UUID], Told]:
    """The price versions that these subscriptions were told of, with the day they were, by subscription
    and plan: what was told of one plan is nothing to whoever has gone to another.
    """
    found: dict[tuple[UUID, UUID], Told] = {}
    if not ids:
        return found
    rows = session.execute(
        select(
            PriceNoticeRow.subscription_id,
            PriceNoticeRow.notified_on,
            PriceVersionRow.plan_id,
            PriceVersionRow.valid_from,
            PriceVersionRow.price,
        )
        .join(PriceVersionRow, PriceVersionRow.id == PriceNoticeRow.price_version_id)
        .where(among(PriceNoticeRow.subscription_id, ids), PriceNoticeRow.is_applied.is_(False))
    )
    for row in rows:
        versions, notices = found.setdefault((row.subscription_id, row.plan_id), ([], []))
        versions.append(PriceVersion(row.valid_from, row.price))
        notices.append(PriceNotice(row.valid_from, row.notified_on))
    return found
