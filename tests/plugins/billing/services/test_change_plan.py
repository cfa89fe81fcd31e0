"""R14 on what was invoiced: every day is credited at the price it was invoiced at."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.db.session import tenant_work
from core.services import settings
from plugins.billing.services.change_plan import change_plan
from plugins.sales.services.issue_credit_notes import annul_invoice


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


@pytest.mark.parametrize("setting", ["skip", "keep_issuing"])
@pytest.mark.parametrize("undone", ["upgrade", "month"])
def test_an_undone_invoice_ends_what_was_given_up_only(gym, setting, undone):
    """April is paid and upgraded on 04-11 (due 05-05, unpaid), May unpaid (due 05-05). On 05-06 one of the
    two is annulled: the unpaid month gives the subscription up (R15), unless the company keeps issuing; the
    change of plan inside paid days never does.
    """
    gym.on("2026-03-01")
    small, large = (gym.plan(price, code) for price, code in (("30.00", "S"), ("60.00", "L")))
    member = gym.subscribe(small)
    gym.on("2026-03-25")
    gym.run()
    gym.pay_all()
    with tenant_work(gym.id) as session:
        settings.write(session, "billing.suspended_at_run", setting)
        change_plan(session, member, plan_id=large, now=gym.on("2026-04-11"))
    gym.on("2026-04-25")
    gym.run()
    by_kind = {one.kind: one for one in gym.charges(member)}
    gym.on("2026-05-06")
    with tenant_work(gym.id) as session:
        charge = by_kind["change" if undone == "upgrade" else "full"]
        annul_invoice(session, charge.invoice_id, reason="No pagó", now=gym.clock.now())
    gym.hear()
    is_over = (undone, setting) == ("month", "skip")
    assert gym.subscription(member).state == ("ended" if is_over else "active")
