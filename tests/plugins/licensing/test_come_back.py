"""Back for one month: what it costs today, the order, the report, and access in the same minute."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import select

from core.adapters.clock import at_local
from core.db.scope import Scope
from core.db.session import unit_of_work
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
    assert "espera la confirmación" in words(client.get("/licence/return"))
    assert len(vendor.invoices(firm.id)) == 1


def test_an_old_invoice_is_settled_first(vendor, client, sign_in, post, drain):
    firm = Firm(vendor.contract())
    vendor.enable(firm.id)
    vendor.run("2026-03-25")  # April is never paid
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
