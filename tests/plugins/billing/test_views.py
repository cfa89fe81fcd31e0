"""The pages: what they show is what the services know; foreign ids do not exist."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select

from core.db.session import tenant_work
from core.ids import new_id
from plugins.billing.models import PriceVersionRow, Subscription
from plugins.billing.services import chart_figures
from plugins.billing.services.forecasts import read_forecast


@pytest.fixture
def owner(client, tenant, gym, sign_in):
    sign_in(client, tenant, "owner")
    return client


def test_a_contract_with_its_preview_before_signing(owner, gym, post):
    plan = gym.plan("30.00", name="Pase libre")
    typed = {
        "tax_id_type": "06",
        "tax_id": "AB12345",
        "legal_name": "Rosa Quispe",
        "email": "rosa@example.com",
        "plan_id": str(plan),
        "quantity": "1",
        "start_on": "2026-03-12",
    }
    shown = post(owner, "/billing/subscriptions/new", step="preview", **typed)
    assert shown.status_code == 200
    text = shown.get_data(as_text=True)
    for part in ("11/04/2026", "30/04/2026", "$ 20,00", "$ 23,00", "05/04/2026", "Rosa Quispe"):
        assert part in text
    assert gym.charges() == []
    signed = post(owner, "/billing/subscriptions/new", step="sign", **typed)
    assert signed.status_code == 303
    page = owner.get(signed.headers["Location"]).get_data(as_text=True)
    for part in ("Rosa Quispe", "12/03/2026", "10/04/2026", "$ 30,00", "25/03/2026"):
        assert part in page
    assert [one.kind for one in gym.charges()] == ["first"]


def test_every_page_answers(owner, tenant, gym, post, sign_in):
    plan = gym.plan()
    dearer, cheaper = gym.plan("45.00", "PLUS"), gym.plan("20.00", "MINI")
    member = gym.subscribe(plan)
    gym.pay_all()
    gym.on("2026-03-25")
    run = gym.run()
    sign_in(owner, tenant, "owner")  # thirteen days later the session has ended
    base = f"/billing/subscriptions/{member}"
    for path in (
        "/billing/plans/",
        "/billing/plans/new",
        f"/billing/plans/{plan}",
        f"/billing/plans/{plan}/edit",
        f"/billing/plans/{plan}/price",
        "/billing/subscriptions/",
        "/billing/subscriptions/?state=ended",
        "/billing/subscriptions/new",
        f"/billing/subscriptions/new?parent={member}",
        base,
        f"{base}/plan",
        f"{base}/cancel",
        "/billing/runs/",
        "/billing/runs/rehearsal",
        "/billing/runs/rehearsal?on=2026-04-25",
        f"/billing/runs/{run.run_id}",
        "/billing/charts/",
    ):
        answer = owner.get(path)
        assert answer.status_code == 200, path
    up = post(owner, f"{base}/plan", plan_id=str(dearer), step="preview").get_data(as_text=True)
    for part in ("$ 17,00", "$ 25,50", "$ 20,00", "$ 30,00", "$ 18,50"):
        assert part in up
    down = post(owner, f"{base}/plan", plan_id=str(cheaper), step="confirm")
    assert down.status_code == 303
    assert gym.subscription(member).next_price == Decimal("20.00")


def test_cancel_shows_the_end_date_and_can_be_taken_back(owner, gym, post):
    member = gym.subscribe(gym.plan())
    shown = owner.get(f"/billing/subscriptions/{member}/cancel").get_data(as_text=True)
    assert "10/04/2026" in shown
    assert post(owner, f"/billing/subscriptions/{member}/cancel").status_code == 303
    assert gym.subscription(member).ends_on == date(2026, 4, 10)
    assert post(owner, f"/billing/subscriptions/{member}/keep").status_code == 303
    assert gym.subscription(member).state == "active"


def test_a_wrong_price_is_shown_again_with_what_was_typed(owner, gym, post):
    plan = gym.plan()
    answer = post(owner, f"/billing/plans/{plan}/price", price="abc", valid_from="2026-06-01")
    assert answer.status_code == 422
    assert 'value="abc"' in answer.get_data(as_text=True)
    with tenant_work(gym.id) as session:
        assert len(list(session.scalars(select(PriceVersionRow.id)))) == 1


def test_a_new_price_is_told_to_those_who_have_the_plan(owner, gym, post):
    plan = gym.plan()
    member = gym.subscribe(plan)
    answer = post(
        owner, f"/billing/plans/{plan}/price", price="33,00", valid_from="2026-06-01", notify="1"
    )
    assert answer.status_code == 303
    page = owner.get(f"/billing/subscriptions/{member}").get_data(as_text=True)
    assert "$ 33,00" in page


def test_foreign_and_unknown_ids_do_not_exist(client, gym, other_tenant, sign_in, post):
    member = gym.subscribe(gym.plan())
    with tenant_work(gym.id) as session:
        plan = session.get_one(Subscription, member).plan_id
    sign_in(client, other_tenant, "owner")
    for path in (
        f"/billing/subscriptions/{member}",
        f"/billing/subscriptions/{member}/plan",
        f"/billing/subscriptions/{member}/cancel",
        f"/billing/plans/{plan}",
        f"/billing/plans/{plan}/price",
        f"/billing/runs/{new_id()}",
    ):
        assert client.get(path).status_code == 404, path
    assert post(client, f"/billing/subscriptions/{member}/cancel").status_code == 404
    assert gym.subscription(member).state == "active"


def test_who_may_not_write_is_refused(client, tenant, gym, sign_in, post):
    plan = gym.plan()
    sign_in(client, tenant, "accountant")
    assert client.get(f"/billing/plans/{plan}").status_code == 200
    assert post(client, f"/billing/plans/{plan}/edit", name="x").status_code == 403
    sign_in(client, tenant, "salesperson")
    assert client.get("/billing/subscriptions/").status_code == 403


def test_the_forecast_is_what_the_runs_then_issue(owner, gym, client, tenant, sign_in):
    """Two contracts of 12 March, one of the 28th with its bridge and month on one day."""
    plan = gym.plan("30.00")
    for _ in range(2):
        gym.subscribe(plan)
    gym.on("2026-03-24")
    with tenant_work(gym.id) as session:
        promised = read_forecast(session, today=gym.clock.today())
    assert [(one.issue_on.isoformat(), one.charges, str(one.amount)) for one in promised] == [
        ("2026-03-25", 2, "40.00"),
        ("2026-04-25", 2, "60.00"),
        ("2026-05-25", 2, "60.00"),
    ]
    gym.on("2026-03-28")
    gym.subscribe(plan)
    gym.pay_all()
    gym.run("2026-03-25")
    gym.pay_all()
    gym.on("2026-04-24")
    sign_in(client, tenant, "owner")
    page = owner.get("/billing/charts/").get_data(as_text=True)
    with tenant_work(gym.id) as session:
        promised = read_forecast(session, today=gym.clock.today())
    for day, one in zip(("2026-04-25", "2026-05-25"), promised, strict=False):
        gym.on(day)
        done = gym.run()
        assert (done.charges, done.amount) == (one.charges, one.amount), day
        gym.pay_all()
        assert f"$ {one.amount}".replace(".", ",") in page
    assert promised[0].charges == 4


def test_the_collection_curve_adds_up_by_day_and_says_so_in_its_table(
    owner, gym, client, tenant, sign_in
):
    """Four of US$ 30 on 25 March: one paid the same day, two on 4 April late at night, one never; in
    April one of two. The day is that of Guayaquil, and a curve ends where its youngest invoice does.
    """
    plan = gym.plan("30.00")
    gym.on("2026-03-01")
    members = [gym.subscribe(plan) for _ in range(4)]
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    charges = [gym.charges(one)[1] for one in members]
    for charge, day, hour in ((0, "2026-03-25", 9), (1, "2026-04-04", 23), (2, "2026-04-04", 23)):
        gym.on(day, hour)
        gym.pay(charges[charge].invoice_id)
    gym.on("2026-04-12")
    with tenant_work(gym.id) as session:
        curves = chart_figures.read_curves(session, today=gym.clock.today())
    assert [str(one.first) for one in curves] == ["2026-03-01"]
    [march] = curves
    assert march.issued == Decimal(
        "240.00"
    )  # four first months on the 1st, four of April on the 25th
    assert len(march.amounts) == 19  # 25 March to 12 April
    assert [str(march.shares[day]) for day in (0, 9, 10, 18)] == ["62.5", "62.5", "87.5", "87.5"]
    assert str(march.amounts[10]) == "210.00"
    sign_in(client, tenant, "owner")
    page = owner.get("/billing/charts/").get_data(as_text=True)
    assert "$ 210,00 · 87,5 %" in page
    assert (
        page.count("$ 150,00 · 62,5 %") == 1
    )  # a row for each day on which it rises, and the last
    drawn = re.search(r'd="(M 44 [^"]+)"', page)[1]
    assert drawn.startswith("M 44 87.5")  # 62.5 % of 180 above the base line of 200
    assert drawn.endswith("V 42.5")


def test_a_change_of_plan_is_quoted_for_all_of_them(owner, gym, post):
    """Three of a plan at 30.00 are 90.00 a month, on the page of the change too; the cheaper one 60.00."""
    cheaper = gym.plan("20.00", "MINI")
    member = gym.subscribe(gym.plan(), quantity=3)
    page = f"/billing/subscriptions/{member}/plan"
    assert "$ 90,00" in owner.get(page).text
    quoted = post(owner, page, plan_id=str(cheaper), step="preview").text
    assert "$ 60,00" in quoted
    assert "$ 20,00" not in quoted


@pytest.mark.parametrize(("query", "renews"), [("", False), ("?renews=1", True)])
def test_who_comes_back_chooses_a_month_or_to_renew(
    owner, gym, post, tenant, sign_in, query, renews
):
    """R12: no renewal unless chosen; both are buttons of the page of what has ended."""
    member = gym.subscribe(gym.plan(), renews=False)
    gym.pay_all()
    gym.on("2026-04-11", 0)
    gym.sweep()
    gym.on("2026-04-13")
    sign_in(owner, tenant, "owner")
    page = owner.get(f"/billing/subscriptions/{member}").text
    again = f"/billing/subscriptions/{member}/again{query}"
    assert f'action="{again}"' in page
    answer = post(owner, again)
    made = gym.subscription(UUID(answer.headers["Location"].rpartition("/")[2]))
    assert (made.start_on, made.renews) == (date(2026, 4, 13), renews)
    assert made.state == ("active" if renews else "ending")
