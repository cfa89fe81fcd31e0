"""Days that are paid are served: by the run, the sweep, and what a page says (R8, R15, A-16)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core import plugins
from core.contracts.services import Subscribing
from core.db.session import tenant_work
from core.services import settings
from plugins.billing.models import Notice
from plugins.billing.services import read_subscriptions
from plugins.billing.services.change_plan import change_plan
from plugins.billing.services.sweep_day import sweep_day


def upgraded(gym):
    """S = 2026-03-12: the bridge is paid (through 04-30); the upgrade of 03-28 (due 04-05) is not."""
    gym.member = gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    gym.pay_all()
    large = gym.plan("60.00", "PLUS")
    with tenant_work(gym.id) as session:
        change_plan(session, gym.member, plan_id=large, now=gym.on("2026-03-28"))
    [change] = [one for one in gym.charges(gym.member) if one.kind == "change"]
    return change


def stands(gym, day: str):
    now = gym.on(day)
    with tenant_work(gym.id) as session:
        return read_subscriptions.read_subscription(session, gym.member, on=now.date()).standing


def suspensions(gym):
    with tenant_work(gym.id) as session:
        rows = select(Notice.on_date, Notice.invoice_id).where(Notice.kind == "suspended")
        return [tuple(row) for row in session.execute(rows.order_by(Notice.on_date))]


@pytest.mark.checklist("PW-15", "PW-17")
def test_an_unpaid_upgrade_blocks_no_paid_day(gym):
    change = upgraded(gym)
    assert (change.due_on, change.suspend_on) == (date(2026, 4, 5), date(2026, 5, 1))
    for day in ("2026-04-06", "2026-04-25", "2026-04-30"):
        assert stands(gym, day).state == "due", day
        assert gym.sweep().suspended == 0, day
    gym.on("2026-04-25")
    with tenant_work(gym.id) as session:
        assert plugins.service(Subscribing).left_out(session, on=date(2026, 4, 25)) == []
    assert gym.run().invoices == 1  # May, due 05-05
    found = stands(gym, "2026-05-01")
    assert (found.state, found.since) == ("suspended", date(2026, 5, 1))
    rehearsed = sweep_day(gym.id, on=date(2026, 5, 1), now=gym.clock.now(), is_rehearsal=True)
    done = gym.sweep()
    assert (rehearsed.suspended, done.suspended, done.ended) == (1, 1, 0)
    assert suspensions(gym) == [(date(2026, 5, 1), change.invoice_id)]
    gym.on("2026-05-20")
    assert gym.sweep().suspended == 0  # told once
    gym.on("2026-05-25")
    done = gym.run()
    assert (done.invoices, done.skipped) == (0, 1)  # R15


def test_the_strict_company_blocks_paid_days_too(gym):
    with tenant_work(gym.id) as session:
        settings.write(session, "billing.overdue", "strict")
    change = upgraded(gym)
    assert change.suspend_on == date(2026, 4, 6)
    found = stands(gym, "2026-04-06")
    assert (found.state, found.since) == ("suspended", date(2026, 4, 6))
    assert gym.sweep().suspended == 1
    gym.on("2026-04-25")
    assert gym.run().skipped == 1


def test_a_paid_month_behind_an_unpaid_bridge_is_served(gym):
    """The bridge (04-11..04-30, due 04-05) is owed, May is paid: suspended to 04-30, and from 06-01 again."""
    with tenant_work(gym.id) as session:
        settings.write(session, "billing.suspended_at_run", "keep_issuing")
    gym.member = gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    bridge = gym.charges(gym.member)[1]
    gym.on("2026-04-11")
    assert gym.sweep().suspended == 1
    gym.on("2026-04-25")
    gym.run()
    gym.pay(gym.charges(gym.member)[2].invoice_id)
    assert stands(gym, "2026-04-30").since == date(2026, 4, 11)
    assert stands(gym, "2026-05-10").state == "due"
    assert gym.sweep().suspended == 0
    with tenant_work(gym.id) as session:
        settings.write(session, "billing.suspended_at_run", "skip")
    gym.on("2026-05-25")
    assert gym.run().invoices == 1  # June: 05-25 is a paid day (R15)
    assert stands(gym, "2026-06-01").since == date(2026, 6, 1)
    assert gym.sweep().suspended == 1
    assert suspensions(gym) == [
        (date(2026, 4, 11), bridge.invoice_id), (date(2026, 6, 1), bridge.invoice_id),
    ]  # fmt: skip
    assert gym.invoice(bridge.invoice_id).balance == Decimal("23.00")
