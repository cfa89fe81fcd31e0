"""A retención that its agent told counts while its legal term runs: for access and for billing (A-19, R15)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.contracts.events import PaymentConfirmed, PaymentReported
from core.db.scope import Scope
from core.db.session import tenant_work, unit_of_work
from core.models import TaxRegime
from plugins.billing.models import Subscription
from plugins.billing.services import read_subscriptions
from plugins.licensing.models import Contract, PaymentReportRow
from plugins.licensing.services import queue, report_payment
from plugins.licensing.services.standing import find_licence
from tests.factories.licensing import make_vendor
from tests.factories.waiting import await_lock


def billed(vendor) -> str:
    """How the operator's billing sees the client's only subscription."""
    on = vendor.clock.today()
    with tenant_work(vendor.operator.id) as session:
        [one] = session.scalars(select(Subscription.id))
        return read_subscriptions.standings(session, [one], on=on)[one].state


def test_the_run_within_the_term_invoices_the_agent(make_tenant, clock, drain):
    """April 34.50 (due 04-05) = 30.45 + 4.05 withheld, told on Wednesday 04-22: through 04-29."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    with unit_of_work(Scope(tenant_id=client)) as session:
        session.scalars(select(TaxRegime)).one().withholding_agent_resolution = "NAC-1"
    vendor.run("2026-03-25")
    vendor.at("2026-04-22", 9)
    report = vendor.report(client, "30.45", withheld=Decimal("4.05"))
    vendor.at("2026-04-23", 9)
    with unit_of_work(vendor.north.scope) as session:
        queue.confirm_reports(session, [report], now=clock.now())
    drain()
    assert (vendor.state(client), billed(vendor)) == ("active", "reported")
    vendor.run("2026-04-25")
    assert vendor.invoices(client)[1:] == [
        ("2026-04-01", "2026-04-30", "34.50", "open"),
        ("2026-05-01", "2026-05-31", "34.50", "open"),
    ]
    with tenant_work(vendor.operator.id) as session:
        assert session.scalars(select(Contract.left_out_on)).all() == [None]


@pytest.mark.parametrize("news", ["PaymentReported", "PaymentConfirmed"])
def test_news_of_a_report_wait_for_the_licence_and_hold_no_report_meanwhile(
    make_tenant, clock, drain, news
):
    """As news of an invoice do, which go on to the report: both would wait for each other otherwise."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    report, now = vendor.report(client), clock.now()
    drain()
    said = PaymentReported(
        report_id=report, client_tenant_id=client, invoice_ids=(), amount=Decimal("34.50"),
        value_on=now.date(), bank="Pichincha", reference="1", reported_at=now,
    )  # fmt: skip

    def work() -> None:
        with tenant_work(client) as own:
            if news == "PaymentReported":
                report_payment.hear_report(own, said, now=now)
            else:
                given = PaymentConfirmed(report, confirmed_at=now, report=said)
                report_payment.hear_answer(own, given, now=now)

    row = select(PaymentReportRow.id).with_for_update(nowait=True)
    with ThreadPoolExecutor(1) as beside:
        with tenant_work(client) as session:
            find_licence(session, lock=True)
            other = beside.submit(work)
            await_lock(session)
            assert session.scalars(row).all() == [report]
        other.result(60)
    with tenant_work(client) as session:
        state = "reported" if news == "PaymentReported" else "confirmed"
        assert session.get_one(PaymentReportRow, report).state == state


def test_what_another_than_an_agent_withheld_is_missing_for_both(make_tenant, clock, drain):
    """A-19 speaks of an agente de retención: 30.45 of 34.50 confirmed leave 4.05 overdue of anybody else."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")
    client = vendor.contract()
    vendor.enable(client)
    vendor.run("2026-03-25")
    vendor.at("2026-04-24", 9)
    report = vendor.report(client, "30.45", withheld=Decimal("4.05"))
    drain()
    assert (vendor.state(client), billed(vendor)) == ("reported", "reported")
    with unit_of_work(vendor.north.scope) as session:
        queue.confirm_reports(session, [report], now=clock.now())
    drain()
    assert (vendor.state(client), billed(vendor)) == ("suspended", "suspended")
    vendor.run("2026-04-25")
    assert len(vendor.invoices(client)) == 2  # R15
