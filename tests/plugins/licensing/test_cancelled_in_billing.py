"""A licence whose subscription is cancelled in billing is cancelled (R10, A-11)."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import tenant_work, unit_of_work
from plugins.billing.models import Subscription
from plugins.billing.services import cancel
from plugins.licensing.models import Contract, CreditDraft
from plugins.licensing.services import keep_licence
from plugins.licensing.services.standing import read_standing
from plugins.sales.models import Invoice
from plugins.sales.services.issue_credit_notes import annul_invoice
from tests.factories.licensing import make_vendor


def test_the_link_in_a_mail_and_the_operators_page_cancel_the_licence_too(
    make_tenant, clock, drain
):
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    vendor.at("2026-03-28", 9)
    with tenant_work(vendor.operator.id) as session:
        key = session.scalars(select(Contract.subscription_id)).one()
        cancel.cancel(session, key, now=vendor.clock.now())
    vendor.drain()
    with tenant_work(vendor.operator.id) as session:
        contract = session.scalars(select(Contract)).one()
        drafts = session.scalars(select(CreditDraft.reason)).all()
    [row] = vendor.portfolio(vendor.north)
    for one in (contract, row, vendor.licence(client)):
        assert one.cancelled_on == date(2026, 3, 28)
    assert drafts == ["cancelled"]  # of April, unpaid and not begun
    with unit_of_work(Scope(tenant_id=client)) as session:
        standing = read_standing(session, now=vendor.clock.now())
    assert (standing.state, standing.last_day) == ("due", date(2026, 4, 30))


@pytest.mark.parametrize("who", ["client", "operator"])
def test_a_cancellation_that_is_taken_back_leaves_the_licence_running(
    make_tenant, clock, drain, who
):
    """The run goes on invoicing it, so client and distributor read that it goes on; it may cancel again."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")

    def leave():
        with tenant_work(client if who == "client" else vendor.operator.id) as session:
            if who == "client":
                keep_licence.cancel_licence(session, now=vendor.clock.now())
            else:
                key = session.scalars(select(Contract.subscription_id)).one()
                cancel.cancel(session, key, now=vendor.clock.now())
        vendor.drain()

    def told():
        [row] = vendor.portfolio(vendor.north)
        return {one.cancelled_on and str(one.cancelled_on) for one in (row, vendor.licence(client))}

    vendor.at("2026-03-28", 9)
    leave()
    assert told() == {"2026-03-28"}
    vendor.at("2026-03-29", 9)
    with tenant_work(vendor.operator.id) as session:
        cancel.keep(
            session, session.scalars(select(Contract.subscription_id)).one(), now=clock.now()
        )
    vendor.drain()
    assert told() == {None}
    assert vendor.licence(client).upcoming
    for party in (vendor.operator.id, vendor.north.id, client):
        with tenant_work(party) as session:
            assert session.scalars(select(CreditDraft.state)).all() == ["dismissed"]
    vendor.report(client)
    vendor.run("2026-04-25")
    assert vendor.invoices(client)[-1][:2] == ("2026-05-01", "2026-05-31")
    vendor.at("2026-04-28", 9)
    leave()
    assert told() == {"2026-04-28"}


def test_who_leaves_after_the_last_invoice_was_annulled_has_the_paid_days(
    make_tenant, clock, drain
):
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    vendor.at("2026-03-28", 9)
    with tenant_work(vendor.operator.id) as session:
        last = session.scalars(select(Invoice.id).where(Invoice.state == "issued")).one()
        annul_invoice(session, last, reason="Mal emitida", now=clock.now())
    vendor.drain()
    with tenant_work(client) as session:
        keep_licence.cancel_licence(session, now=clock.now())
    vendor.drain()
    with tenant_work(vendor.operator.id) as session:
        row = session.scalars(select(Subscription)).one()
    with tenant_work(client) as session:
        standing = read_standing(session, now=clock.now())
    assert row.ends_on == row.invoiced_through == standing.ends_on == date(2026, 3, 31)
