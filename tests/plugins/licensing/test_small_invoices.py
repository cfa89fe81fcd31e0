"""An invoice of no more than the tolerance (A-19) blocks nobody, in billing as in the licence."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import select

from core.db.session import tenant_work
from plugins.billing.models import Subscription
from plugins.billing.services import read_subscriptions
from plugins.billing.services.plans import create_plan
from plugins.billing.services.sweep_day import sweep_day
from plugins.licensing.services import publish
from plugins.licensing.services.keep_licence import read_invoices
from tests.factories.licensing import make_vendor


def test_a_bridge_of_one_day_of_a_cheap_plan_is_no_ground_for_a_suspension(
    make_tenant, clock, drain
):
    """S = 2026-03-31 at 10.05: the bridge of 04-30 costs 0.34 + 0.05 IVA, less than 0.50."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-31")
    with tenant_work(vendor.operator.id) as session:
        vendor.plan_id = create_plan(
            session,
            code="MINI",
            name="Mini",
            price=Decimal("10.05"),
            tax_code="4",
            now=clock.now(),
            valid_from=date(2025, 1, 1),
        )
        publish.publish_offers(session, now=clock.now())
    vendor.drain()
    client = vendor.contract()
    vendor.enable(client, amount="11.56")
    vendor.run("2026-04-25")
    vendor.report(client, "11.56", invoice_ids=(full_month(vendor, client),))
    vendor.night("2026-05-06")
    sweep_day(vendor.operator.id, on=date(2026, 5, 6), now=clock.now())
    assert vendor.invoices(client)[1] == ("2026-04-30", "2026-04-30", "0.39", "open")
    with tenant_work(vendor.operator.id) as session:
        key = session.scalars(select(Subscription.id)).one()
        told = read_subscriptions.standings(session, [key], on=clock.today())[key]
    assert (vendor.state(client), told.state) == ("reported", "reported")
    vendor.run("2026-05-25")
    assert vendor.invoices(client)[-1][:2] == ("2026-06-01", "2026-06-30")


def full_month(vendor, client):
    with tenant_work(client) as session:
        return next(
            one.invoice_id
            for one in read_invoices(session)
            if str(one.total) == "11.56" and one.state == "open"
        )
