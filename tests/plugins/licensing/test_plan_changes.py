"""R14 reaches the licence: dearer at once, cheaper from the first day of the next period."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.contracts.events import LicencePlanAsked, SubscriptionChanged
from core.db.scope import Scope
from core.db.session import unit_of_work
from plugins.billing.models import Plan
from plugins.billing.services.change_plan import change_plan
from plugins.billing.services.plans import create_plan
from plugins.licensing.models import ClientInvoiceRow, Contract, CreditDraft, QueuedReport
from plugins.licensing.services import (
    choose_plan,
    credit_drafts,
    follow_plan,
    keep_distributors,
    keep_licence,
    publish,
    queue,
    sign_licence,
)
from plugins.sales.models import CreditNote
from tests.factories.licensing import make_vendor

DOCUMENTS = {"COMERCIO": 100, "BASICO": 20, "MAYOR": 1000}  # a month


@pytest.fixture
def vendor(make_tenant, clock, drain):
    """Comercio of US$ 30.00 since 12/03 (to 10/04), beside a cheaper and a dearer plan."""
    made = make_vendor(make_tenant, clock, drain, "2026-03-12")
    made.plans = {"COMERCIO": made.plan_id}
    with unit_of_work(made.operator.scope) as session:
        for code, price in (("BASICO", "15.00"), ("MAYOR", "45.00")):
            made.plans[code] = create_plan(
                session,
                code=code,
                name=code.capitalize(),
                price=Decimal(price),
                tax_code="4",
                now=clock.now(),
                valid_from=date(2025, 1, 1),
            )
        for code, plan_id in made.plans.items():
            keep_distributors.set_plan_terms(
                session,
                plan_id,
                included_minutes=0,
                entitlements={"documents": DOCUMENTS[code]},
            )
        publish.publish_offers(session, now=clock.now())
    drain()
    made.client = made.contract()
    made.enable(made.client)
    return made


def contract(vendor) -> Contract:
    with unit_of_work(vendor.operator.scope) as session:
        return session.scalars(select(Contract)).one()


def change(vendor, code: str, *, drain: bool = True) -> None:
    """The operator changes the plan of the subscription."""
    with unit_of_work(vendor.operator.scope) as session:
        subscription_id = session.scalars(select(Contract.subscription_id)).one()
        change_plan(session, subscription_id, plan_id=vendor.plans[code], now=vendor.clock.now())
    if drain:
        vendor.drain()


def plans(vendor) -> set[tuple]:
    """Plan and price as operator, client and distributor know them, and what is to come."""
    [row] = vendor.portfolio(vendor.north)
    return {
        (one.plan_name, one.price, one.next_plan_name, one.next_plan_on)
        for one in (contract(vendor), vendor.licence(vendor.client), row)
    }


def test_a_dearer_plan_is_the_licences_at_once(vendor):
    assert vendor.licence(vendor.client).entitlements["documents"] == 100
    vendor.at("2026-03-20")
    change(vendor, "MAYOR")
    assert plans(vendor) == {("Mayor", Decimal("45.00"), "", None)}
    licence = vendor.licence(vendor.client)
    assert (licence.plan_id, licence.entitlements["documents"]) == (vendor.plans["MAYOR"], 1000)
    with unit_of_work(vendor.operator.scope) as session:
        signed = sign_licence.sign_contract(session, licence.contract_id, now=vendor.clock.now())
    assert b'"Mayor"' in signed
    with unit_of_work(Scope(tenant_id=vendor.client)) as session:
        told = session.scalars(
            select(ClientInvoiceRow.description).where(ClientInvoiceRow.is_period.is_(False))
        ).one()
    assert told.endswith(
        "(22 días: 33,00 menos crédito 22,00)"
    )  # 20/03 to 10/04, as on the document

    # heard once more, it changes and tells nothing
    revision = contract(vendor).revision
    with unit_of_work(vendor.operator.scope) as session:
        follow_plan.hear_change(
            session, heard(vendor, "MAYOR", "2026-03-20"), now=vendor.clock.now()
        )
    assert contract(vendor).revision == revision


def test_paying_the_change_alone_opens_no_day_of_the_unpaid_bridge(vendor):
    """R8: the bridge 11/04 to 30/04 of US$ 20.00 stays unpaid, so the licence is suspended on the 11th."""
    vendor.run("2026-03-25")
    vendor.at("2026-04-01", 9)
    change(vendor, "MAYOR")
    with unit_of_work(Scope(tenant_id=vendor.client)) as session:
        rows = session.scalars(select(ClientInvoiceRow).order_by(ClientInvoiceRow.number)).all()
        assert [one.is_period for one in rows] == [True, True, False]
        made, balance = rows[2].invoice_id, rows[2].balance
    vendor.report(vendor.client, str(balance), invoice_ids=(made,))
    vendor.night("2026-04-10")
    assert vendor.state(vendor.client) == "reported"
    vendor.night("2026-04-11")
    assert vendor.state(vendor.client) == "suspended"


def test_a_cheaper_plan_is_the_licences_from_the_next_period(vendor):
    vendor.at("2026-03-20")
    change(vendor, "BASICO")
    waiting = {("Comercio", Decimal("30.00"), "Basico", date(2026, 4, 11))}
    assert plans(vendor) == waiting
    vendor.run("2026-03-25")  # invoices the bridge of 11/04 to 30/04 at the cheaper price
    assert vendor.invoices(vendor.client)[-1][:3] == ("2026-04-11", "2026-04-30", "11.50")
    vendor.night("2026-04-10")
    assert plans(vendor) == waiting  # the last day of what was paid as Comercio
    assert vendor.licence(vendor.client).entitlements["documents"] == 100
    vendor.night("2026-04-11")
    assert plans(vendor) == {("Basico", Decimal("15.00"), "", None)}
    assert vendor.licence(vendor.client).entitlements["documents"] == 20


def test_a_cheaper_plan_waits_for_the_run_that_invoices_it(vendor):
    vendor.at("2026-03-20")
    change(vendor, "BASICO")
    vendor.night("2026-04-11")  # the run of 25/03 was missed
    assert {one[0] for one in plans(vendor)} == {"Comercio"}


def heard(vendor, code: str, effective_on: str) -> SubscriptionChanged:
    row = contract(vendor)
    return SubscriptionChanged(
        subscription_id=row.subscription_id,
        customer_id=row.customer_id,
        old_plan_id=vendor.plan_id,
        plan_id=vendor.plans[code],
        effective_on=date.fromisoformat(effective_on),
    )


def test_two_changes_heard_in_either_order_end_alike(vendor):
    vendor.at("2026-03-20")
    change(vendor, "BASICO", drain=False)
    change(vendor, "MAYOR", drain=False)  # takes the cheaper one's place
    now = vendor.clock.now()
    told = [heard(vendor, "MAYOR", "2026-03-20"), heard(vendor, "BASICO", "2026-04-11")]
    for one in told:
        with unit_of_work(vendor.operator.scope) as session:
            follow_plan.hear_change(session, one, now=now)
    vendor.drain()
    assert plans(vendor) == {("Mayor", Decimal("45.00"), "", None)}


def test_a_change_heard_after_the_run_still_waits_for_its_day(vendor):
    vendor.at("2026-03-20")
    change(vendor, "BASICO", drain=False)
    row = contract(vendor)
    vendor.run("2026-03-25")
    with unit_of_work(vendor.operator.scope) as session:
        again = session.get_one(Contract, row.id)
        again.next_plan_id = again.next_price = again.next_plan_on = None
        again.next_plan_name = ""
    with unit_of_work(vendor.operator.scope) as session:
        follow_plan.hear_change(
            session, heard(vendor, "BASICO", "2026-04-11"), now=vendor.clock.now()
        )
    vendor.drain()
    assert plans(vendor) == {("Comercio", Decimal("30.00"), "Basico", date(2026, 4, 11))}


def test_a_cancellation_takes_a_change_to_come_back(vendor):
    vendor.at("2026-03-20")
    change(vendor, "BASICO")
    with unit_of_work(Scope(tenant_id=vendor.client)) as session:
        keep_licence.cancel_licence(session, now=vendor.clock.now())
    vendor.drain()
    assert plans(vendor) == {("Comercio", Decimal("30.00"), "", None)}


class Firm:
    """What ``sign_in`` needs of a company."""

    def __init__(self, tenant_id):
        self.id = tenant_id
        self.scope = Scope(tenant_id=tenant_id)


def test_owner_and_distributor_see_what_is_to_come(vendor, client, sign_in):
    vendor.at("2026-03-20")
    change(vendor, "BASICO")
    told = "Basico desde el 11/04/2026, $ 15,00 al mes"
    [row] = vendor.portfolio(vendor.north)
    sign_in(client, vendor.north, "distributor")
    assert told in client.get(f"/portfolio/{row.id}").text
    sign_in(client, Firm(vendor.client), "owner")
    assert told in client.get("/licence/").text


def words_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2]).split())


def words(answer) -> str:
    assert answer.status_code == 200
    return words_of(answer)


def test_the_owner_changes_to_a_dearer_plan(vendor, client, sign_in, post):
    """R14 on 20/03 of 12/03 to 10/04: 22 days, 22.00 credit, 33.00 charge; 11.00 and IVA of 15 %."""
    vendor.at("2026-03-20")
    firm = Firm(vendor.client)
    sign_in(client, firm, "accountant")
    assert client.get("/licence/plan").status_code == 403  # the owner decides
    sign_in(client, firm, "owner")
    assert 'href="/licence/plan"' in client.get("/licence/").text
    told = words(client.get("/licence/plan"))
    assert (
        "Mayor $ 45,00 20/03/2026 Hasta el 10/04/2026: $ 33,00 menos el crédito de $ 22,00"
        " $ 1,65 $ 12,65" in told
    )
    assert "Basico $ 15,00 11/04/2026 Hasta entonces sigue su plan actual $ 0,00 $ 0,00" in told
    answer = post(client, "/licence/plan", plan_id=str(vendor.plans["MAYOR"]))
    assert answer.location == "/licence"

    # before any worker the page says that it is on its way, and a second choice waits
    assert "El cambio a Mayor ya está en camino" in words(client.get("/licence/"))
    again = post(client, "/licence/plan", plan_id=str(vendor.plans["BASICO"]))
    assert (again.status_code, "ya está en camino" in again.text) == (422, True)
    vendor.drain()
    assert plans(vendor) == {("Mayor", Decimal("45.00"), "", None)}
    assert "en camino" not in words(client.get("/licence/"))
    assert ("2026-03-20", "2026-04-10", "12.65", "open") in vendor.invoices(vendor.client)

    # the same question once more changes nothing
    with unit_of_work(vendor.operator.scope) as session:
        row = session.scalars(select(Contract)).one()
        asked = LicencePlanAsked(row.id, vendor.client, vendor.plans["BASICO"], row.plan_asked_at)
        follow_plan.hear_asked(session, asked, now=vendor.clock.now())
    assert plans(vendor) == {("Mayor", Decimal("45.00"), "", None)}


def test_a_distributor_changes_a_client_to_a_cheaper_plan(vendor, client, sign_in, post):
    vendor.at("2026-03-20")
    [row] = vendor.portfolio(vendor.north)
    page = f"/portfolio/{row.id}"
    sign_in(client, vendor.north, "adviser")
    assert client.get(f"{page}/plan").status_code == 403
    sign_in(client, vendor.north, "distributor")
    assert f'href="{page}/plan"' in client.get(page).text
    assert "Basico $ 15,00 11/04/2026" in words(client.get(f"{page}/plan"))
    assert post(client, f"{page}/plan", plan_id=str(vendor.plans["BASICO"])).location == page
    vendor.drain()
    assert plans(vendor) == {("Comercio", Decimal("30.00"), "Basico", date(2026, 4, 11))}
    assert len(vendor.invoices(vendor.client)) == 1  # nothing to pay now
    told = words(client.get(f"{page}/plan"))
    assert "El cambio a Basico desde el 11/04/2026 ya está anotado" in told


def test_what_cannot_be_chosen_is_refused(vendor, client, sign_in, post):
    vendor.at("2026-03-20")
    firm = Firm(vendor.client)
    sign_in(client, firm, "owner")

    def refused(plan_id) -> tuple[int, str]:
        answer = post(client, "/licence/plan", plan_id=str(plan_id))
        return answer.status_code, words_of(answer)

    code, told = refused(vendor.plans["COMERCIO"])
    assert code == 422
    assert "Este ya es su plan" in told
    assert refused(firm.id)[0] == 404
    with unit_of_work(vendor.operator.scope) as session:
        session.get_one(Plan, vendor.plans["MAYOR"]).is_offered = False
    assert refused(vendor.plans["MAYOR"])[0] == 422
    assert "Mayor" not in words(client.get("/licence/plan"))
    with unit_of_work(firm.scope) as session:
        keep_licence.cancel_licence(session, now=vendor.clock.now())
    vendor.drain()
    code, told = refused(vendor.plans["BASICO"])
    assert code == 422
    assert "suspendida, cancelada o terminada" in told


def test_a_suspended_licence_keeps_its_plan(vendor, client, sign_in, post):
    vendor.run("2026-03-25")
    vendor.at("2026-04-11")  # the bridge is unpaid and the paid days are over
    assert vendor.state(vendor.client) == "suspended"
    sign_in(client, Firm(vendor.client), "owner")
    assert "suspendida, cancelada o terminada" in words(client.get("/licence/plan"))
    assert post(client, "/licence/plan", plan_id=str(vendor.plans["MAYOR"])).status_code == 422


def test_a_change_that_the_operator_cannot_make_is_answered(vendor, client, sign_in, post):
    vendor.at("2026-03-20")
    sign_in(client, Firm(vendor.client), "owner")
    with unit_of_work(Scope(tenant_id=vendor.client)) as session:
        choose_plan.ask_plan(session, vendor.plans["MAYOR"], now=vendor.clock.now())
    with unit_of_work(vendor.operator.scope) as session:  # meanwhile it is withdrawn
        session.get_one(Plan, vendor.plans["MAYOR"]).is_offered = False
    vendor.drain()
    assert plans(vendor) == {("Comercio", Decimal("30.00"), "", None)}
    told = words(client.get("/licence/"))
    assert "Su plan no se cambió: Elija otro de los planes ofrecidos" in told
    assert post(client, "/licence/plan", plan_id=str(vendor.plans["BASICO"])).status_code == 303


@pytest.mark.checklist("PW-16")
def test_the_upgrades_share_of_a_period_that_never_begins_is_undone_too(vendor, client, sign_in):
    """R14, A-11: on 01/04 ten days of the first period (5.00) and the bridge of 20 (10.00) go from 30.00 to
    45.00; cancelled on 05/04 the bridge's 23.00 and the 11.50 of its upgrade may be undone.
    """
    vendor.run("2026-03-25")
    vendor.at("2026-04-01", 9)
    change(vendor, "MAYOR")
    assert [one[2] for one in vendor.invoices(vendor.client)] == ["34.50", "17.25", "23.00"]
    vendor.at("2026-04-05", 9)
    with unit_of_work(Scope(tenant_id=vendor.client)) as session:
        keep_licence.cancel_licence(session, now=vendor.clock.now())
    vendor.drain()
    with unit_of_work(vendor.north.scope) as session:
        drafts = session.scalars(select(CreditDraft).order_by(CreditDraft.total)).all()
        assert [(str(one.total), str(one.period_start)) for one in drafts] == [
            ("11.50", "2026-04-11"),
            ("23.00", "2026-04-11"),
        ]
        for one in drafts:
            credit_drafts.confirm_draft(session, one.invoice_id, now=vendor.clock.now())
    vendor.drain()
    with unit_of_work(Scope(tenant_id=vendor.client)) as session:
        rows = session.scalars(select(ClientInvoiceRow).order_by(ClientInvoiceRow.number)).all()
    assert [(str(one.balance), one.state) for one in rows] == [
        ("0.00", "paid"),
        ("0.00", "cancelled"),
        ("5.75", "open"),
    ]
    with unit_of_work(vendor.operator.scope) as session:
        notes = session.scalars(select(CreditNote.total).order_by(CreditNote.total)).all()
        assert [str(one) for one in notes] == ["11.50", "23.00"]
    sign_in(client, Firm(vendor.client), "owner")
    told = words(client.get("/licence/"))
    assert "11,50" in told
    assert told.count("no tiene nada que pagar de ella") == 1  # of the bridge


def test_the_share_of_a_period_that_is_paid_stays(vendor):
    """Who cancels keeps what is paid until its end, at the dearer plan (A-12)."""
    vendor.run("2026-03-25")
    vendor.at("2026-04-01", 9)
    vendor.report(vendor.client, "23.00")
    vendor.drain()
    with unit_of_work(vendor.north.scope) as session:
        waiting = session.scalars(select(QueuedReport.report_id)).all()
        queue.confirm_reports(session, waiting, now=vendor.clock.now())
    vendor.drain()
    change(vendor, "MAYOR")
    vendor.at("2026-04-05", 9)
    with unit_of_work(Scope(tenant_id=vendor.client)) as session:
        keep_licence.cancel_licence(session, now=vendor.clock.now())
    vendor.drain()
    with unit_of_work(vendor.operator.scope) as session:
        assert session.scalars(select(CreditDraft)).all() == []
