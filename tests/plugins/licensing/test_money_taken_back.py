"""A payment that bounced, a note over a part: client, distributor and billing hear what is owed (R8, A-19)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.contracts.sales import InvoiceLineDraft
from core.db.session import tenant_work, unit_of_work
from plugins.billing.models import Subscription
from plugins.billing.services import read_subscriptions
from plugins.licensing.models import ClientInvoiceRow, QueuedReport
from plugins.licensing.services import queue
from plugins.sales.models import Invoice, Payment
from plugins.sales.services.issue_credit_notes import issue_credit_note
from plugins.sales.services.issue_debit_notes import issue_debit_note
from plugins.sales.services.reverse_payment import reverse_payment
from tests.factories.licensing import make_vendor


@pytest.fixture
def vendor(make_tenant, clock, drain):
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    made.client_id = made.contract()
    made.enable(made.client_id)
    made.run("2026-03-25")
    return made


def states(vendor) -> tuple[str, str]:
    """The licence, and its subscription as billing sees it."""
    with tenant_work(vendor.operator.id) as session:
        key = session.scalars(select(Subscription.id)).one()
        told = read_subscriptions.standings(session, [key], on=vendor.clock.today())
    return vendor.state(vendor.client_id), told[key].state


def balances(vendor) -> list[set[str]]:
    """Of each invoice, oldest first, what operator, client and distributor say is owed: one amount."""
    found: dict[str, set[str]] = {}
    with tenant_work(vendor.operator.id) as session:
        for one in session.scalars(select(Invoice).order_by(Invoice.number)):
            found[one.number] = {str(one.balance)}
    for party in (vendor.client_id, vendor.north.id):
        with tenant_work(party) as session:
            for row in session.scalars(select(ClientInvoiceRow)):
                found[row.number].add(str(row.balance))
    return list(found.values())


def take_back(vendor, which):
    with tenant_work(vendor.operator.id) as session:
        ids = session.scalars(select(Payment.id).order_by(Payment.id)).all()
        reverse_payment(session, ids[which], reason="El cheque rebotó", now=vendor.clock.now())
    vendor.drain()


def test_a_confirmed_payment_that_bounced_suspends_in_both(vendor):
    vendor.at("2026-04-02", 9)
    vendor.report(vendor.client_id)
    vendor.drain()
    with unit_of_work(vendor.north.scope) as session:
        waiting = session.scalars(select(QueuedReport.report_id)).all()
        queue.confirm_reports(session, waiting, now=vendor.clock.now())
    vendor.night("2026-04-20")
    assert (states(vendor), balances(vendor)) == (("active", "current"), [{"0.00"}, {"0.00"}])
    take_back(vendor, 1)
    assert (states(vendor), balances(vendor)) == (("suspended", "suspended"), [{"0.00"}, {"34.50"}])
    vendor.run("2026-04-25")
    assert len(vendor.invoices(vendor.client_id)) == 2  # R15
    vendor.report(vendor.client_id)
    vendor.drain()
    assert states(vendor) == ("reported", "reported")


def test_the_money_of_the_order_that_bounced_is_owed_from_its_first_day(vendor):
    vendor.at("2026-03-28", 9)
    take_back(vendor, 0)
    assert (states(vendor), balances(vendor)) == (
        ("suspended", "suspended"),
        [{"34.50"}, {"34.50"}],
    )


def test_a_note_over_a_part_is_known_to_all(vendor):
    def note(issue, **given):
        with tenant_work(vendor.operator.id) as session:
            last = session.scalars(select(Invoice.id).order_by(Invoice.number.desc())).first()
            issue(session, last, source_key=issue.__name__, now=vendor.clock.now(), **given)
        vendor.drain()

    part = InvoiceLineDraft("COMERCIO", "Rebaja", Decimal(1), Decimal("10.00"), "4")
    note(issue_credit_note, reason="Rebaja", lines=[part])
    assert balances(vendor) == [{"0.00"}, {"23.00"}]
    note(issue_debit_note, reasons=[("Interés", Decimal("2.00"))], tax_code="4")
    assert balances(vendor) == [{"0.00"}, {"25.30"}]
    vendor.night("2026-04-06")
    assert states(vendor) == ("suspended", "suspended")
    vendor.report(vendor.client_id, "25.00")
    vendor.drain()
    assert states(vendor) == ("reported", "reported")
    assert vendor.clock.today() == date(2026, 4, 6)
