"""The next invoices as others are told them, by what works out the invoices (``due.Periods``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.contracts.licences import UpcomingInvoice
from core.db.arrays import among
from core.domain.periods import add_months
from core.errors import DomainError
from plugins.billing.domain.invoicing import derivation_json, is_free
from plugins.billing.domain.lifecycle import ACTIVE
from plugins.billing.models import Plan, Subscription
from plugins.billing.services.calendars import read_calendar
from plugins.billing.services.charging import PlanFacts, read_plans
from plugins.billing.services.chart_figures import next_run_day
from plugins.billing.services.due import NOT_TOLD, Agreed, Dates, Due, Periods, told_prices
from plugins.billing.services.forecasts import MONTHS
from plugins.billing.services.subscribe import (
    PreviewRow,
    Rates,
    preview_subscription,
    with_tax,
)

ONE_DAY = timedelta(days=1)
SIGNED = MONTHS + 1  # the first period, and three months; or two and a bridge


def upcoming(
    session: Session, subscription_ids: Iterable[UUID], *, today: date
) -> dict[UUID, tuple[UpcomingInvoice, ...]]:
    """What the runs of the next three months will invoice to each subscription, add-ons included.

    Announced prices count from the invoice that they reach (A-29), a cheaper plan from the next period;
    what ended or does not renew is left out. On a day 25 today's run counts besides the three. A plan
    whose IVA code is no longer in force is left out: its run says so.
    """
    wanted = list(subscription_ids)
    rows = _read(session, wanted)
    plans = read_plans(session, {row.plan_id for row in rows})
    told = told_prices(session, [row.id for row in rows])
    last_run = add_months(next_run_day(today + ONE_DAY), MONTHS - 1)
    periods = Periods(read_calendar(session), on=last_run, issued_on=today)
    rates: Rates = {}
    found: dict[UUID, list[UpcomingInvoice]] = defaultdict(list)
    for key, base, plan_id, *terms in rows:
        agreed = Agreed(*terms)
        prices = told.get((key, plan_id), NOT_TOLD)
        due = periods.work_out(agreed, prices) if prices[1] else periods.due(agreed)
        with suppress(DomainError):
            found[base] += _as_told(session, plans[plan_id], due, today, rates)
    return {
        key: tuple(sorted(some, key=lambda one: (one.issue_on, one.first)))
        for key, some in found.items()
    }


def preview(
    session: Session, *, plan_id: UUID, start_on: date, on_credit: bool = False
) -> tuple[UpcomingInvoice, ...]:
    """The invoices of a contract of ``start_on``: the first (with ``on_credit`` due by A-10, otherwise
    paid on signing) and those of the three months after it.
    """
    shown = preview_subscription(
        session, plan_id=plan_id, start_on=start_on, count=SIGNED, on_credit=on_credit
    )
    name = session.get_one(Plan, plan_id).name
    return tuple(
        _invoice(name, row, (row.charge.due_on, row.charge.suspend_on)) for row in shown.rows
    )


def _read(session: Session, wanted: list[UUID]) -> Sequence[Any]:
    """The active ones of these and of their add-ons, which have the same payer (as the index wants it)."""
    payers = session.scalars(select(Subscription.customer_id).where(among(Subscription.id, wanted)))
    base = func.coalesce(Subscription.parent_id, Subscription.id)
    return session.execute(
        select(
            Subscription.id,
            base,
            func.coalesce(Subscription.next_plan_id, Subscription.plan_id).label("plan_id"),
            func.coalesce(Subscription.next_price, Subscription.price),  # from here as in Agreed
            Subscription.quantity,
            Subscription.basis,
            Subscription.start_on,
            Subscription.next_period_start,
            Subscription.next_issue_on,
        )
        .where(
            among(Subscription.customer_id, set(payers)),
            base.in_(wanted),
            Subscription.state == ACTIVE,
        )
        .order_by(Subscription.id)
    ).all()


def _as_told(
    session: Session, plan: PlanFacts, due: Due, today: date, rates: Rates
) -> Iterator[UpcomingInvoice]:
    """The periods with IVA; what rounds to nothing is never invoiced (R7)."""
    charges = [charge for charge, _dates in due.periods]
    shown = with_tax(session, plan.tax_code, charges, due.price, on=today, known=rates)
    for row, (charge, dates) in zip(shown.rows, due.periods, strict=True):
        if not is_free(charge):
            yield _invoice(plan.name, row, dates)


def _invoice(plan: str, row: PreviewRow, dates: Dates) -> UpcomingInvoice:
    charge = row.charge
    return UpcomingInvoice(
        plan=plan,
        issue_on=charge.issue_on,
        first=charge.period_start,
        last=charge.period_end,
        net=charge.amount,
        tax=row.tax,
        total=row.total,
        due_on=dates[0],
        suspend_on=dates[1],
        why=derivation_json(charge.derivation),
    )
