"""A-26: what a client's report of its order enables, under both values of the setting."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.contracts.events import LicenceEnabling
from core.contracts.services import InvoiceIssuing
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.plugins import service
from core.services import settings
from plugins.billing.models import Charge
from plugins.licensing.models import Contract, QueuedReport
from plugins.licensing.services import contracts, queue, republish
from tests.factories.licensing import make_vendor
from tests.plugins.licensing.test_views import Tenancy, text, typed


def vendor_with(setting, make_tenant, clock, drain):
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-10")
    with unit_of_work(vendor.operator.scope) as session:
        settings.write(session, "licensing.order_enabled", setting)
    vendor.client_id = vendor.contract()
    return vendor


def answer(vendor, party, reason=""):
    with unit_of_work(party.scope) as session:
        waiting = session.scalars(
            select(QueuedReport.report_id).where(QueuedReport.state == "waiting")
        ).all()
        if reason:
            queue.reject_report(session, waiting[0], reason=reason, now=vendor.clock.now())
        else:
            queue.confirm_reports(session, waiting, now=vendor.clock.now())
    vendor.drain()


def credit_of(vendor):
    """Money of the client that lies on no invoice."""
    with unit_of_work(vendor.operator.scope) as session:
        customer = session.scalars(select(Contract.customer_id)).one()
        return [str(one.balance) for one in service(InvoiceIssuing).open_for(session, customer)]


@pytest.mark.checklist("PW-14", "PW-19")
def test_by_default_a_report_waits_and_its_confirmation_enables(
    make_tenant, clock, drain, app, client, sign_in, post
):
    vendor = vendor_with("on_confirmation", make_tenant, clock, drain)
    owner = Tenancy(vendor.client_id)
    sign_in(client, owner, "owner")
    page = text(client.get("/licence"))
    assert "34,50" in page  # with IVA: what to transfer
    assert "su asesor la habilita" in page
    data = text(client.get("/licence/data"))  # nothing is over: it has not begun
    assert "su asesor la habilita" in data
    assert "La licencia terminó" not in data
    assert client.get("/licence/cancel").status_code == 409
    sent = post(client, "/licence/report", **typed(value_on="2026-03-10"))
    assert sent.status_code == 303
    drain()
    assert "su distribuidor habilita la licencia cuando llegue el dinero" in text(
        client.get("/licence")
    )
    assert vendor.state(vendor.client_id) == "order"
    assert vendor.invoices(vendor.client_id) == []
    assert not vendor.may_issue(vendor.client_id)

    vendor.at("2026-03-12", 9)
    sign_in(client, vendor.north, "distributor")
    [row] = vendor.portfolio(vendor.north)
    assert "Pago por confirmar" in text(client.get("/portfolio"))
    assert "El cliente reportó el pago" in text(client.get(f"/portfolio/{row.id}"))
    twice = post(client, f"/portfolio/{row.id}/enable", amount="34,50", bank="Pichincha")
    assert twice.status_code == 422
    assert "Pagos por confirmar" in text(twice)
    assert "Orden de pago" in text(client.get("/licensing/queue"))
    answer(vendor, vendor.north)
    assert vendor.state(vendor.client_id) == "active"
    assert vendor.invoices(vendor.client_id) == [("2026-03-12", "2026-04-10", "34.50", "paid")]
    assert credit_of(vendor) == []


def test_with_the_alternative_the_report_is_the_contract_day(
    make_tenant, clock, drain, app, client, sign_in, post
):
    vendor = vendor_with("on_report", make_tenant, clock, drain)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    assert "repórtelo aquí y podrá trabajar enseguida" in text(client.get("/licence"))
    part = post(client, "/licence/report", **typed(amount="20,00", value_on="2026-03-10"))
    assert part.status_code == 303
    drain()
    assert vendor.state(vendor.client_id) == "order"  # a part enables nothing
    answer(vendor, vendor.north, "No llegó")

    vendor.at("2026-03-12", 9)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    whole = post(client, "/licence/report", **typed(form_key="k2", value_on="2026-03-12"))
    assert whole.status_code == 303
    drain()
    assert vendor.state(vendor.client_id) == "reported"
    assert vendor.may_issue(vendor.client_id)
    assert vendor.invoices(vendor.client_id) == [("2026-03-12", "2026-04-10", "34.50", "open")]
    with unit_of_work(vendor.operator.scope) as session:
        charge = session.scalars(select(Charge)).one()
        assert (str(charge.due_on), str(charge.suspend_on)) == ("2026-03-12", "2026-03-13")
        assert charge.reported_at is not None
    sign_in(client, vendor.north, "distributor")
    assert "001-" in text(client.get("/licensing/queue"))  # the invoice that the order became

    answer(vendor, vendor.north, "El banco no lo conoce")
    assert vendor.invoices(vendor.client_id)[0][3] == "open"
    assert vendor.state(vendor.client_id) == "due"
    vendor.night("2026-03-13")
    assert vendor.state(vendor.client_id) == "suspended"
    assert not vendor.may_issue(vendor.client_id)

    vendor.at("2026-03-13", 10)
    vendor.report(vendor.client_id)
    vendor.drain()
    assert vendor.state(vendor.client_id) == "suspended"  # two were rejected: A-15
    answer(vendor, vendor.operator)
    assert vendor.state(vendor.client_id) == "active"
    assert vendor.invoices(vendor.client_id) == [("2026-03-12", "2026-04-10", "34.50", "paid")]
    assert credit_of(vendor) == []


def test_an_order_that_lapsed_or_was_taken_back_is_not_reported(
    make_tenant, clock, drain, app, client, sign_in, post
):
    vendor = vendor_with("on_report", make_tenant, clock, drain)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    held = post(client, "/licence/report", **typed(value_on="2026-03-10", withheld="1,00"))
    assert held.status_code == 422
    vendor.at("2026-03-26", 8)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    late = post(client, "/licence/report", **typed(value_on="2026-03-26"))
    assert late.status_code == 422
    assert "caducó" in text(late)
    with unit_of_work(Scope(tenant_id=vendor.operator.id)) as session:
        assert session.scalars(select(Contract.state)).all() == ["order"]
        assert session.scalars(select(QueuedReport)).all() == []


@pytest.mark.checklist("PW-09", "PW-13")
@pytest.mark.parametrize("who", ["distributor", "operator"])
def test_too_little_money_enables_nothing_but_on_credit(
    make_tenant, clock, drain, app, client, sign_in, post, who
):
    """R2: the money of the first invoice (34,50; 0,50 may be missing, A-19) or credit within the limit."""
    vendor = vendor_with("on_confirmation", make_tenant, clock, drain)
    if who == "distributor":
        sign_in(client, vendor.north, "distributor")
        [row] = vendor.portfolio(vendor.north)
        page = f"/portfolio/{row.id}/enable"
    else:
        sign_in(client, vendor.operator, "operator")
        with unit_of_work(vendor.operator.scope) as session:
            page = f"/office/licences/{session.scalars(select(Contract.id)).one()}/enable"
    for amount, missing in (("1,00", "33,50"), ("33,99", "0,51")):
        refused = post(client, page, amount=amount, bank="Pichincha")
        assert refused.status_code == 422
        assert f"Faltan $ {missing} de la primera factura" in text(refused)
        assert "a crédito" in text(refused)
    drain()
    assert vendor.state(vendor.client_id) == "order"
    assert vendor.invoices(vendor.client_id) == []
    assert post(client, page, amount="34,00", bank="Pichincha").status_code == 303
    drain()
    assert vendor.state(vendor.client_id) == "active"


def test_a_report_of_a_part_enables_no_order_and_two_that_cover_it_do(
    make_tenant, clock, drain, app, client, sign_in, post
):
    vendor = vendor_with("on_confirmation", make_tenant, clock, drain)
    first = vendor.report(vendor.client_id, "20.00", reference="A-1")
    drain()
    sign_in(client, vendor.north, "distributor")
    refused = post(client, "/licensing/queue/confirm", reports=[str(first)])
    assert refused.status_code == 422
    assert "deja $ 14,50 de su primera factura sin cubrir" in text(refused)
    with unit_of_work(vendor.north.scope) as session:
        assert session.scalars(select(QueuedReport.state)).all() == ["waiting"]
    second = vendor.report(vendor.client_id, "14.50", reference="A-2")
    drain()
    both = post(client, "/licensing/queue/confirm", reports=[str(first), str(second)])
    assert both.status_code == 303
    drain()
    assert vendor.state(vendor.client_id) == "active"
    assert vendor.invoices(vendor.client_id) == [("2026-03-10", "2026-04-08", "34.50", "paid")]
    assert credit_of(vendor) == []
    assert not vendor.portfolio(vendor.north)[0].on_credit


def test_who_reported_a_part_of_an_order_reads_what_is_missing_and_can_report_it(
    make_tenant, clock, drain, app, client, sign_in, post
):
    """The distributor asks for the rest (R2): the client's own pages take it."""
    vendor = vendor_with("on_confirmation", make_tenant, clock, drain)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    told = {"value_on": "2026-03-10", "bank": "Pichincha", "reference": "A-1"}
    post(client, "/licence/report", amount="20,00", **told)
    drain()
    page = client.get("/licence")
    assert text(page).count("$ 14,50") > 1  # the answer to the report, and the state
    assert 'href="/licence/report"' in page.text
    assert 'value="14,50"' in client.get("/licence/report").text
    post(client, "/licence/report", amount="14,50", **(told | {"reference": "A-2"}))
    drain()
    page = client.get("/licence")
    assert "14,50 de la orden" not in text(page)
    assert 'href="/licence/report"' not in page.text


def test_a_part_that_arrived_is_confirmed_once_the_order_runs_on_credit(
    make_tenant, clock, drain, app
):
    vendor = vendor_with("on_confirmation", make_tenant, clock, drain)
    vendor.report(vendor.client_id, "20.00")
    drain()
    vendor.enable(vendor.client_id, on_credit=True)
    answer(vendor, vendor.north)
    assert vendor.state(vendor.client_id) == "due"
    assert credit_of(vendor) == ["14.50"]


def test_credit_that_is_paid_back_stays_so_when_the_contract_is_told_again(
    make_tenant, clock, drain, app
):
    vendor = vendor_with("on_confirmation", make_tenant, clock, drain)
    vendor.enable(vendor.client_id, on_credit=True)
    assert vendor.portfolio(vendor.north)[0].on_credit
    vendor.report(vendor.client_id, "34.50")
    drain()
    answer(vendor, vendor.north)
    assert not vendor.portfolio(vendor.north)[0].on_credit
    with unit_of_work(vendor.operator.scope) as session:
        republish.republish(session, after=None, now=vendor.clock.now())
    drain()
    assert not vendor.portfolio(vendor.north)[0].on_credit


def test_an_enabling_that_arrives_with_too_little_leaves_the_rest_due(
    make_tenant, clock, drain, app
):
    """Whatever a distributor's side lets through: S 2026-03-10, so due 04-05 and suspended 04-06 (A-10)."""
    vendor = vendor_with("on_confirmation", make_tenant, clock, drain)
    with unit_of_work(vendor.operator.scope) as session:
        contract = session.scalars(select(Contract)).one()
        enabling = LicenceEnabling(
            contract_id=contract.id,
            on_credit=False,
            amount=Decimal("1.00"),
            value_on=date(2026, 3, 10),
            bank="Pichincha",
            reference="TR-1",
            enabled_at=clock.now(),
        )
        contracts.hear_enabling(session, enabling, now=clock.now())
    drain()
    with unit_of_work(vendor.operator.scope) as session:
        charge = session.scalars(select(Charge)).one()
        assert (str(charge.due_on), str(charge.suspend_on)) == ("2026-04-05", "2026-04-06")
    assert credit_of(vendor) == ["33.50"]
    [row] = vendor.portfolio(vendor.north)
    assert (row.on_credit, str(row.balance)) == (True, "33.50")  # it uses his limit
    vendor.night("2026-04-06")
    assert vendor.state(vendor.client_id) == "suspended"
