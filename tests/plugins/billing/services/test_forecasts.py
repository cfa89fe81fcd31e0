"""The three-month forecast and the next invoices against what the runs then issue."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from core.db.session import tenant_work
from plugins.billing.services.change_plan import change_plan
from plugins.billing.services.change_price import change_price
from plugins.billing.services.forecasts import read_forecast
from plugins.billing.services.read_subscriptions import read_subscription

RUNS = ("2026-02-25", "2026-03-25", "2026-04-25")


def promised(gym):
    with tenant_work(gym.id) as session:
        rows = read_forecast(session, today=gym.clock.today())
    return [(one.issue_on.isoformat(), one.charges, str(one.amount)) for one in rows]


def coming(gym, member):
    with tenant_work(gym.id) as session:
        view = read_subscription(session, member, on=gym.clock.today())
        told = view.price_notice and str(view.price_notice.new_price)
    return [(one.charge.issue_on.isoformat(), str(one.total)) for one in view.coming.rows], told


def test_announced_prices_and_a_cheaper_plan_are_promised_as_they_are_issued(gym):
    """Five of US$ 30 and one of two places (60); 40 from 1 April, told on 2 February. One of the five
    goes to the plan of 20 with March: it was told of a price, but not of that plan's.

    02-25 (March): 4 x 30 + 60 + 20 = 200. 03-25 (April): 4 x 40 + 80 + 20 = 260. 04-25: the same.
    """
    gym.on("2026-02-01")
    plan, cheap = gym.plan("30.00"), gym.plan("20.00", "BASICO")
    five = [gym.subscribe(plan) for _ in range(5)]
    double = gym.subscribe(plan, quantity=2)
    gym.pay_all()
    now = gym.clock.now()
    with tenant_work(gym.id) as session:
        change_plan(session, five[0], plan_id=cheap, now=now)
    with tenant_work(gym.id) as session:
        told = change_price(
            session,
            plan,
            price=Decimal("40.00"),
            valid_from=date(2026, 4, 1),
            notify=True,
            now=now,
        )
    assert (told.told, told.first_issue_on) == (6, date(2026, 3, 25))
    expected = [
        ("2026-02-25", 6, "200.00"),
        ("2026-03-25", 6, "260.00"),
        ("2026-04-25", 6, "260.00"),
    ]
    assert promised(gym) == expected
    dates = (*RUNS, "2026-05-25")
    for member, told_price, totals in (  # with 15 % of IVA
        (five[0], None, ("23.00", "23.00", "23.00", "23.00")),
        (five[1], "40.00", ("34.50", "46.00", "46.00", "46.00")),
        (double, "40.00", ("69.00", "92.00", "92.00", "92.00")),
    ):
        assert coming(gym, member) == (list(zip(dates, totals, strict=True)), told_price)
    for n, day in enumerate(RUNS):
        gym.on(day, 1)
        assert promised(gym)[: 3 - n] == expected[n:]
        gym.on(day, 2)
        done = gym.run()
        assert (day, done.charges, str(done.amount)) == expected[n]
        gym.on(day)
        gym.pay_all()
    assert [str(one.amount) for one in gym.charges(five[0])] == ["30.00", "20.00", "20.00", "20.00"]
    assert coming(gym, five[1])[0][0] == ("2026-05-25", "46.00")


def test_a_price_that_was_told_too_late_waits_for_the_next_invoice(gym):
    """Told on 26 February of 40 from 1 March: only 27 days before 03-25, so April
    is 30 and May, issued on 04-25, is the first at 40.
    """
    gym.on("2026-02-01")
    plan = gym.plan("30.00")
    member = gym.subscribe(plan)
    gym.pay_all()
    gym.on("2026-02-25", 2)
    gym.run()
    gym.on("2026-02-25")
    gym.pay_all()
    with tenant_work(gym.id) as session:
        change_price(
            session,
            plan,
            price=Decimal("40.00"),
            valid_from=date(2026, 3, 1),
            notify=True,
            now=gym.clock.now(),
        )
    gym.on("2026-02-26")
    assert promised(gym) == [
        ("2026-03-25", 1, "30.00"),
        ("2026-04-25", 1, "40.00"),
        ("2026-05-25", 1, "40.00"),
    ]
    for day, amount in (("2026-03-25", "30.00"), ("2026-04-25", "40.00")):
        gym.on(day, 2)
        assert str(gym.run().amount) == amount
        gym.on(day)
        gym.pay_all()
    assert [str(one.amount) for one in gym.charges(member)] == ["30.00", "30.00", "30.00", "40.00"]
