"""Back for one month: what it costs today, the order, the report, and access in the same minute."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import select

from core.adapters.clock import at_local
from core.db.scope import Scope
from core.db.session import unit_of_work
from plugins.billing.services.sweep_day import sweep_day
from plugins.licensing.models import ClientInvoiceRow, QueuedReport
from plugins.licensing.services import keep_licence, queue
from tests.factories.licensing import make_vendor


class Firm:
    """What ``sign_in`` needs of a company."""

    def __init__(self, tenant_id):
        self.id = tenant_id
        self.scope = Scope(tenant_id=tenant_id)


@pytest.fixture
def vendor(make_tenant, clock, drain, app):
    return make_vendor(make_tenant, clock, drain, "2026-03-12")


def words(answer) -> str:
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2]).split())


def ended(vendor) -> Firm:
    """A client who left in time, and whose paid month ended long ago."""
    firm = Firm(vendor.contract())
    vendor.enable(firm.id)
    with unit_of_work(firm.scope) as session:
        keep_licence.cancel_licence(session, now=vendor.at("2026-03-20"))
    vendor.at("2026-07-10", 9)
    assert vendor.state(firm.id) == "expired"
    return firm


PAID = {"amount": "34,50", "value_on": "2026-07-10", "bank": "Pichincha", "reference": "TR-9"}


@pytest.mark.checklist("PW-18")
def test_the_checkout_from_the_amount_to_access(vendor, client, sign_in, post, drain):
    firm = ended(vendor)
    sign_in(client, firm, "owner")
    assert 'href="/licence/return"' in client.get("/licence/").text
    told = words(client.get("/licence/return"))
    assert "Comercio 10/07/2026 – 08/08/2026 $ 30,00 $ 4,50 $ 34,50" in told  # 30 days, IVA of 15 %
    sign_in(client, firm, "accountant")
    assert post(client, "/licence/reenter").status_code == 403  # the owner decides
    sign_in(client, firm, "owner")
    assert post(client, "/licence/reenter", plan_id=str(firm.id)).status_code == 404
    assert (
        post(client, "/licence/reenter", plan_id=str(vendor.plan_id)).location == "/licence/return"
    )

    # at once, before any worker: amount, accounts and code
    told = words(client.get("/licence/return"))
    code = vendor.licence(firm.id).payment_code
    for part in ("Banco Pichincha, ahorros 2200112233", code, "$ 34,50", "25/07/2026"):
        assert part in told, part
    assert not vendor.may_issue(firm.id)
    drain()
    assert vendor.licence(firm.id).payment_code == code  # the operator's telling is the same order
    assert vendor.portfolio(vendor.north)[0].owner["email"] == "ana@gimnasio.ec"  # still known
    assert post(client, "/licence/reenter", plan_id=str(vendor.plan_id)).status_code == 409

    # the report gives access in the same transaction; then the operator invoices from that day on
    assert post(client, "/licence/report", **PAID).location == "/licence/return"
    assert (vendor.state(firm.id), vendor.may_issue(firm.id)) == ("reported", True)
    assert "Su acceso está de vuelta" in words(client.get("/licence/return"))
    drain()
    assert vendor.may_issue(firm.id)
    assert vendor.invoices(firm.id)[1:] == [("2026-07-10", "2026-08-08", "34.50", "open")]
    told = words(client.get("/licence/return"))
    assert "08/08/2026" in told
    with unit_of_work(vendor.north.scope) as session:
        [row] = session.scalars(select(QueuedReport))
        queue.confirm_reports(session, [row.report_id], now=vendor.clock.now())
    drain()
    assert vendor.state(firm.id) == "reentered"
    assert vendor.invoices(firm.id)[-1] == ("2026-07-10", "2026-08-08", "34.50", "paid")
    vendor.run("2026-07-25")
    assert len(vendor.invoices(firm.id)) == 2  # it does not renew by itself
    assert vendor.state(firm.id, at_local(date(2026, 8, 8), 23, 59)) == "reentered"
    assert vendor.state(firm.id, at_local(date(2026, 8, 9))) == "expired"


def test_too_little_or_against_the_policy_waits_for_the_confirmation(
    vendor, client, sign_in, post, drain
):
    firm = ended(vendor)
    sign_in(client, firm, "owner")
    post(client, "/licence/reenter", plan_id=str(vendor.plan_id))
    post(client, "/licence/report", **(PAID | {"amount": "20,00"}))
    drain()
    assert (vendor.state(firm.id), vendor.may_issue(firm.id)) == ("order", False)
    told = words(client.get("/licence/return"))  # the rest can be reported
    assert "$ 14,50" in told
    assert "espera la confirmación" not in told
    assert 'value="14,50"' in client.get("/licence/return").text
    post(client, "/licence/report", **(PAID | {"amount": "14,50", "reference": "TR-15"}))
    drain()
    assert (vendor.state(firm.id), vendor.may_issue(firm.id)) == ("order", False)
    assert "espera la confirmación" in words(client.get("/licence/return"))
    assert len(vendor.invoices(firm.id)) == 1


def test_an_old_invoice_is_settled_first(vendor, client, sign_in, post, drain):
    firm = Firm(vendor.contract())
    vendor.enable(firm.id)
    vendor.run("2026-03-25")  # April is never paid
    now = vendor.at("2026-05-01", 0, 5)
    sweep_day(vendor.operator.id, on=date(2026, 5, 1), now=now)  # R15 ends it
    vendor.at("2026-07-10", 9)
    assert vendor.state(firm.id) == "expired"
    sign_in(client, firm, "owner")
    with unit_of_work(firm.scope) as session:
        number = session.scalars(
            select(ClientInvoiceRow.number).where(ClientInvoiceRow.state == "open")
        ).one()
    told = words(client.get("/licence/return"))
    assert number in told
    assert "$ 23,00" in told  # the bridge of 20 days
    assert "Ordenar un mes" not in told
    refused = post(client, "/licence/reenter", plan_id=str(vendor.plan_id))
    assert refused.status_code == 422
    assert number in refused.text

    # a report of the old debt settles it once it is confirmed, and opens nothing (R11, A-22)
    assert "podrá pedir un mes" in words(client.get("/licence/report"))
    told = {"amount": "23,00", "value_on": "2026-07-10", "bank": "Pichincha", "reference": "TR-5"}
    sent = post(client, "/licence/report", **told)
    assert sent.location == "/licence/return"
    assert (vendor.state(firm.id), vendor.may_issue(firm.id)) == ("expired", False)
    page = words(client.get("/licence/return"))
    assert "acceso de inmediato" not in page
    assert "la licencia venció" in page
    assert "está reportado" in page
    assert "Ya pagué" not in page
    waits = post(client, "/licence/reenter", plan_id=str(vendor.plan_id))
    assert waits.status_code == 422
    assert "espera la confirmación" in waits.text
    drain()
    assert (vendor.state(firm.id), vendor.may_issue(firm.id)) == ("expired", False)
    with unit_of_work(vendor.north.scope) as session:
        [row] = session.scalars(select(QueuedReport))
        queue.confirm_reports(session, [row.report_id], now=vendor.clock.now())
    drain()
    assert (vendor.state(firm.id), vendor.may_issue(firm.id)) == ("expired", False)
    assert post(client, "/licence/reenter", plan_id=str(vendor.plan_id)).status_code == 303


@pytest.mark.checklist("PW-18")
def test_a_month_that_renews_goes_on_like_any_licence(vendor, client, sign_in, post, drain, outbox):
    """R12, A-21: chosen, R3-R5 hold with S = 10/07: 30 days, the bridge to the month's end, months."""
    firm = ended(vendor)
    sign_in(client, firm, "owner")
    assert "Renovar cada mes" in words(client.get("/licence/return"))
    post(client, "/licence/reenter", plan_id=str(vendor.plan_id), renews="1")
    drain()
    assert "Se renueva cada mes" in words(client.get("/licence/return"))
    post(client, "/licence/report", **PAID)
    assert vendor.may_issue(firm.id)  # his report opens at once, as of any who comes back
    drain()
    with unit_of_work(vendor.north.scope) as session:
        [row] = session.scalars(select(QueuedReport))
        queue.confirm_reports(session, [row.report_id], now=vendor.clock.now())
    drain()
    assert vendor.state(firm.id) == "active"
    told = words(client.get("/licence/return"))
    assert "08/08/2026 y se renueva cada mes" in told
    assert "no se renueva" not in told.lower()

    vendor.run("2026-07-25")  # R5: the run before August's days; R3: 09/08 to 31/08 are 23 days
    assert vendor.invoices(firm.id)[-1] == ("2026-08-09", "2026-08-31", "26.45", "open")
    vendor.run("2026-08-25")  # not paid on 05/08, but his paid days last until the 8th (R8) ...
    assert len(vendor.invoices(firm.id)) == 3  # ... and then R15 leaves him out
    assert vendor.state(firm.id, at_local(date(2026, 8, 8), 23, 59)) == "due"
    assert vendor.state(firm.id, at_local(date(2026, 8, 9))) == "suspended"


def test_a_month_that_renews_is_told_of_no_end(vendor, client, sign_in, post, drain, outbox):
    firm = ended(vendor)
    sign_in(client, firm, "owner")
    post(client, "/licence/reenter", plan_id=str(vendor.plan_id), renews="1")
    drain()
    vendor.enable(firm.id)
    vendor.run("2026-07-25")
    vendor.report(firm.id, "26.45")
    drain()
    sent = len(outbox.mails)
    for day in ("2026-08-01", "2026-08-02", "2026-08-08"):  # a week before the thirty days end
        vendor.night(day)
    assert [one.subject for one in outbox.mails[sent:] if "termina" in one.subject] == []
    assert vendor.licence(firm.id).renews
