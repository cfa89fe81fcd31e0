"""One transfer told twice is marked and taken (A-31); one transfer told for several companies is one."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.errors import NotFound
from core.services import settings
from plugins.licensing.models import PaymentReportRow, QueuedReport
from plugins.licensing.services import pay_many, queue
from plugins.licensing.services.publish import publish_offers
from plugins.licensing.services.report_payment import ReportData, report_payment
from tests.conftest import add_member
from tests.factories.licensing import make_vendor

PICHINCHA, GUAYAQUIL = "Pichincha ahorros 1", "Guayaquil corriente 2"
TOLD = ReportData(
    bank="Produbanco", value_on=date(2026, 4, 2), amount=Decimal("34.50"), reference="SAME1"
)


@pytest.fixture
def vendor(make_tenant, clock, drain, app):
    """Two clients of one distributor on 2 April, each with an invoice to pay; the vendor has two accounts."""
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    with unit_of_work(made.operator.scope) as session:
        settings.write(session, "licensing.vendor_accounts", f"{PICHINCHA}\n{GUAYAQUIL}")
        publish_offers(session, now=clock.now())
    made.gym = made.contract()
    made.school = made.contract(
        tax_id="1790016919001", name="Escuela Sol", identification="1714616123"
    )
    made.enable(made.gym)
    made.enable(made.school)
    made.run("2026-03-25")
    made.at("2026-04-02", 9)
    return made


def tell(vendor, client, data):
    with unit_of_work(Scope(tenant_id=client)) as session:
        return report_payment(session, data, now=vendor.clock.now()).is_duplicate


def marked(vendor):
    """At the distributor: is_duplicate by report, oldest first."""
    vendor.drain()
    with unit_of_work(vendor.north.scope) as session:
        rows = session.scalars(select(QueuedReport).order_by(QueuedReport.id)).all()
        return sorted((row.client_name, row.is_duplicate) for row in rows)


def typed(**more):
    return {
        "amount": "69,00",
        "value_on": "2026-04-02",
        "bank": "Produbanco",
        "reference": "SAME1",
        "account": PICHINCHA,
    } | more


def test_the_receiving_account_is_part_of_the_sameness(vendor):
    assert not tell(vendor, vendor.gym, replace(TOLD, account=PICHINCHA))
    assert not tell(vendor, vendor.gym, replace(TOLD, account=GUAYAQUIL))
    assert not tell(vendor, vendor.gym, replace(TOLD, account=PICHINCHA, reference="OTHER"))
    assert not tell(vendor, vendor.gym, replace(TOLD, account=PICHINCHA, amount=Decimal("34.49")))
    assert tell(vendor, vendor.gym, replace(TOLD, account=PICHINCHA, bank=" produbanco "))
    assert tell(vendor, vendor.gym, TOLD)  # not said: it may be either
    assert not tell(vendor, vendor.school, replace(TOLD, account=GUAYAQUIL, reference=""
        , slip=_slip(), payer="Ana"))  # fmt: skip
    assert [one for _name, one in marked(vendor)] == [False, False, False, False, False, True, True]


def _slip():
    return b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def test_a_transfer_of_several_companies_told_again_is_marked_for_both(
    vendor, client, sign_in, post
):
    """A person keeps the books of both; the second time the page and the queue say so."""

    class Gym:
        id, scope = vendor.gym, Scope(tenant_id=vendor.gym)

    class School:
        id, scope = vendor.school, Scope(tenant_id=vendor.school)

    person = sign_in(client, Gym, "accountant")
    add_member(person, School, "accountant")
    page = client.get("/licence/report-many").get_data(as_text=True)
    assert "Cuenta a la que pagó" in page
    assert GUAYAQUIL in page
    both = [str(vendor.gym), str(vendor.school)]
    assert (
        post(client, "/licence/report-many", **typed(form_key="a", companies=both)).status_code
        == 303
    )
    assert "Se parece a un reporte anterior" not in client.get("/licence/").get_data(as_text=True)
    assert marked(vendor) == [("Escuela Sol", False), ("Gimnasio Andino", False)]
    assert (
        post(client, "/licence/report-many", **typed(form_key="b", companies=both)).status_code
        == 303
    )
    assert "Se parece a un reporte anterior" in client.get("/licence/").get_data(as_text=True)
    assert marked(vendor) == [
        (name, twin) for name in ("Escuela Sol", "Gimnasio Andino") for twin in (False, True)
    ]
    # the whole transfer told once more for one of them alone
    assert tell(vendor, vendor.gym, replace(TOLD, amount=Decimal("69.00"), account=PICHINCHA))
    assert marked(vendor)[2:] == [("Gimnasio Andino", one) for one in (False, True, True)]


def test_a_distributor_reports_one_payment_of_several_of_his_clients(vendor, client, sign_in, post):
    other = vendor.contract(
        distributor=vendor.south, tax_id="1792060346001", name="Tienda Sur",
        identification="0926687856", email="t@sur.ec",
    )  # fmt: skip
    vendor.enable(other, distributor=vendor.south, on_credit=True)
    sign_in(client, vendor.north, "distributor")
    assert "/portfolio/report" in client.get("/portfolio/").get_data(as_text=True)
    page = client.get("/portfolio/report").get_data(as_text=True)
    assert all(one in page for one in ("Escuela Sol", "Gimnasio Andino", GUAYAQUIL))
    assert "Tienda Sur" not in page
    foreign = post(
        client, "/portfolio/report", **typed(form_key="x", companies=[str(vendor.gym), str(other)])
    )
    assert foreign.status_code == 404
    assert marked(vendor) == []
    assert post(client, "/portfolio/report", **typed(form_key="y")).status_code == 422
    both = [str(vendor.gym), str(vendor.school)]
    for _again in range(2):  # sent twice it is one report for each
        answer = post(client, "/portfolio/report", **typed(form_key="z", companies=both))
        assert answer.status_code == 303
    assert marked(vendor) == [("Escuela Sol", False), ("Gimnasio Andino", False)]
    assert {vendor.state(one) for one in (vendor.gym, vendor.school)} == {"reported"}
    with unit_of_work(Scope(tenant_id=vendor.school)) as session:
        row = session.scalars(select(PaymentReportRow)).one()
        assert (row.amount, row.transferred, row.account) == (
            Decimal("34.50"), Decimal("69.00"), PICHINCHA,
        )  # fmt: skip
    with unit_of_work(vendor.north.scope) as session:
        waiting = list(session.scalars(select(QueuedReport.report_id)))
        queue.confirm_reports(session, waiting, now=vendor.clock.now())
    vendor.drain()
    assert {vendor.state(one) for one in (vendor.gym, vendor.school)} == {"active"}
    with unit_of_work(vendor.north.scope) as session:
        assert pay_many.clients_who_owe(session) == []


@pytest.mark.parametrize("order", [1, -1], ids=["as before", "the other way round"])
def test_a_form_sent_again_after_a_failure_in_the_middle_goes_on_with_the_same_group(
    vendor, make_person, monkeypatch, order
):
    """70.00 told for 34.50 + 34.50: the process dies between the two, the person sends the form again."""

    class Company:
        id, scope = vendor.gym, Scope(tenant_id=vendor.gym)

    person = make_person(Company, "accountant")
    Company.id, Company.scope = vendor.school, Scope(tenant_id=vendor.school)
    add_member(person, Company, "accountant")
    data = replace(TOLD, amount=Decimal("70.00"), form_key="the form")
    both = [vendor.gym, vendor.school]

    def stored():
        found = []
        for one in both:
            with unit_of_work(Scope(tenant_id=one)) as session:
                found += session.scalars(select(PaymentReportRow)).all()
        return found

    real = pay_many.report_payment

    def dies_at_the_second(session, part, *, now):
        if part.amount == Decimal("35.50"):
            raise ConnectionError("the server went away")
        return real(session, part, now=now)

    with monkeypatch.context() as patched:
        patched.setattr(pay_many, "report_payment", dies_at_the_second)
        with pytest.raises(ConnectionError):
            pay_many.report_for_many(person, data, both, now=vendor.clock.now())
    (first,) = stored()
    assert marked(vendor) == [("Gimnasio Andino", False)]

    with unit_of_work(
        vendor.north.scope
    ) as session:  # the first is confirmed before the person comes back
        waiting = list(session.scalars(select(QueuedReport.report_id)))
        queue.confirm_reports(session, waiting, now=vendor.clock.now())
    vendor.drain()
    assert vendor.state(vendor.gym) == "active"

    for _again in range(2):  # the second time there is nothing left to do
        made = pay_many.report_for_many(person, data, both[::order], now=vendor.clock.now())
        assert {one.amount for one in made} == {Decimal("34.50"), Decimal("35.50")}
    gym, school = stored()
    assert gym.id == first.id
    assert [one.amount for one in (gym, school)] == [Decimal("34.50"), Decimal("35.50")]
    assert {one.group_id for one in (gym, school)} == {first.group_id}
    assert {one.transferred for one in (gym, school)} == {Decimal("70.00")}
    assert marked(vendor) == [("Escuela Sol", False), ("Gimnasio Andino", False)]
    other_form = replace(data, form_key="another form")
    with pytest.raises(NotFound):  # the gym owes nothing any more
        pay_many.report_for_many(person, other_form, both, now=vendor.clock.now())
    assert len(stored()) == 2


def test_only_the_same_form_of_the_same_teller_is_one_transfer():
    one = pay_many.group_of("user:1", "a")
    assert one == pay_many.group_of("user:1", "a")
    others = [("user:2", "a"), ("tenant:1", "a"), ("user:1", "b"), ("user:1", None), ("user:1", "")]
    assert len({one, *(pay_many.group_of(*other) for other in others)}) == 6


TICK = re.compile(r'name="companies" value="([0-9a-f-]{36})"( checked)?')
AMOUNT = re.compile(r'value="([^"]*)" id="amount"')


@pytest.mark.parametrize(
    ("path", "role", "title", "home", "ticked", "amount"),
    [
        ("/licence/report-many", "accountant", "Una transferencia para varias empresas", "/licence", True, "69,00"),
        ("/portfolio/report", "distributor", "Un pago de varios clientes", "/portfolio", False, ""),
    ],
)  # fmt: skip
def test_the_form_of_several_begins_with_its_ticks_and_keeps_what_was_ticked(
    vendor, client, sign_in, post, path, role, title, home, ticked, amount
):
    """The own companies are all ticked with what they owe together; a distributor's clients are not."""

    class Company:
        id, scope = vendor.gym, Scope(tenant_id=vendor.gym)

    if role == "distributor":
        sign_in(client, vendor.north, role)
    else:
        person = sign_in(client, Company, role)
        Company.id, Company.scope = vendor.school, Scope(tenant_id=vendor.school)
        add_member(person, Company, role)
    page = client.get(path).get_data(as_text=True)
    assert f"<title>{title}" in page
    assert f'href="{home}"' in page[page.index('class="crumbs"') :]
    both = {str(vendor.gym), str(vendor.school)}
    assert {one: bool(mark) for one, mark in TICK.findall(page)} == dict.fromkeys(both, ticked)
    assert AMOUNT.findall(page) == [amount]
    wrong = post(client, path, **typed(form_key="k", bank="", companies=[str(vendor.school)]))
    assert wrong.status_code == 422
    page = wrong.get_data(as_text=True)
    assert {one for one, mark in TICK.findall(page) if mark} == {str(vendor.school)}
    assert AMOUNT.findall(page) == ["69,00"]
    assert 'name="form_key" value="k"' in page
