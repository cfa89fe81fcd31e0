"""R9: whoever reads a rejection reads its reason, what is owed, by when, and what to do; in one mail."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import tenant_work, unit_of_work
from plugins.billing.services import read_subscriptions
from plugins.licensing.models import Contract, QueuedReport
from plugins.licensing.services import queue
from plugins.licensing.services.decide_access import refusal_sentence
from plugins.licensing.services.explain import state_sentence
from plugins.licensing.services.standing import read_standing
from plugins.sales.models import Invoice
from plugins.sales.services import report_payments
from plugins.sales.services.report_payments import ReportData
from tests.factories.licensing import make_vendor

REASON = "El banco no conoce la referencia"


@pytest.fixture
def vendor(make_tenant, clock, drain):
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    made.client_id = made.contract()
    return made


def reject(vendor):
    with unit_of_work(vendor.north.scope) as session:
        [waiting] = session.scalars(
            select(QueuedReport.report_id).where(QueuedReport.state == "waiting")
        )
        queue.reject_report(session, waiting, reason=REASON, now=vendor.clock.now())
    vendor.drain()


def confirm(vendor):
    with unit_of_work(vendor.north.scope) as session:
        waiting = session.scalars(
            select(QueuedReport.report_id).where(QueuedReport.state == "waiting")
        ).all()
        queue.confirm_reports(session, waiting, now=vendor.clock.now())
    vendor.drain()


def number(vendor):
    """The number of the invoice that the distributor's queue names."""
    with unit_of_work(vendor.north.scope) as session:
        return session.scalars(select(QueuedReport)).first().numbers[0]


@pytest.mark.checklist("PW-15")
def test_rejected_while_overdue_access_ends_with_one_mail_that_says_why(vendor, outbox):
    vendor.enable(vendor.client_id)
    vendor.run("2026-03-25")  # April, due 04-05
    vendor.night("2026-04-06")
    vendor.at("2026-04-07", 9)
    vendor.report(vendor.client_id)
    vendor.drain()
    before = len(outbox.to("hola@gimnasio.ec"))
    reject(vendor)
    assert vendor.state(vendor.client_id) == "suspended"
    [mail] = outbox.to("hola@gimnasio.ec")[before:]
    assert mail.subject == "Su pago reportado de $ 34,50 fue rechazado"
    for part in (
        REASON,
        f"Factura {number(vendor)}, vence el 05/04/2026: $ 34,50",
        "La licencia está suspendida otra vez",
        "el acceso se mantiene o vuelve enseguida",
        "2200112233",
        "/licence",
    ):
        assert part in mail.text, part
    assert "ni pagada ni reportada" not in mail.text

    vendor.at(
        "2026-04-07", 11
    )  # the second rejection in a row: the next report is confirmed first
    vendor.report(vendor.client_id)
    vendor.drain()
    reject(vendor)
    assert "cuando su distribuidor confirme el dinero" in outbox.to("hola@gimnasio.ec")[-1].text

    vendor.at("2026-04-08", 9)
    vendor.report(vendor.client_id)
    vendor.drain()
    assert vendor.state(vendor.client_id) == "suspended"
    vendor.run("2026-04-25")  # R15, for the books as for the licence
    assert len(vendor.invoices(vendor.client_id)) == 2
    confirm(vendor)
    assert vendor.state(vendor.client_id) == "active"


@pytest.mark.checklist("PW-14")
def test_rejected_before_the_due_day_the_mail_says_until_when_to_pay(vendor, outbox):
    vendor.enable(vendor.client_id)
    vendor.run("2026-03-25")
    vendor.at("2026-03-27", 9)
    vendor.report(vendor.client_id)
    vendor.drain()
    before = len(outbox.to("hola@gimnasio.ec"))
    reject(vendor)
    assert vendor.state(vendor.client_id) == "due"
    [mail] = outbox.to("hola@gimnasio.ec")[before:]
    assert REASON in mail.text
    assert "vence el 05/04/2026" in mail.text
    assert "desde el 06/04/2026" in mail.text  # cannot issue from then on
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        standing = read_standing(session, now=vendor.clock.now())
        words = state_sentence(standing)
    assert words.startswith("El pago que usted reportó fue rechazado: lea el motivo")
    assert "06/04/2026" in words
    vendor.night("2026-04-06")
    vendor.at("2026-04-06", 7)  # mails leave from 07:00
    later = outbox.to("hola@gimnasio.ec")[-1]
    assert "suspendida" in later.subject
    assert REASON in later.text  # not that nobody reported it


def test_a_suspension_that_a_rejection_has_said_is_not_mailed_again(vendor, outbox):
    """Suspended at 00:05, reported at 05:00, rejected at 06:00: the letter held until 07:00 stays away."""
    vendor.enable(vendor.client_id)
    vendor.run("2026-03-25")
    before = len(outbox.to("hola@gimnasio.ec"))
    vendor.night("2026-04-06")
    vendor.at("2026-04-06", 5)
    vendor.report(vendor.client_id)
    vendor.drain()
    vendor.at("2026-04-06", 6)
    reject(vendor)
    assert vendor.state(vendor.client_id) == "suspended"
    vendor.at("2026-04-06", 7)
    vendor.drain()
    told = outbox.to("hola@gimnasio.ec")[before:]
    assert [one.subject for one in told if "suspendida" in one.subject + one.text] == [
        "Su pago reportado de $ 34,50 fue rechazado"
    ]


def test_a_rejected_report_of_an_order_names_the_order_and_its_day(vendor, outbox):
    vendor.report(vendor.client_id)
    vendor.drain()
    reject(vendor)
    mail = outbox.to("hola@gimnasio.ec")[-1]
    assert REASON in mail.text
    assert vendor.licence(vendor.client_id).payment_code in mail.text
    assert "16/03/2026" in mail.text  # fifteen days after 03-01


def test_the_page_of_a_suspended_company_says_what_became_of_its_report(vendor):
    """Nobody reads that nothing was reported when something was."""

    def sentence():
        with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
            standing = read_standing(session, now=vendor.clock.now())
            assert standing.state == "suspended"
            return refusal_sentence(standing.state, standing)

    vendor.enable(vendor.client_id)
    vendor.run("2026-03-25")  # April, due 04-05
    vendor.night("2026-04-06")
    assert "no está pagada ni reportada" in sentence()
    vendor.at("2026-04-06", 9)
    vendor.report(vendor.client_id, "5.00")
    vendor.drain()
    assert "no cubre la factura que venció el 05/04/2026" in sentence()
    for hour in (10, 11):
        reject(vendor)
        assert (
            "el pago que reportó de la factura que venció el 05/04/2026 fue rechazado" in sentence()
        )
        vendor.at("2026-04-06", hour)
        vendor.report(vendor.client_id)
        vendor.drain()
        if hour == 10:
            assert vendor.state(vendor.client_id) == "reported"
    assert "espera la confirmación" in sentence()  # after two rejections in a row


def answered(vendor):
    """How the operator's billing sees the client's subscription."""
    with tenant_work(vendor.operator.id) as session:
        key = session.scalars(select(Contract.subscription_id)).one()
        told = read_subscriptions.standings(session, [key], on=vendor.clock.today())
    return told[key].state


def test_rejections_of_an_order_count_for_both_sides_once_it_runs(vendor):
    """A-15: the order was told as paid twice, and enabled on credit; a report of its invoice lifts nothing
    before somebody confirms one.
    """
    for _again in range(2):
        vendor.report(vendor.client_id)
        vendor.drain()
        reject(vendor)
    vendor.enable(vendor.client_id, on_credit=True)
    vendor.run("2026-03-25")
    vendor.night("2026-04-06")  # March and April were due on 04-05
    assert (vendor.state(vendor.client_id), answered(vendor)) == ("suspended", "suspended")
    vendor.at("2026-04-06", 9)
    vendor.report(vendor.client_id, "69.00")
    vendor.drain()
    assert (vendor.state(vendor.client_id), answered(vendor)) == ("suspended", "suspended")
    confirm(vendor)
    assert (vendor.state(vendor.client_id), answered(vendor)) == ("active", "current")


def test_a_confirmed_order_stands_between_two_rejections(vendor):
    """Rejected, confirmed, rejected: the next report lifts the block, in billing as for the licence."""
    for answer in (reject, confirm):
        vendor.at(f"2026-03-0{2 if answer is reject else 3}", 9)
        vendor.report(vendor.client_id)
        vendor.drain()
        answer(vendor)
    vendor.run("2026-03-25")
    vendor.night("2026-04-06")
    for hour in (9, 10):
        vendor.at("2026-04-06", hour)
        vendor.report(vendor.client_id)
        vendor.drain()
        assert (vendor.state(vendor.client_id), answered(vendor)) == ("reported", "reported")
        if hour == 9:
            reject(vendor)
            assert (vendor.state(vendor.client_id), answered(vendor)) == ("suspended", "suspended")


def test_a_report_by_the_link_of_the_mail_is_answered_by_the_licence_alone(vendor, outbox):
    """Reported without sign-in, rejected on the operator's page of sales: one letter, the licence's."""
    vendor.enable(vendor.client_id)
    vendor.run("2026-03-25")
    now = vendor.at("2026-04-07", 9)
    with unit_of_work(vendor.operator.scope) as session:
        invoice = session.scalars(select(Invoice).order_by(Invoice.id.desc())).first()
        said = ReportData(invoice.customer_id, "Banco", invoice.balance, now.date(), [invoice.id],
                          reference="9")  # fmt: skip
        ref = report_payments.report_payment(session, said, report_key="k" * 20, now=now)
    vendor.drain()
    before = len(outbox.to("hola@gimnasio.ec"))
    with unit_of_work(vendor.operator.scope) as session:
        report_payments.reject_report(session, ref.id, reason=REASON, user_id=None, now=now)
    vendor.drain()
    [mail] = outbox.to("hola@gimnasio.ec")[before:]
    assert mail.subject == "Su pago reportado de $ 34,50 fue rechazado"
