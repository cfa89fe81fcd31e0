"""R14 on what was invoiced: every day is credited at the price it was invoiced at."""

from __future__ import annotations

from decimal import Decimal

from core.db.session import tenant_work
from plugins.billing.services.change_plan import change_plan


def changed(gym, member, plan, day):
    with tenant_work(gym.id) as session:
        made = change_plan(session, member, plan_id=plan, now=gym.on(day)).upgrade
    gym.pay_all()
    return made


def test_an_upgrade_after_the_run_of_a_downgrade_credits_the_old_price(gym):
    """March at 30.00 and April at 10.00 (invoiced on 03-25); on 03-26 to 60.00: 6 days of March and April."""
    gym.on("2026-03-01")
    medium, small, large = (
        gym.plan(price, code) for price, code in (("30.00", "M"), ("10.00", "S"), ("60.00", "L"))
    )
    member = gym.subscribe(medium)
    gym.pay_all()
    assert changed(gym, member, small, "2026-03-10") is None  # with the next period
    gym.on("2026-03-25")
    gym.run()
    assert gym.charges(member)[1].amount == Decimal("10.00")
    made = changed(gym, member, large, "2026-03-26")
    assert [(row.days, str(row.credit.amount), str(row.charge.amount)) for row in made.rows] == [
        (6, "6.00", "12.00"),
        (30, "10.00", "60.00"),
    ]
    assert made.net == Decimal("56.00")


def test_a_second_upgrade_credits_what_the_first_one_charged(gym):
    """March at 30.00, from 03-11 at 45.00, from 03-21 at 60.00: 11 days at 45/30 for 60/30."""
    gym.on("2026-03-01")
    one, two, three = (
        gym.plan(price, code) for price, code in (("30.00", "M"), ("45.00", "L"), ("60.00", "XL"))
    )
    member = gym.subscribe(one)
    gym.pay_all()
    made = changed(gym, member, two, "2026-03-11")
    assert (str(made.credit), str(made.charge)) == ("21.00", "31.50")
    made = changed(gym, member, three, "2026-03-21")
    assert (str(made.credit), str(made.charge)) == ("16.50", "22.00")
