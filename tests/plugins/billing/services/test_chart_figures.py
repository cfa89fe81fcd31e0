"""Recurring revenue and churn of past months: what was charged then, worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from core.db.session import tenant_work
from plugins.billing.services.cancel import cancel
from plugins.billing.services.change_plan import change_plan
from plugins.billing.services.change_price import change_price
from plugins.billing.services.chart_figures import churn, read_figures


def months(gym):
    with tenant_work(gym.id) as session:
        found = read_figures(session, today=gym.clock.today()).months
    return {
        f"{one.first:%Y-%m}": (
            f"{one.recurring:.2f}",
            one.active,
            one.started,
            one.ended,
            f"{churn(one):.1f}",
        )
        for one in found
    }


def run_and_pay(gym, day):
    gym.on(day, 2)
    gym.run()
    gym.on(day)
    gym.pay_all()


def test_a_new_price_does_not_rewrite_the_months_before(gym):
    """Ana, Bea and Carla at 30 from 1 February; 40 from 1 April, told on 2 February. Ana has two lockers
    of 5 from 10 February. Carla cancels on 10 March and is out with it. On 15 April Bea goes to the plan
    of 50. Dora comes on 4 May at 40.

    February: 3 x 30 + 10 = 100, four of four. March: 30 + 30 + 10 = 70, three, one of four left (25 %).
    April: 40 + 50 + 10 = 100. May: 40 + 50 + 10 + 40 = 140.
    """
    gym.on("2026-02-01")
    plan, large = gym.plan("30.00"), gym.plan("50.00", "GRANDE")
    locker = gym.plan("5.00", "CASILLERO", kind="addon")
    payer = gym.customer()
    ana = gym.subscribe(plan, payer)
    bea, carla = gym.subscribe(plan), gym.subscribe(plan)
    with tenant_work(gym.id) as session:
        change_price(
            session,
            plan,
            price=Decimal("40.00"),
            valid_from=date(2026, 4, 1),
            notify=True,
            now=gym.clock.now(),
        )
    gym.on("2026-02-10")
    gym.subscribe(locker, payer, parent_id=ana, quantity=2)
    gym.pay_all()
    february = ("100.00", 4, 4, 0, "0.0")
    assert months(gym)["2026-02"] == february
    run_and_pay(gym, "2026-02-25")
    with tenant_work(gym.id) as session:
        cancel(session, carla, now=gym.on("2026-03-10"))
    run_and_pay(gym, "2026-03-25")
    gym.on("2026-04-01", 1)
    assert gym.sweep().ended == 1
    march = ("70.00", 3, 0, 1, "25.0")
    assert months(gym)["2026-03"] == march
    assert months(gym)["2026-04"] == ("90.00", 3, 0, 0, "0.0")  # 40 + 40 + 10 until Bea changes
    with tenant_work(gym.id) as session:
        change_plan(session, bea, plan_id=large, now=gym.on("2026-04-15"))
    gym.pay_all()
    run_and_pay(gym, "2026-04-25")
    gym.on("2026-05-04")
    gym.subscribe(plan)
    gym.pay_all()
    gym.on("2026-05-15")
    found = months(gym)
    assert {key: found[key] for key in sorted(found)[-4:]} == {
        "2026-02": february,
        "2026-03": march,
        "2026-04": ("100.00", 3, 0, 0, "0.0"),
        "2026-05": ("140.00", 4, 1, 0, "0.0"),
    }
    assert set(found.values()) - {found[key] for key in sorted(found)[-4:]} == {
        ("0.00", 0, 0, 0, "0.0")
    }
