"""The preview of a contract says what signing it makes: credit, one period only, a start that is past."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.db.session import tenant_work
from core.errors import DomainError
from plugins.billing.services import plans, subscribe


def shown(gym, plan, start_on, **more):
    with tenant_work(gym.id) as session:
        preview = subscribe.preview_subscription(
            session, plan_id=plan, start_on=start_on, today=gym.clock.today(), **more
        )
    return [
        (str(one.charge.amount), *map(str, (one.charge.issue_on, one.charge.due_on,
                                            one.charge.suspend_on)))
        for one in preview.rows
    ]  # fmt: skip


def made(gym, member):
    return [
        (str(one.amount), *map(str, (one.issued_on, one.due_on, one.suspend_on)))
        for one in gym.charges(member)
    ]


@pytest.mark.parametrize("on_credit", [False, True], ids=["paid on signing", "on credit"])
@pytest.mark.parametrize("start", ["2026-03-12", "2026-02-05", "2026-01-28", "2026-03-01"])
def test_what_is_signed_today_is_issued_as_it_was_shown(gym, start, on_credit):
    plan, start_on = gym.plan(), date.fromisoformat(start)
    preview = shown(gym, plan, start_on, on_credit=on_credit)
    member = gym.subscribe(plan, start_on=start_on, on_credit=on_credit)
    gym.run()
    issued = made(gym, member)
    assert issued == preview[: len(issued)]
    assert all(row[1] <= row[2] for row in issued if row[2] != "None")


def test_credit_is_due_on_a_day_5_after_the_signature_also_for_an_earlier_start(gym):
    """A-10: signed on 2026-03-12 for the 5th of February: due on 5 April, suspended from the 6th."""
    plan = gym.plan()
    assert shown(gym, plan, date(2026, 2, 5), on_credit=True)[0] == (
        "30.00", "2026-03-12", "2026-04-05", "2026-04-06",
    )  # fmt: skip


def test_one_period_only_shows_one_invoice(gym):
    assert shown(gym, gym.plan(), date(2026, 3, 12), renews=False) == [
        ("30.00", "2026-03-12", "None", "None")
    ]


def test_a_plan_made_today_is_sold_to_who_has_come_for_weeks(gym):
    """The first price of a plan is what those pay who began before it; no plan has a price of yesterday."""
    with tenant_work(gym.id) as session:
        plan = plans.create_plan(
            session, code="NUEVO", name="Nuevo", price=Decimal("19.99"), tax_code="4",
            now=gym.clock.now(),
        )  # fmt: skip
        later = plans.create_plan(
            session, code="LUEGO", name="Luego", price=Decimal("19.99"), tax_code="4",
            now=gym.clock.now(), valid_from=date(2026, 5, 1),
        )  # fmt: skip
    member = gym.subscribe(plan, start_on=date(2026, 3, 2))
    assert [str(one.amount) for one in gym.charges(member)] == ["19.99"]
    with pytest.raises(DomainError) as refused:
        gym.subscribe(later, start_on=date(2026, 3, 2))
    assert refused.value.code == "billing.no_price"
