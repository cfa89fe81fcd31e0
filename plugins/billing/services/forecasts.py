"""What the next months will bring if nobody leaves: from the same function as the invoices."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.domain.money import ZERO
from core.domain.periods import add_months
from plugins.billing.domain.invoicing import forecast
from plugins.billing.domain.lifecycle import ACTIVE
from plugins.billing.models import Subscription
from plugins.billing.services.calendars import read_calendar
from plugins.billing.services.chart_figures import next_run_day

MONTHS = 3
PERIODS = MONTHS + 2  # a bridge and the month behind it may be issued on one day


@dataclass(slots=True)
class ExpectedRun:
    """A run to come: how many periods it charges and for how much before IVA."""

    issue_on: date
    charges: int = 0
    amount: Decimal = field(default=ZERO)


def read_forecast(session: Session, *, today: date) -> list[ExpectedRun]:
    """The next three runs of the tenant in scope, today's included; equal contracts are worked out once."""
    calendar = read_calendar(session)
    price = func.coalesce(Subscription.next_price, Subscription.price) * Subscription.quantity
    groups = session.execute(
        select(
            Subscription.start_on,
            Subscription.invoiced_through,
            Subscription.basis,
            price.label("price"),
            func.count().label("many"),
        )
        .where(Subscription.state == ACTIVE)
        .group_by(Subscription.start_on, Subscription.invoiced_through, Subscription.basis, price)
    )
    first = next_run_day(today)
    runs = {one: ExpectedRun(one) for one in (add_months(first, n) for n in range(MONTHS))}
    sums: dict[date, list[Decimal]] = defaultdict(list)
    for one in groups:
        for charge in forecast(
            one.price,
            one.start_on,
            calendar,
            after=one.invoiced_through,
            count=PERIODS,
            basis=one.basis,
        ):
            day = _run_of(charge.issue_on, list(runs))
            if day is not None and charge.amount > ZERO:
                runs[day].charges += one.many
                sums[day].append(charge.amount * one.many)
    for day, amounts in sums.items():
        runs[day].amount = sum(amounts, ZERO)
    return list(runs.values())


def _run_of(issue_on: date, days: list[date]) -> date | None:
    """The first run on or after an issue date; what is behind goes with the next one."""
    return next((day for day in days if issue_on <= day), None)
