"""A licence with something to pay, in words and lights: what was reported, what is left, from when it blocks."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.errors import DomainError
from plugins.billing.services.cancel import cancel, keep
from plugins.billing.services.plans import create_plan
from plugins.licensing.models import Contract, DistributorRow, PortfolioClient, QueuedReport
from plugins.licensing.services import (
    choose_plan,
    keep_distributors,
    keep_portfolio,
    publish,
    queue,
)
from plugins.licensing.services.explain import state_sentence
from plugins.licensing.services.sell_licences import Money, enable_client
from plugins.licensing.services.standing import read_standing
from tests.factories.licensing import make_vendor


@pytest.fixture
def vendor(make_tenant, clock, drain):
    made = make_vendor(make_tenant, clock, drain, "2026-03-12")
    made.client_id = made.contract()
    made.enable(made.client_id)  # paid until 04-10
    return made


def sentence(vendor, state):
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        standing = read_standing(session, now=vendor.clock.now())
        assert standing.state == state
        return state_sentence(standing)


def lights(vendor):
    with unit_of_work(vendor.north.scope) as session:
        [row] = keep_portfolio.read_portfolio(session, now=vendor.clock.now())
        return row.lights


def reject(vendor):
    with unit_of_work(vendor.north.scope) as session:
        [waiting] = session.scalars(
            select(QueuedReport.report_id).where(QueuedReport.state == "waiting")
        )
        queue.reject_report(session, waiting, reason="No llegó", now=vendor.clock.now())
    vendor.drain()


def upgrade(vendor):
    """The client goes to a plan of US$ 60.00 today; the invoice of the difference."""
    with unit_of_work(vendor.operator.scope) as session:
        dearer = create_plan(
            session,
            code="MAYOR",
            name="Mayor",
            price=Decimal(60),
            tax_code="4",
            now=vendor.clock.now(),
            valid_from=date(2025, 1, 1),
        )
        publish.publish_offers(session, now=vendor.clock.now())
    vendor.drain()
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        choose_plan.ask_plan(session, dearer, now=vendor.clock.now())
    vendor.drain()
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        owed = read_standing(session, now=vendor.clock.now()).open_invoices
        return next(one for one in owed if not one.is_period)


def test_an_upgrade_blocks_no_paid_day_and_names_none(vendor):
    """R14: the invoice of the difference lies in days that are paid."""
    upgrade(vendor)
    told = sentence(vendor, "due")
    assert "05/04/2026" in told
    assert "—" not in told


def test_a_report_that_must_be_confirmed_first_is_seen_by_both(vendor):
    """A-15: after two rejections the third waits; its client and its distributor read that."""
    vendor.run("2026-03-25")  # the bridge: 23.00, due 04-05, blocks from 04-11
    for hour in (9, 11):
        vendor.at("2026-03-26", hour)
        vendor.report(vendor.client_id, "23.00")
        vendor.drain()
        reject(vendor)
    vendor.at("2026-03-27", 9)
    before = sentence(vendor, "due")
    assert "reported" not in lights(vendor)
    vendor.report(vendor.client_id, "23.00")
    vendor.drain()
    assert sentence(vendor, "due") != before
    assert "rechazado" not in sentence(vendor, "due")
    assert "reported" in lights(vendor)


def test_what_is_open_besides_a_report_stays_due(vendor):
    """The difference of an upgrade is reported; the bridge, which nobody reported, is told and lit."""
    vendor.run("2026-03-25")
    vendor.at("2026-04-01", 9)
    difference = upgrade(vendor)
    vendor.report(vendor.client_id, str(difference.total), invoice_ids=(difference.id,))
    vendor.drain()
    told = sentence(vendor, "reported")
    assert "$ 23,00" in told
    assert "05/04/2026" in told
    assert {"reported", "due"} <= set(lights(vendor))
    vendor.at("2026-04-07", 9)
    assert "to_suspend" in lights(vendor)  # from 04-11


def test_credit_is_what_the_client_owes_with_iva(vendor):
    """A-10: the first invoice is 34.50; a limit of 34.00 holds the price of 30.00 and not the invoice."""
    with unit_of_work(vendor.operator.scope) as session:
        row = session.scalars(
            select(DistributorRow).where(DistributorRow.distributor_id == vendor.north.id)
        ).one()
        keep_distributors.set_credit_limit(session, row, Decimal(34), now=vendor.clock.now())
    vendor.drain()
    other = vendor.contract(
        tax_id="1790016919001", name="Escuela Sol", identification="1714616123", email="e@sol.ec"
    )
    with unit_of_work(vendor.north.scope) as session:
        client = session.scalars(
            select(PortfolioClient).where(PortfolioClient.client_tenant_id == other)
        ).one()
        with pytest.raises(DomainError) as refused:
            enable_client(session, client, Money(on_credit=True), now=vendor.clock.now())
    assert refused.value.code == "credit_limit"
    assert "$ 34,00" in str(refused.value)
    assert "$ 34,50" in str(refused.value)


def test_a_licence_cancelled_in_billing_is_cancelled_and_answered(vendor, outbox):
    """The button of a price notice, or the operator: the licence says the same, in its own letter."""
    with unit_of_work(vendor.operator.scope) as session:
        subscription_id = session.scalars(select(Contract.subscription_id)).one()
        cancel(session, subscription_id, now=vendor.clock.now())
    vendor.drain()
    vendor.at("2026-03-12", 9)
    assert vendor.state(vendor.client_id) == "cancelled"
    assert vendor.portfolio(vendor.north)[0].cancelled_on == date(2026, 3, 12)
    told = [one.subject for one in outbox.to("hola@gimnasio.ec") if "cancelación" in one.subject]
    assert told == ["Su cancelación"]
    with unit_of_work(vendor.operator.scope) as session:
        keep(session, subscription_id, now=vendor.clock.now())
    vendor.drain()
    assert vendor.state(vendor.client_id) == "active"
    with unit_of_work(vendor.operator.scope) as session:
        cancel(session, subscription_id, now=vendor.clock.now())
    vendor.drain()
    told = [one for one in outbox.to("hola@gimnasio.ec") if "cancelación" in one.subject]
    assert len({one.message_id for one in told}) == len(told) == 2
