"""Histories by chance: after each step the vendor's books, the client's licence and the distributor's
portfolio say the same, and every period has the dates and amount of R1-R5 by arithmetic of its own.
"""

from __future__ import annotations

import calendar
import os
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import pytest
from sqlalchemy import select

from core.db.session import unit_of_work
from plugins.billing.models import Charge, Subscription
from plugins.billing.services.read_subscriptions import standings
from plugins.licensing.models import ClientInvoiceRow
from plugins.sales.models import Invoice
from tests.stories.a_random_history import History

HISTORIES = int(os.environ.get("YUPANA_HISTORIES", "8"))
STEPS = 12
TOLD_ALIKE = (
    "plan_name", "price", "ordered_on", "started_on", "cancelled_on",
    "next_plan_name", "next_price", "next_plan_on",
)  # fmt: skip
OPEN_STATES = ("active", "due", "reported", "cancelled", "reentered")
OPEN_STANDINGS = ("current", "due", "reported")


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_all_sides_agree_after_every_step(make_tenant, clock, drain, outbox, seed):
    history = History(make_tenant, clock, drain, seed, check)
    try:
        for _step in range(STEPS):
            history.step()
        history.wait(35, is_off=False)
    except AssertionError as error:
        raise AssertionError("\n".join([str(error), *history.log])) from error
    sent = [(one.to, one.message_id) for one in outbox.mails]
    assert len(sent) == len(set(sent)), "a mail left twice"


def check(history: History, where: str) -> None:
    """What must hold after any step."""
    contract, standing = history.contract(), history.standing()
    licence = standing.licence
    rows = [
        row
        for side in (history.vendor.north, history.vendor.south)
        for row in history.vendor.portfolio(side)
        if row.released_on is None
    ]
    assert len(rows) == 1, f"{where}: in {len(rows)} portfolios"
    for name in TOLD_ALIKE:
        told = {getattr(one, name) for one in (contract, licence, rows[0])}
        assert len(told) == 1, f"{where}: {name} is {told}"
    states = {standing.state, licence.state, rows[0].state, contract.standing}
    assert len(states) == 1, f"{where}: the state is {states}"
    paid = {standing.paid_through, rows[0].paid_through_on, contract.paid_through_on}
    assert len(paid) == 1, f"{where}: paid through {paid}"
    check_invoices(history, where)
    if contract.subscription_id is not None:
        check_books(history, contract.subscription_id, standing, where)


def check_invoices(history: History, where: str) -> None:
    """Client and distributor hold the invoices as the books do."""
    with history.books() as session:
        books = {
            one.id: (one.total, one.balance, one.state.replace("issued", "open"), one.due_on)
            for one in session.scalars(select(Invoice))
        }
    with history.own() as session:
        own = facts(session)
    assert own == books, f"{where}: the client's invoices"
    with unit_of_work(history.distributor().scope) as session:
        his = facts(session)
    assert his.items() <= books.items(), f"{where}: the distributor's invoices"


def facts(session):
    return {
        one.invoice_id: (one.total, one.balance, one.state, one.due_on)
        for one in session.scalars(select(ClientInvoiceRow))
    }


def check_books(history: History, subscription_id, standing, where: str) -> None:
    """Billing blocks who the licence blocks; its periods follow each other and cost what the rules say."""
    today = history.vendor.clock.today()
    with history.books() as session:
        row = session.get_one(Subscription, subscription_id)
        kept = standings(session, [row.id], on=today)[row.id].state
        charges = session.scalars(
            select(Charge)
            .where(Charge.subscription_id == row.id, Charge.kind != "change")
            .order_by(Charge.period_start, Charge.created_at)
        ).all()
        running = session.scalars(select(Subscription).where(Subscription.state == "active")).all()
    assert len(running) <= 1, f"{where}: two subscriptions run"
    assert (row.cancelled_on is None) == (history.contract().cancelled_on is None), where
    is_over = row.state == "ended" or (row.state == "ending" and row.ends_on < today)
    if not is_over:  # what is still due behind the end is the licence's to say (R11)
        is_open = (standing.state in OPEN_STATES, kept in OPEN_STANDINGS)
        assert is_open in ((True, True), (False, False)), f"{where}: {standing.state}, {kept}"
        if not is_open[0]:
            assert kept == standing.state, where
    for before, after in pairwise(charges):
        assert after.period_start == before.period_end + timedelta(days=1), f"{where}: a gap"
    for number, charge in enumerate(charges):
        price = Decimal(charge.derivation["price"])
        last, amount = by_hand(charge.period_start, price, is_first=number == 0)
        assert (charge.period_end, charge.amount) == (last, amount), f"{where}: {charge.kind}"


def by_hand(first: date, price: Decimal, *, is_first: bool) -> tuple[date, Decimal]:
    """Last day and amount of a period that begins on ``first`` (R1-R4, R7)."""
    month_end = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    if first.day == 1:
        return month_end, price
    if is_first:
        return first + timedelta(days=29), price
    share = price * ((month_end - first).days + 1) / 30
    return month_end, min(price, share.quantize(Decimal("0.01"), ROUND_HALF_UP))
