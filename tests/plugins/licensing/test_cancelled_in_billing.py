"""A licence whose subscription is cancelled in billing is cancelled (R10, A-11)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import tenant_work, unit_of_work
from plugins.billing.services import cancel
from plugins.licensing.models import Contract, CreditDraft
from plugins.licensing.services.standing import read_standing
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
