"""«Ya pagué» from the link of a reminder: no sign-in, and access is back at once."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from PIL import Image
from sqlalchemy import select

from core.adapters.clock import at_local
from core.db.scope import Scope
from core.db.session import unit_of_work
from plugins.billing import jobs as billing_jobs
from plugins.billing.models import Charge
from plugins.licensing.models import ClientStatus, PaymentReportRow, QueuedReport
from plugins.licensing.services import queue
from plugins.sales.models import PaymentReport
from plugins.sales.services import report_payments
from tests.factories.licensing import make_vendor

LINK = re.compile(r"/pagar/[0-9a-f-]+/[0-9a-f-]+/[0-9a-f]+")


@pytest.fixture
def vendor(make_tenant, clock, drain):
    """A client whose invoice for April (34.50, due 04-05) is open on 04-06 at 09:00."""
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    made.client_id = made.contract()
    made.enable(made.client_id)
    made.run("2026-03-25")
    billing_jobs.sweep_all({}, made.at("2026-04-05", 0, 5))
    drain()
    billing_jobs.mail_all({}, made.at("2026-04-05", 7))
    drain()
    made.at("2026-04-06", 9)
    return made


def link_of(outbox):
    """The link of the last mail that has one."""
    return [LINK.search(mail.text).group(0) for mail in outbox.mails if LINK.search(mail.text)][-1]


def picture():
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(out, "PNG")
    return out.getvalue()


def pay_by_link(client, post, path, reference, amount="34,50", day="2026-04-06"):
    page = client.get(path)
    assert page.status_code == 200
    html = page.get_data(as_text=True)
    fields = dict(re.findall(r'type="hidden"[^>]*name="(\w+)"[^>]*value="([^"]*)"', html))
    fields |= {"invoice_id": path.split("/")[3], "bank": "Pichincha", "reference": reference}
    fields |= {"value_on": day, "amount": amount, "report_key": f"key-{reference}"}
    fields["slip"] = (io.BytesIO(picture()), "foto.png")
    fields.pop("csrf_token", None)
    done = post(client, path, **fields)
    assert done.status_code == 200, done.get_data(as_text=True)


def waiting_at(party):
    with unit_of_work(party.scope) as session:
        rows = session.scalars(select(QueuedReport).where(QueuedReport.state == "waiting"))
        return [row.report_id for row in rows]


def sales_states(vendor):
    with unit_of_work(vendor.operator.scope) as session:
        return list(session.scalars(select(PaymentReport.state).order_by(PaymentReport.id)))


@pytest.mark.checklist("PW-14", "PW-15")
def test_the_link_of_the_mail_lifts_the_block_and_the_answers_count(
    vendor, client, post, outbox, drain, sign_in
):
    tenant = vendor.client_id
    path = link_of(outbox)
    assert vendor.state(tenant) == "suspended"
    assert not vendor.may_issue(tenant)

    pay_by_link(client, post, path, "TR-77")
    drain()
    assert vendor.state(tenant) == "reported"
    assert vendor.may_issue(tenant)
    assert vendor.portfolio(vendor.north)[0].state == "reported"
    [first] = waiting_at(vendor.north)
    assert waiting_at(vendor.operator) == [first]
    sign_in(client, vendor.north, "distributor")
    slip = client.get(f"/licensing/queue/{first}/slip")
    assert (slip.status_code, slip.mimetype) == (200, "image/jpeg")  # redrawn
    sign_in(client, vendor.south, "distributor")
    assert client.get(f"/licensing/queue/{first}/slip").status_code == 404
    with client.session_transaction() as cookie:
        cookie.clear()  # nobody again
    with unit_of_work(vendor.operator.scope) as session:  # R15: the next run issues
        charge = session.scalars(select(Charge).where(Charge.state == "open")).one()
        assert charge.report_id == first

    vendor.at("2026-04-06", 10)  # not on the account: the distributor rejects, the block is back
    with unit_of_work(vendor.north.scope) as session:
        queue.reject_report(session, first, reason="No consta", now=vendor.clock.now())
    drain()
    assert vendor.state(tenant) == "suspended"
    assert not vendor.may_issue(tenant)
    assert sales_states(vendor) == ["rejected"]
    with unit_of_work(vendor.operator.scope) as session:
        assert session.scalars(select(Charge.report_id).where(Charge.state == "open")).one() is None

    vendor.at("2026-04-06", 11)
    pay_by_link(client, post, path, "TR-78")
    drain()
    assert vendor.may_issue(tenant)
    [second] = waiting_at(vendor.operator)
    vendor.at("2026-04-06", 12)  # this time somebody of the vendor answers, on the page of sales
    with unit_of_work(vendor.operator.scope) as session:
        report_payments.reject_report(
            session, second, reason="Tampoco", user_id=None, now=vendor.clock.now()
        )
    drain()
    assert not vendor.may_issue(tenant)
    assert (waiting_at(vendor.operator), waiting_at(vendor.north)) == ([], [])
    assert sales_states(vendor) == ["rejected", "rejected"]

    vendor.at("2026-04-06", 13)  # two rejections in a row: the third waits for its confirmation
    pay_by_link(client, post, path, "TR-79")
    drain()
    assert vendor.state(tenant) == "suspended"
    assert not vendor.may_issue(tenant)
    [third] = waiting_at(vendor.north)
    with unit_of_work(vendor.north.scope) as session:
        queue.confirm_reports(session, [third], now=vendor.clock.now())
    drain()
    assert vendor.may_issue(tenant)
    assert vendor.state(tenant) == "active"
    assert vendor.invoices(tenant)[1] == ("2026-04-01", "2026-04-30", "34.50", "paid")
    assert sales_states(vendor) == ["rejected", "rejected", "confirmed"]
    with unit_of_work(Scope(tenant_id=tenant)) as session:
        turns = select(ClientStatus.state).order_by(ClientStatus.recorded_at, ClientStatus.id)
        assert session.scalars(turns).all()[-5:] == [
            "reported",
            "suspended",
            "reported",
            "suspended",
            "active",
        ]
        states = select(PaymentReportRow.state).order_by(PaymentReportRow.reported_at)
        assert session.scalars(states).all() == ["rejected", "rejected", "applied"]


def test_nobody_answers_for_three_business_days_and_the_operator_confirms_in_sales(
    vendor, client, post, outbox, drain
):
    tenant = vendor.client_id
    pay_by_link(client, post, link_of(outbox), "TR-80")  # Monday
    drain()

    def late(day):
        with unit_of_work(vendor.operator.scope) as session:
            return len(queue.overdue_reports(session, now=at_local(date.fromisoformat(day), 9)))

    assert (late("2026-04-09"), late("2026-04-10")) == (0, 1)
    vendor.night("2026-04-20")
    assert vendor.may_issue(tenant)
    with unit_of_work(vendor.operator.scope) as session:
        [report] = queue.overdue_reports(session, now=vendor.clock.now())
        report_payments.confirm_report(
            session, report.report_id, user_id=None, now=vendor.clock.now()
        )
    drain()
    assert vendor.state(tenant) == "active"
    assert vendor.invoices(tenant)[1] == ("2026-04-01", "2026-04-30", "34.50", "paid")
    assert (waiting_at(vendor.operator), waiting_at(vendor.north)) == ([], [])
