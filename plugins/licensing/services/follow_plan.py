"""R14 reaches the licence: the operator's contract follows the plan of its subscription."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.events import (
    LicencePlanAsked,
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionEnded,
    SubscriptionKept,
)
from core.contracts.licences import NextPlan
from core.contracts.services import Subscribing
from core.errors import DomainError
from core.services.audit import write_audit
from plugins.licensing.models import Contract
from plugins.licensing.services.credit_drafts import draft_for_cancelled, forget_cancelled
from plugins.licensing.services.publish import publish_contract


def hear_change(session: Session, event: SubscriptionChanged, *, now: datetime) -> None:
    """A subscription has another plan. When it is a licence's, contract, client and distributor have it
    too: an upgrade at once, a cheaper plan from the day it counts on.

    The subscription is asked how it stands now, so the order of two changes does not matter.
    """
    contract = _behind(session, event.subscription_id)
    if contract is not None and follow_subscription(
        session, contract, on=to_local_date(now), told=event
    ):
        publish_contract(session, contract, now=now)


def hear_end(
    session: Session, event: SubscriptionCancelled | SubscriptionEnded, *, now: datetime
) -> None:
    """A licence's subscription goes on no longer: no plan is to come, and the next invoices are others.

    Cancelled in billing, by the operator or by the link in the mail of a new price, the licence is
    cancelled as by its client: what is invoiced of a period that had not begun gets its draft (A-11).
    """
    contract = _behind(session, event.subscription_id)
    if contract is None:
        return
    follow_subscription(session, contract, on=to_local_date(now))
    taken = plugins.service(Subscribing).plan_of(session, event.subscription_id)
    is_news = contract.cancelled_on is None and taken.cancelled_on is not None
    contract.cancelled_on = contract.cancelled_on or taken.cancelled_on
    publish_contract(session, contract, now=now)
    if is_news and contract.cancelled_on is not None:
        draft_for_cancelled(session, contract, received_on=contract.cancelled_on, now=now)


def hear_kept(session: Session, event: SubscriptionKept, *, now: datetime) -> None:
    """A cancellation was taken back: the licence goes on, and no note undoes what is invoiced next."""
    contract = _behind(session, event.subscription_id)
    if contract is None:
        return
    taken = plugins.service(Subscribing).plan_of(session, event.subscription_id)
    if contract.cancelled_on is None or taken.cancelled_on is not None:  # cancelled again since
        return
    contract.cancelled_on = None
    follow_subscription(session, contract, on=to_local_date(now))
    write_audit(session, action="licensing.keep", subject_id=contract.id)
    publish_contract(session, contract, now=now)
    forget_cancelled(session, contract, now=now)


def hear_asked(session: Session, event: LicencePlanAsked, *, now: datetime) -> None:
    """A client chose another plan: billing changes it, with today's date. The answer, a refusal too, is
    told with the contract. The same question twice is answered once.
    """
    contract = session.get(Contract, event.contract_id, with_for_update=True)
    if contract is None or contract.subscription_id is None:
        return
    if contract.plan_asked_at is not None and event.asked_at <= contract.plan_asked_at:
        return
    contract.plan_asked_at, contract.plan_refusal = event.asked_at, ""
    try:
        with session.begin_nested():
            plugins.service(Subscribing).change_plan(
                session, contract.subscription_id, plan_id=event.plan_id, now=now
            )
    except DomainError as refusal:
        contract.plan_refusal = (refusal.sentence or refusal.code)[:300]
    follow_subscription(session, contract, on=to_local_date(now))
    publish_contract(session, contract, now=now)


def follow_due(session: Session, *, now: datetime) -> int:
    """Contracts whose next plan has come: they have it once its first period is invoiced. How many."""
    today = to_local_date(now)
    due = select(Contract).where(Contract.next_plan_on <= today).order_by(Contract.id)
    moved = [
        contract
        for contract in session.scalars(due.with_for_update())
        if follow_subscription(session, contract, on=today)
    ]
    for contract in moved:
        publish_contract(session, contract, now=now)
    return len(moved)


def follow_subscription(
    session: Session, contract: Contract, *, on: date, told: SubscriptionChanged | None = None
) -> bool:
    """Write the plan that a contract has on a day, and the one to come, as its subscription says;
    whether that was news. ``told``: the change that was heard, which knows its first day.

    A cheaper plan is the subscription's as soon as the run has invoiced its first period, which begins
    later: until that day the contract keeps the one that is paid.
    """
    if contract.subscription_id is None:
        return False
    before = _plans(contract)
    taken = plugins.service(Subscribing).plan_of(session, contract.subscription_id)
    coming = taken.next
    begins_on = on
    if told is not None and told.plan_id == taken.plan_id:
        begins_on = told.effective_on
    elif contract.next_plan_id == taken.plan_id and contract.next_plan_on is not None:
        begins_on = contract.next_plan_on
    if taken.plan_id != contract.plan_id and begins_on > on:
        coming = NextPlan(taken.plan_id, taken.name, taken.price, begins_on)
    else:
        contract.plan_id, contract.plan_name = taken.plan_id, taken.name
        contract.price = taken.price
    contract.next_plan_id = coming.plan_id if coming else None
    contract.next_plan_name = coming.name if coming else ""
    contract.next_price = coming.price if coming else None
    contract.next_plan_on = coming.on if coming else None
    if _plans(contract) == before:
        return False
    write_audit(session, action="licensing.change_plan", subject_id=contract.id)
    return True


def _behind(session: Session, subscription_id: UUID) -> Contract | None:
    """The contract of a subscription, held to the end of the transaction; None: it is no licence's."""
    query = select(Contract).where(Contract.subscription_id == subscription_id)
    return session.scalars(query.with_for_update()).one_or_none()


def _plans(contract: Contract) -> tuple[object, ...]:
    return (
        contract.plan_id,
        contract.price,
        contract.next_plan_id,
        contract.next_price,
        contract.next_plan_on,
    )
