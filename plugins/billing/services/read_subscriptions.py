"""Subscriptions as pages show them: lists, the explained calendar of one, what is to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.contracts.sales import CustomerData
from core.contracts.services import CustomerDirectory
from core.errors import DomainError, NotFound
from plugins.billing.domain.lifecycle import ACTIVE, ENDED
from plugins.billing.domain.policy import BillingPolicy
from plugins.billing.domain.standing import EXPIRED, ChargeState, Standing, standing
from plugins.billing.models import Charge, Plan, PriceNoticeRow, PriceVersionRow, Subscription
from plugins.billing.services.calendars import read_calendar, read_policy
from plugins.billing.services.due import NOT_TOLD, Agreed, told_prices
from plugins.billing.services.forecasts import next_charges
from plugins.billing.services.subscribe import Preview, with_tax

FORECAST = 4  # three months, and a bridge where one is to come


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """One subscription with everything its page tells."""

    row: Subscription
    plan: Plan
    next_plan: Plan | None
    customer: CustomerData | None
    standing: Standing
    charges: list[Charge]
    coming: Preview | None
    addons: list[tuple[Subscription, str]]
    price_notice: PriceNoticeRow | None


def list_query(state: str = "", plan_id: UUID | None = None) -> Any:
    """Subscriptions with their plan's name; ``state`` empty: all of them."""
    query = select(
        Subscription.id,
        Subscription.customer_id,
        Subscription.start_on,
        Subscription.state,
        Subscription.price,
        Subscription.quantity,
        Subscription.invoiced_through,
        Subscription.next_issue_on,
        Plan.name.label("plan"),
    ).join(Plan, Plan.id == Subscription.plan_id)
    if state:
        query = query.where(Subscription.state == state)
    if plan_id is not None:
        query = query.where(Subscription.plan_id == plan_id)
    return query


def names_of(session: Session, ids: Iterable[UUID]) -> Mapping[UUID, CustomerData]:
    """Who these customers are."""
    return plugins.service(CustomerDirectory).read(session, set(ids))


def standings(session: Session, ids: Iterable[UUID], *, on: date) -> dict[UUID, Standing]:
    """Where these subscriptions stand on a day, in three queries."""
    wanted = list(ids)
    policy = read_policy(session)
    states: dict[UUID, list[ChargeState]] = defaultdict(list)
    for one in session.execute(
        select(
            Charge.subscription_id,
            Charge.period_start,
            Charge.period_end,
            Charge.due_on,
            Charge.state,
            Charge.reported_at,
            Charge.reported_through,
            Charge.kind,
        ).where(Charge.subscription_id.in_(wanted), Charge.state != "cancelled")
    ):
        states[one.subscription_id].append(charge_state(one, on))
    rows = session.execute(
        select(Subscription.id, Subscription.state).where(Subscription.id.in_(wanted))
    )
    kept = {row.id: row.state for row in rows}
    return {one: _stands(states[one], on, policy, kept.get(one, ENDED)) for one in wanted}


def read_subscription(session: Session, subscription_id: UUID, *, on: date) -> SubscriptionView:
    """Everything about one subscription. Raises ``NotFound``."""
    row = session.get(Subscription, subscription_id)
    if row is None:
        raise NotFound
    plan = session.get_one(Plan, row.plan_id)
    next_plan = session.get(Plan, row.next_plan_id) if row.next_plan_id else None
    charges = list(
        session.scalars(
            select(Charge)
            .where(Charge.subscription_id == row.id)
            .order_by(Charge.period_start, Charge.id)
        )
    )
    calendar = read_calendar(session)
    live = [charge_state(one, on) for one in charges if one.state != "cancelled"]
    at = _stands(live, on, calendar.policy, row.state)
    coming = None
    if row.state == ACTIVE:
        agreed = _agreed(row)
        told = told_prices(session, [row.id]).get((row.id, (next_plan or plan).id), NOT_TOLD)
        ahead = next_charges(calendar, agreed, told, count=FORECAST)
        code = (next_plan or plan).tax_code
        with suppress(DomainError):  # its IVA code is not in force any more: the run says so
            coming = with_tax(session, code, ahead, agreed.price, on=on)
    addons = session.execute(
        select(Subscription, Plan.name)
        .join(Plan, Plan.id == Subscription.plan_id)
        .where(Subscription.parent_id == row.id)
        .order_by(Subscription.id)
    )
    notice = session.scalar(
        select(PriceNoticeRow)
        .join(PriceVersionRow, PriceVersionRow.id == PriceNoticeRow.price_version_id)
        .where(
            PriceNoticeRow.subscription_id == row.id,
            PriceNoticeRow.is_applied.is_(False),
            PriceVersionRow.plan_id == (row.next_plan_id or row.plan_id),
        )
        .order_by(PriceNoticeRow.id.desc())
        .limit(1)
    )
    return SubscriptionView(
        row=row,
        plan=plan,
        next_plan=next_plan,
        customer=names_of(session, [row.customer_id]).get(row.customer_id),
        standing=at,
        charges=charges,
        coming=coming,
        addons=[(one[0], one[1]) for one in addons],
        price_notice=notice,
    )


def _agreed(row: Subscription) -> Agreed:
    """The terms of the next period of an active subscription."""
    assert row.next_period_start is not None
    assert row.next_issue_on is not None
    return Agreed(
        row.price if row.next_price is None else row.next_price,
        row.quantity,
        row.basis,
        row.start_on,
        row.next_period_start,
        row.next_issue_on,
    )


def _stands(
    charges: Iterable[ChargeState], on: date, policy: BillingPolicy, state: str
) -> Standing:
    """The standing of a subscription in a state, under the choices of a company."""
    at = standing(
        charges,
        on,
        report_lifts=policy.report_lifts,
        honours_paid=policy.honours_paid_days,
        goes_on=state == ACTIVE,
    )
    return Standing(EXPIRED, at.since, at.paid_through) if state == ENDED else at


def charge_state(one: Any, on: date) -> ChargeState:
    """A row of ``billing_charge`` as the pure function wants it for the day ``on``."""
    until = one.reported_through
    return ChargeState(
        period_start=one.period_start,
        period_end=one.period_end,
        due_on=one.due_on,
        is_paid=one.state in ("paid", "free"),
        is_reported=one.reported_at is not None and (until is None or until >= on),
        is_period=one.kind != "change",
    )
