"""What the next months will bring if nobody leaves: worked out by what works out the invoices (``due.Periods``)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import String, and_, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from core.domain.money import ZERO
from core.domain.periods import add_months
from plugins.billing.domain.calendar import BillingCalendar
from plugins.billing.domain.invoicing import PlannedCharge
from plugins.billing.domain.lifecycle import ACTIVE
from plugins.billing.domain.pricing import PriceNotice, PriceVersion
from plugins.billing.models import PriceNoticeRow, PriceVersionRow, Subscription
from plugins.billing.services.calendars import read_calendar
from plugins.billing.services.chart_figures import next_run_day
from plugins.billing.services.due import NOT_TOLD, Agreed, Periods, Told

MONTHS = 3
ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class ExpectedRun:
    """A run to come: how many periods it charges and for how much before IVA."""

    issue_on: date
    charges: int = 0
    amount: Decimal = field(default=ZERO)


def read_forecast(session: Session, *, today: date) -> list[ExpectedRun]:
    """The next three runs of the tenant in scope, today's included; equal contracts are worked out once.

    Announced prices count from the invoice that they reach (A-29), a cheaper plan from the next period.
    """
    first = next_run_day(today)
    runs = {one: ExpectedRun(one) for one in (add_months(first, n) for n in range(MONTHS))}
    days = list(runs)
    periods = Periods(read_calendar(session), on=days[-1], issued_on=days[-1])
    sums: dict[date, list[Decimal]] = defaultdict(list)
    for *terms, told, many in session.execute(_contracts()):
        for charge, _dates in periods.work_out(Agreed(*terms), _read_told(told)).periods:
            day = _run_of(charge.issue_on, days)
            if charge.amount > ZERO:
                runs[day].charges += many
                sums[day].append(charge.amount * many)
    for day, amounts in sums.items():
        runs[day].amount = sum(amounts, ZERO)
    return list(runs.values())


def next_charges(
    calendar: BillingCalendar, agreed: Agreed, told: Told = NOT_TOLD, *, count: int
) -> list[PlannedCharge]:
    """The next ``count`` charges of a subscription as the runs will write them: its "next invoices"."""
    last, at = agreed.next_issue_on, agreed.next_start
    for _n in range(count):
        span = calendar.span_at(agreed.start_on, at)
        last, at = max(last, span.issue_on), span.last + ONE_DAY
    due = Periods(calendar, on=last, issued_on=last).work_out(agreed, told)
    return [charge for charge, _dates in due.periods[:count]]


def _contracts() -> Any:
    """Contracts alike with what they were told of their plan's prices, in the order of ``Agreed``, and how many."""
    plan = func.coalesce(Subscription.next_plan_id, Subscription.plan_id)
    price = func.coalesce(Subscription.next_price, Subscription.price)
    one = func.jsonb_build_array(
        PriceVersionRow.valid_from,
        PriceNoticeRow.notified_on,
        cast(PriceVersionRow.price, String),
    )
    told = (
        select(
            PriceNoticeRow.subscription_id,
            PriceVersionRow.plan_id,
            func.jsonb_agg(aggregate_order_by(one, PriceVersionRow.valid_from)).label("told"),
        )
        .join(PriceVersionRow, PriceVersionRow.id == PriceNoticeRow.price_version_id)
        .where(PriceNoticeRow.is_applied.is_(False))
        .group_by(PriceNoticeRow.subscription_id, PriceVersionRow.plan_id)
        .subquery()
    )
    terms = (
        price,
        Subscription.quantity,
        Subscription.basis,
        Subscription.start_on,
        Subscription.next_period_start,
        Subscription.next_issue_on,
        told.c.told,
    )
    return (
        select(*terms, func.count())
        .select_from(Subscription)
        .outerjoin(told, and_(told.c.subscription_id == Subscription.id, told.c.plan_id == plan))
        .where(Subscription.state == ACTIVE)
        .group_by(*terms)
    )


def _read_told(rows: Any) -> Told:
    if not rows:
        return NOT_TOLD
    versions, notices = [], []
    for valid_from, notified_on, price in rows:
        start = date.fromisoformat(valid_from)
        versions.append(PriceVersion(start, Decimal(price)))
        notices.append(PriceNotice(start, date.fromisoformat(notified_on)))
    return versions, notices


def _run_of(issue_on: date, days: list[date]) -> date:
    """The first run on or after an issue date; what is behind goes with the next one."""
    return next(day for day in days if issue_on <= day)
