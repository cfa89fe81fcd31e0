"""A-11 and R15: credit notes over licence invoices, what SRI still annuls, who a run left out."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from core.db.session import unit_of_work
from core.models import Holiday
from plugins.billing.services.sweep_day import sweep_day
from plugins.licensing import jobs
from plugins.licensing.domain.credits import annulment_day
from plugins.licensing.models import Contract, CreditDraft
from plugins.licensing.services import credit_drafts
from plugins.sales.models import CreditNote, Invoice
from plugins.sales.services.issue_credit_notes import annul_invoice
from tests.factories.licensing import make_vendor
from tests.plugins.licensing.test_views import Tenancy, text


@pytest.fixture
def vendor(make_tenant, clock, drain, app):
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    made.client_id = made.contract()
    made.enable(made.client_id)
    return made


def notes(vendor):
    """(reason, total) of the credit notes in the operator's books."""
    with unit_of_work(vendor.operator.scope) as session:
        return [(one.reason, str(one.total)) for one in session.scalars(select(CreditNote))]


def drafts(party):
    with unit_of_work(party.scope) as session:
        return [(one.reason, one.state) for one in session.scalars(select(CreditDraft))]


def draft_of(party):
    with unit_of_work(party.scope) as session:
        return session.scalars(select(CreditDraft.invoice_id)).one()


@pytest.mark.checklist("PW-16")
def test_a_client_who_cancels_after_the_25th_gets_a_credit_note_in_one_click(
    vendor, client, sign_in, post, outbox
):
    vendor.run("2026-03-25")
    vendor.at("2026-03-28", 9)
    owner = Tenancy(vendor.client_id)
    sign_in(client, owner, "owner")
    before = text(client.get("/licence/cancel"))
    assert "30/04/2026" in before
    assert "puede anularla con una nota de crédito" in before
    assert post(client, "/licence/cancel").status_code == 303
    vendor.drain()
    assert "decide si una nota de crédito anula la factura" in text(client.get("/licence"))
    assert "nota de crédito" in outbox.to("hola@gimnasio.ec")[-1].text
    assert drafts(vendor.operator) == drafts(vendor.north) == [("cancelled", "draft")]
    assert notes(vendor) == []

    invoice_id = draft_of(vendor.north)
    sign_in(client, vendor.south, "distributor")
    assert post(client, f"/portfolio/credit/{invoice_id}/confirm").status_code == 404
    sign_in(client, vendor.north, "distributor")
    [row] = vendor.portfolio(vendor.north)
    assert "Emitir la nota de crédito" in text(client.get(f"/portfolio/{row.id}"))
    assert "por decidir" in text(client.get("/"))
    assert post(client, f"/portfolio/credit/{invoice_id}/confirm").status_code == 303
    assert post(client, f"/portfolio/credit/{invoice_id}/confirm").status_code == 409
    vendor.drain()
    assert notes(vendor) == [
        ("Servicio cancelado antes de que empiece el período facturado", "34.50")
    ]
    assert drafts(owner) == drafts(vendor.north) == [("cancelled", "issued")]
    assert vendor.invoices(vendor.client_id)[1] == (
        "2026-04-01",
        "2026-04-30",
        "34.50",
        "cancelled",
    )
    sign_in(client, owner, "owner")
    page = text(client.get("/licence"))
    assert "anuló la factura" in page
    assert "31/03/2026" in page  # it ends where the paid days end
    vendor.night("2026-04-01")
    assert vendor.state(vendor.client_id) == "expired"


@pytest.mark.checklist("PW-16")
def test_a_mail_that_came_before_the_25th_is_entered_after_it(vendor, client, sign_in, post):
    vendor.run("2026-03-25")
    vendor.at("2026-04-02", 9)  # the period has begun; the mail was older
    sign_in(client, vendor.north, "distributor")
    [row] = vendor.portfolio(vendor.north)
    page = f"/portfolio/{row.id}/cancel"
    assert "30/04/2026" in text(client.get(page))
    for wrong in ("2026-04-03", "2026-02-28", "2026-02-31", "ayer"):
        refused = post(client, page, received_on=wrong)
        assert refused.status_code == 422, wrong
        assert 'role="alert"' in text(refused)
    assert vendor.licence(vendor.client_id).cancelled_on is None
    assert post(client, page, received_on="2026-03-24").status_code == 303
    vendor.drain()
    assert str(vendor.licence(vendor.client_id).cancelled_on) == "2026-03-24"
    assert drafts(vendor.north) == [("cancelled", "draft")]
    invoice_id = draft_of(vendor.north)
    assert post(client, f"/portfolio/credit/{invoice_id}/dismiss").status_code == 303
    vendor.drain()
    assert drafts(vendor.operator) == [("cancelled", "dismissed")]
    assert vendor.invoices(vendor.client_id)[1][3] == "open"  # otherwise it stays due


@pytest.mark.checklist("PW-15", "PW-17")
def test_the_6th_shows_what_sri_annuls_and_the_run_who_it_left_out(vendor, client, sign_in, post):
    vendor.run("2026-03-25")
    with unit_of_work() as session:
        session.add(Holiday(on_date=date(2026, 4, 7), name="Feriado decretado"))
    vendor.night("2026-04-06")
    vendor.at("2026-04-06", 9)
    sign_in(client, vendor.north, "distributor")
    page = text(client.get("/portfolio/unpaid"))
    assert "El SRI la anula hasta el 08/04/2026" in page  # the 7th is a holiday
    assert "08/04/2026" in text(client.get("/"))
    assert "Preparar nota de crédito" not in page
    vendor.at("2026-04-09", 9)
    sign_in(client, vendor.north, "distributor")
    assert "Preparar nota de crédito" in text(client.get("/portfolio/unpaid"))
    assert drafts(vendor.operator) == []

    vendor.run("2026-04-25")
    assert len(vendor.invoices(vendor.client_id)) == 2  # R15: none for May
    assert drafts(vendor.operator) == drafts(vendor.north) == [("unpaid", "draft")]
    assert drafts(Tenancy(vendor.client_id)) == []  # he may still pay
    [row] = vendor.portfolio(vendor.north)
    assert str(row.left_out_on) == "2026-04-25"
    vendor.night("2026-05-01")
    assert vendor.state(vendor.client_id) == "expired"
    vendor.at("2026-05-06", 9)
    sign_in(client, vendor.north, "distributor")
    assert "Suspendida en la corrida" in text(client.get("/portfolio?light=suspended_at_run"))
    assert "Sin factura el 25/04/2026" in text(client.get("/portfolio/unpaid"))

    report_id = vendor.report(vendor.client_id)  # while it waits, no note
    vendor.drain()
    invoice_id = draft_of(vendor.operator)
    sign_in(client, vendor.operator, "operator")
    assert client.get("/office/licences/unpaid").status_code == 200
    assert post(client, f"/office/licences/credit/{invoice_id}/confirm").status_code == 409
    sign_in(client, vendor.north, "distributor")
    assert (
        post(client, f"/licensing/queue/{report_id}/reject", reason="No llegó").status_code == 303
    )
    vendor.drain()
    sign_in(client, vendor.operator, "operator")
    assert "Sin factura el 25/04/2026" in text(client.get("/office/licences/unpaid"))
    assert post(client, f"/office/licences/credit/{invoice_id}/confirm").status_code == 303
    vendor.drain()
    assert notes(vendor) == [("Servicio suspendido por falta de pago", "34.50")]
    assert drafts(vendor.north) == drafts(Tenancy(vendor.client_id)) == [("unpaid", "issued")]
    sign_in(client, Tenancy(vendor.client_id), "owner")
    assert post(client, "/licence/reenter", plan_id=str(vendor.plan_id)).status_code == 303


def test_who_pays_after_the_run_is_invoiced_and_leaves_the_list(vendor, client, sign_in):
    vendor.run("2026-03-25")
    vendor.night("2026-04-06")
    vendor.run("2026-04-25")
    vendor.at("2026-04-27", 9)
    vendor.report(vendor.client_id)
    vendor.drain()
    vendor.run("2026-04-28")  # the missed day is caught up
    assert vendor.invoices(vendor.client_id)[2][:2] == ("2026-05-01", "2026-05-31")
    with unit_of_work(vendor.operator.scope) as session:
        assert session.scalars(select(Contract.left_out_on)).all() == [None]
    sign_in(client, vendor.north, "distributor")
    assert "Sin factura el" not in text(client.get("/portfolio/unpaid"))


@pytest.mark.parametrize("caught_up", ["2026-04-27", "2026-05-01", "2026-06-02"])
def test_a_missed_25th_that_is_caught_up_late_knows_whom_it_left_out(vendor, caught_up):
    """The machines stood still on 04-25; the sweep of 05-01 ends the unpaid subscription first (R13, R15)."""
    vendor.run("2026-03-25")
    vendor.night("2026-04-06")
    vendor.at(caught_up, 0, 5)
    sweep_day(vendor.operator.id, on=date.fromisoformat(caught_up), now=vendor.clock.now())
    now = vendor.at(caught_up, 1, 30)
    for due_at in ("2026-03-25T06:30:00+00:00", "2026-04-25T06:30:00+00:00"):
        jobs.run_day_25({"schedule": "licensing.day_25", "due_at": due_at}, now)
        vendor.drain()
        [row] = vendor.portfolio(vendor.north)
        assert str(row.left_out_on) == ("2026-04-25" if "04-25" in due_at else "None")
    assert drafts(vendor.operator) == [("unpaid", "draft")]


@pytest.mark.parametrize(
    ("issued", "day"),
    [("2026-03-25", "2026-04-07"), ("2026-03-31", "2026-04-07"), ("2026-12-25", "2027-01-07"),
     ("2026-04-01", "2026-05-07"), ("2028-01-31", "2028-02-07")],
)  # fmt: skip
def test_sri_annuls_until_the_7th_of_the_month_after(issued, day):
    assert str(annulment_day(date.fromisoformat(issued))) == day


@pytest.mark.parametrize("way", ["annulled", "credited"])
def test_who_never_paid_is_not_invoiced_again_once_the_invoice_is_undone(vendor, way):
    """April is undone: the licence is over, and the run neither catches May up nor comes back to it (R15)."""
    vendor.run("2026-03-25")
    vendor.night("2026-04-06")
    if way == "credited":
        vendor.run("2026-04-25")
        with unit_of_work(vendor.operator.scope) as session:
            invoice_id = session.scalars(select(CreditDraft.invoice_id)).one()
            credit_drafts.confirm_draft(session, invoice_id, now=vendor.clock.now())
    else:
        with unit_of_work(vendor.operator.scope) as session:
            invoice_id = session.scalars(select(Invoice.id).where(Invoice.state == "issued")).one()
            annul_invoice(session, invoice_id, reason="No pagó", now=vendor.clock.now())
    vendor.drain()
    assert vendor.state(vendor.client_id) == "expired"
    assert vendor.licence(vendor.client_id).upcoming == []
    vendor.run("2026-04-26")
    vendor.run("2026-05-25")
    assert [one[3] for one in vendor.invoices(vendor.client_id)] == ["paid", "cancelled"]
    assert vendor.state(vendor.client_id) == "expired"


def test_a_first_invoice_on_credit_that_is_undone_leaves_no_licence(make_tenant, clock, drain):
    """S = 2026-03-12 on credit, due 04-05: neither that nor the bridge was paid."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-12")
    client_id = vendor.contract()
    vendor.enable(client_id, on_credit=True)
    vendor.run("2026-03-25")
    vendor.night("2026-04-06")
    vendor.run("2026-04-25")
    with unit_of_work(vendor.operator.scope) as session:
        for invoice_id in session.scalars(select(CreditDraft.invoice_id)).all():
            credit_drafts.confirm_draft(session, invoice_id, now=vendor.clock.now())
    vendor.drain()
    assert {one[3] for one in vendor.invoices(client_id)} == {"cancelled"}
    assert vendor.state(client_id) == "expired"
    vendor.run("2026-05-25")
    assert len(vendor.invoices(client_id)) == 2
