"""The vendor's bank statement and the reports of its clients: the same money is booked once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.domain.payment_codes import payment_code
from core.errors import Conflict
from core.services import settings
from plugins.licensing.models import Contract, PaymentReportRow, QueuedReport
from plugins.licensing.services import queue
from plugins.licensing.services.pay_many import report_for_many
from plugins.licensing.services.report_payment import ReportData
from plugins.sales.models import Credit, Customer, Payment, StatementRow
from plugins.sales.services.import_statements import import_statement, settle_row
from tests.conftest import add_member
from tests.factories.licensing import CLIENT_RUC, make_vendor

COLUMNS = {"value_on": 0, "description": 1, "reference": 2, "amount": 3}
PAID_ON = date(2026, 4, 2)


@pytest.fixture
def vendor(make_tenant, clock, drain):
    """On 2 April with the invoice of April (34.50) to pay; that of March is paid."""
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    made.client_id = made.contract()
    made.enable(made.client_id)
    made.run("2026-03-25")
    made.at("2026-04-02", 9)
    return made


def said(vendor, **more):
    """The client reports its transfer; nobody has heard of it yet."""
    return vendor.report(vendor.client_id, **({"reference": "ABC123", "value_on": PAID_ON} | more))


def imported(vendor, reference="ABC123", amount="34.50", description="TRANSF"):
    """(settled, suggested, unmatched, known) of a statement with one credit."""
    rows = [
        ["Fecha", "Detalle", "Referencia", "Credito"],
        ["02/04/2026", description, reference, amount],
    ]
    with unit_of_work(vendor.operator.scope) as session:
        done = import_statement(
            session, rows, COLUMNS, account_id=None, filename="b.csv", user_id=None,
            now=vendor.clock.now(),
        )  # fmt: skip
    return done.settled, done.suggested, done.unmatched, done.known


def taken(vendor):
    """A person takes the suggestion of the one row."""
    with unit_of_work(vendor.operator.scope) as session:
        [row_id] = session.scalars(select(StatementRow.id))
        settle_row(session, row_id, user_id=None, now=vendor.clock.now())


def confirmed(vendor, *reports, by=None):
    with unit_of_work((by or vendor.north).scope) as session:
        queue.confirm_reports(session, list(reports), now=vendor.clock.now())


def money(vendor):
    """(amount, reference, where from) of April's payments; credit that customers have."""
    with unit_of_work(vendor.operator.scope) as session:
        rows = session.execute(
            select(Payment.amount, Payment.reference, Payment.idempotency_key)
            .where(Payment.value_on >= date(2026, 4, 1))
            .order_by(Payment.id)
        ).all()
        credit = sum(session.scalars(select(Credit.remaining)))
    return [(str(one), ref, key.split(":")[0]) for one, ref, key in rows], str(credit)


def answers(vendor):
    """State of the reports at the operator and at the distributor."""
    found = []
    for party in (vendor.operator, vendor.north):
        with unit_of_work(party.scope) as session:
            found.append(list(session.scalars(select(QueuedReport.state))))
    return found


def linked(vendor):
    """Whether the one row of the statement names the one payment of April."""
    with unit_of_work(vendor.operator.scope) as session:
        row = session.scalars(select(StatementRow)).one()
        payment = session.scalars(
            select(Payment.id).where(Payment.value_on >= date(2026, 4, 1))
        ).one()
        return row.state == "settled" and row.payment_id == payment


def test_exactly_the_reported_transfer_confirms_the_report(vendor):
    report = said(vendor)
    vendor.drain()
    assert vendor.state(vendor.client_id) == "reported"
    assert imported(vendor, reference=" 0abc-123") == (1, 0, 0, 0)
    vendor.drain()
    assert money(vendor) == ([("34.50", "ABC123", "report")], "0")
    assert linked(vendor)
    assert answers(vendor) == [["confirmed"], ["confirmed"]]
    assert vendor.state(vendor.client_id) == "active"
    assert [one[3] for one in vendor.invoices(vendor.client_id)] == ["paid", "paid"]
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        assert session.get_one(PaymentReportRow, report).state in ("confirmed", "applied")
    assert imported(vendor, reference=" 0abc-123") == (0, 0, 0, 1)
    with pytest.raises(Conflict):
        confirmed(vendor, report)


def test_both_at_once_book_once(vendor):
    """The distributor confirms before it hears that the statement did."""
    report = said(vendor)
    vendor.drain()
    assert imported(vendor) == (1, 0, 0, 0)
    confirmed(vendor, report)
    vendor.drain()
    assert money(vendor) == ([("34.50", "ABC123", "report")], "0")


def test_what_was_confirmed_first_is_known_to_the_statement(vendor):
    """Also where the client paid too much: what is over is its credit, once."""
    report = said(vendor, amount="40.00")
    vendor.drain()
    confirmed(vendor, report)
    vendor.drain()
    assert imported(vendor, amount="40.00") == (1, 0, 0, 0)
    vendor.drain()
    assert money(vendor) == ([("40.00", "ABC123", "report")], "5.50")
    assert linked(vendor)


def test_another_reference_is_a_suggestion_that_confirms_the_report(vendor):
    report = said(vendor)
    vendor.drain()
    assert imported(vendor, reference="999") == (0, 1, 0, 0)
    assert money(vendor) == ([], "0")
    assert answers(vendor) == [["waiting"], ["waiting"]]
    taken(vendor)
    vendor.drain()
    assert money(vendor) == ([("34.50", "ABC123", "report")], "0")
    assert linked(vendor)
    assert answers(vendor) == [["confirmed"], ["confirmed"]]
    with pytest.raises(Conflict):
        confirmed(vendor, report, by=vendor.operator)


@pytest.mark.parametrize(
    ("who", "reference"), [("distributor", "OTHER"), ("operator", "ABC123"), ("operator", "OTHER")]
)
def test_a_report_after_its_money_makes_no_second_payment(
    vendor, app, client, sign_in, post, who, reference
):
    """The statement's payment came first: whoever confirms the report is told so."""
    said(vendor, reference=reference)  # on its way still
    assert imported(vendor, description=vendor.licence(vendor.client_id).payment_code) == (
        0,
        1,
        0,
        0,
    )
    taken(vendor)
    vendor.drain()
    assert money(vendor) == ([("34.50", "ABC123", "statement")], "0")
    [report] = _waiting(vendor)
    sign_in(client, vendor.north if who == "distributor" else vendor.operator, who)
    answer = post(client, "/licensing/queue/confirm", reports=str(report))
    assert answer.status_code == 303
    page = client.get("/licensing/queue/").get_data(as_text=True)
    assert "El dinero de Gimnasio Andino ya está en los libros" in page
    vendor.drain()
    assert answers(vendor) == [["confirmed"], ["confirmed"]]
    assert money(vendor) == ([("34.50", "ABC123", "statement")], "0")
    assert vendor.state(vendor.client_id) == "active"


def _waiting(vendor):
    with unit_of_work(vendor.operator.scope) as session:
        return list(
            session.scalars(select(QueuedReport.report_id).where(QueuedReport.state == "waiting"))
        )


@pytest.mark.parametrize("first", ["statement", "distributor"])
def test_one_transfer_for_two_companies_is_one_credit(vendor, make_person, first):
    school = vendor.contract(
        tax_id="1790016919001", name="Escuela Sol", identification="1714616123"
    )
    vendor.enable(school, on_credit=True)
    vendor.drain()

    class Company:
        id = vendor.client_id
        scope = Scope(tenant_id=vendor.client_id)

    person = make_person(Company, "accountant")
    Company.id, Company.scope = school, Scope(tenant_id=school)
    add_member(person, Company, "accountant")
    owed = Decimal(vendor.invoices(school)[0][2]) + Decimal("34.50")
    data = ReportData(bank="Pichincha", value_on=PAID_ON, amount=owed, reference="SAME1")
    report_for_many(person, data, [vendor.client_id, school], now=vendor.clock.now())
    vendor.drain()
    if first == "distributor":  # one of the two only: the credit is still the whole transfer
        confirmed(vendor, _waiting(vendor)[0])
        vendor.drain()
    assert imported(vendor, "SAME1", str(owed)) == (1, 0, 0, 0)
    vendor.drain()
    booked, credit = money(vendor)
    assert [(ref, kind) for _amount, ref, kind in booked] == [("SAME1", "report")] * 2
    assert sum(Decimal(one[0]) for one in booked) == owed
    assert credit == "0"
    assert answers(vendor) == [["confirmed"] * 2] * 2


def test_the_code_of_an_order_is_recognised_and_enables_it(make_tenant, clock, drain):
    vendor = make_vendor(make_tenant, clock, drain, "2026-04-02")
    vendor.client_id = vendor.contract()
    licence = vendor.licence(vendor.client_id)
    total = str(licence.first_total)
    assert imported(vendor, "77", total, f"TRANSF {licence.payment_code.lower()} GIM") == (
        0,
        1,
        0,
        0,
    )
    with unit_of_work(vendor.operator.scope) as session:
        assert session.scalars(select(Contract.state)).one() == "order"
        named = session.scalars(select(StatementRow.suggested_customer_id)).one()
        assert session.get_one(Customer, named).legal_name == "Gimnasio Andino"
    taken(vendor)
    vendor.drain()
    assert money(vendor) == ([(total, "77", "order")], "0")
    assert linked(vendor)
    assert vendor.state(vendor.client_id) == "active"
    assert [one[2:] for one in vendor.invoices(vendor.client_id)] == [(total, "paid")]


def test_too_little_for_an_order_enables_nothing(make_tenant, clock, drain):
    vendor = make_vendor(make_tenant, clock, drain, "2026-04-02")
    vendor.client_id = vendor.contract()
    assert imported(vendor, vendor.licence(vendor.client_id).payment_code, "5.00") == (0, 1, 0, 0)
    taken(vendor)
    vendor.drain()
    assert money(vendor)[1] == "5.00"  # his credit
    assert vendor.state(vendor.client_id) == "order"


def test_a_reported_part_of_an_order_waits_for_the_rest(
    make_tenant, clock, drain, app, client, sign_in, post
):
    """R2: 20.00 of 34.50 enable nothing, and are booked once: with the 14.50 that follow."""
    vendor = make_vendor(make_tenant, clock, drain, "2026-04-02")
    vendor.client_id = vendor.contract()
    reports = [said(vendor, amount="20.00", reference="A-1")]
    vendor.drain()
    assert imported(vendor, "ZZ9", "20.00") == (0, 1, 0, 0)
    with unit_of_work(vendor.operator.scope) as session:
        row_id = session.scalars(select(StatementRow.id)).one()
    sign_in(client, vendor.operator, "operator")
    page = f"/sales/statements/rows/{row_id}/settle"
    for given in ({}, {"tax_id": CLIENT_RUC}):
        refused = post(client, page, **given)
        assert refused.status_code == 422
        assert "$ 14,50" in refused.get_data(as_text=True)
        with unit_of_work(vendor.operator.scope) as session:
            assert session.get_one(StatementRow, row_id).state == "suggested"
        assert money(vendor) == ([], "0")
        assert answers(vendor) == [["waiting"], ["waiting"]]
    reports.append(said(vendor, amount="14.50", reference="A-2"))
    vendor.drain()
    confirmed(vendor, *reports)
    vendor.drain()
    assert money(vendor) == ([("20.00", "A-1", "order"), ("14.50", "A-2", "report")], "0")
    assert [one[2:] for one in vendor.invoices(vendor.client_id)] == [("34.50", "paid")]


def test_reports_of_others_settle_nothing_here(vendor, tenant):
    """A company that imports its own statement has nothing to do with the vendor's reports."""
    said(vendor)
    vendor.drain()
    vendor_of = vendor.operator
    for stranger in (tenant, vendor.north):
        vendor.operator = stranger
        assert imported(replace(vendor)) == (0, 0, 1, 0)
    vendor.operator = vendor_of
    assert answers(vendor) == [["waiting"], ["waiting"]]


def test_confirmed_between_the_import_and_the_click_is_that_payment(vendor):
    """The row was suggested by the customer's code; then the client told and the money was confirmed."""
    with unit_of_work(vendor.operator.scope) as session:
        code = payment_code(session.scalars(select(Customer.id)).one())
    assert imported(vendor, description=f"TRANSF {code}") == (0, 1, 0, 0)
    report = said(vendor)
    vendor.drain()
    confirmed(vendor, report)
    vendor.drain()
    taken(vendor)
    assert money(vendor) == ([("34.50", "ABC123", "report")], "0")
    assert linked(vendor)


def test_alike_with_another_reference_is_asked_about(vendor):
    with unit_of_work(vendor.operator.scope) as session:
        code = payment_code(session.scalars(select(Customer.id)).one())
    assert imported(vendor, reference="999", description=f"TRANSF {code}") == (0, 1, 0, 0)
    report = said(vendor)
    vendor.drain()
    confirmed(vendor, report)
    vendor.drain()
    with pytest.raises(Conflict, match="ABC123") as refused:
        taken(vendor)
    assert refused.value.code == "payment_alike"
    with unit_of_work(vendor.operator.scope) as session:
        row_id = session.scalars(select(StatementRow.id)).one()
        settle_row(
            session, row_id, tax_id=CLIENT_RUC, user_id=None, now=vendor.clock.now()
        )  # said to be other money
    assert [one[1] for one in money(vendor)[0]] == ["ABC123", "999"]
    assert money(vendor)[1] == "34.50"


def test_two_transfers_for_one_invoice_are_both_kept(vendor):
    """The second is no repetition of the first: it has a reference of its own and becomes credit."""
    reports = [said(vendor), said(vendor, reference="XYZ789")]
    vendor.drain()
    confirmed(vendor, *reports)
    vendor.drain()
    assert money(vendor) == (
        [("34.50", "ABC123", "report"), ("34.50", "XYZ789", "report")],
        "34.50",
    )


def codes(vendor):
    """The two codes that pages tell the client: of its licence (YP-…), of its invoices (YC-…)."""
    with unit_of_work(vendor.operator.scope) as session:
        customer = payment_code(session.scalars(select(Customer.id)).one())
    return {"licence": vendor.licence(vendor.client_id).payment_code, "customer": customer}


@pytest.mark.parametrize("of", ["licence", "customer"])
def test_exactly_the_code_and_what_is_open_settles(vendor, of):
    code = codes(vendor)[of]
    assert imported(vendor, code.lower(), "34.50", "tornillo") == (1, 0, 0, 0)
    vendor.drain()
    assert money(vendor) == ([("34.50", code.lower(), "statement")], "0")
    assert linked(vendor)
    assert [one[3] for one in vendor.invoices(vendor.client_id)] == ["paid", "paid"]
    assert imported(vendor, code.lower(), "34.50", "tornillo") == (0, 0, 0, 1)
    assert imported(vendor, code, "34.50", "otra vez")[0] == 0  # nothing is open any more
    assert len(money(vendor)[0]) == 1


@pytest.mark.parametrize(
    ("reference", "amount", "description"),
    [("{code} GIM", "34.50", ""), ("{code}", "34.49", ""), ("{code}", "69.00", ""), ("1", "34.50", "{code}")],
)  # fmt: skip
def test_the_code_otherwise_stays_a_suggestion(vendor, reference, amount, description):
    code = codes(vendor)["licence"]
    row = reference.format(code=code), amount, description.format(code=code)
    assert imported(vendor, *row) == (0, 1, 0, 0)
    assert money(vendor) == ([], "0")


def test_two_months_open_are_paid_together_and_one_of_them_is_a_question(vendor):
    """April (34.50) and May (34.50) unpaid but enabled: 69.00 is both, 34.50 may be either."""
    with unit_of_work(vendor.operator.scope) as session:
        settings.write(session, "billing.suspended_at_run", "keep_issuing")
    vendor.run("2026-04-25")
    code = codes(vendor)["licence"]
    assert [one[2:] for one in vendor.invoices(vendor.client_id)][1:] == [("34.50", "open")] * 2
    assert imported(vendor, code, "34.50", "una") == (0, 1, 0, 0)
    assert money(vendor) == ([], "0")
    assert imported(vendor, code, "69.00", "dos") == (1, 0, 0, 0)
    vendor.drain()
    assert money(vendor) == ([("69.00", code, "statement")], "0")
    assert {one[3] for one in vendor.invoices(vendor.client_id)} == {"paid"}


@pytest.mark.parametrize("amount", ["34.50", "20.00"])
def test_a_code_beside_a_report_that_waits_is_a_suggestion(vendor, amount):
    """It may be the money that the report tells: nothing is booked before somebody says so."""
    said(vendor, amount=amount)
    vendor.drain()
    assert imported(vendor, codes(vendor)["licence"]) == (0, 1, 0, 0)
    assert money(vendor) == ([], "0")
    assert answers(vendor) == [["waiting"], ["waiting"]]


def test_a_report_with_the_code_is_confirmed(vendor):
    code = codes(vendor)["licence"]
    said(vendor, reference=code)
    vendor.drain()
    assert imported(vendor, code) == (1, 0, 0, 0)
    vendor.drain()
    assert money(vendor) == ([("34.50", code, "report")], "0")
    assert answers(vendor) == [["confirmed"], ["confirmed"]]


def test_a_report_that_comes_after_its_code_makes_no_second_payment(vendor):
    code = codes(vendor)["licence"]
    report = said(vendor, reference="OTHER")  # on its way still
    assert imported(vendor, code) == (1, 0, 0, 0)
    vendor.drain()
    confirmed(vendor, report)
    vendor.drain()
    assert money(vendor) == ([("34.50", code, "statement")], "0")


def test_what_others_report_with_the_same_amount_is_not_touched(vendor):
    """The school reported 34.50; the gym's code pays the gym's invoice."""
    school = vendor.contract(
        tax_id="1790016919001", name="Escuela Sol", identification="1714616123"
    )
    vendor.enable(school, on_credit=True)
    vendor.report(school, "34.50", reference="ESC", value_on=PAID_ON)
    vendor.drain()
    assert imported(vendor, vendor.licence(vendor.client_id).payment_code) == (1, 0, 0, 0)
    vendor.drain()
    assert [one[3] for one in vendor.invoices(vendor.client_id)] == ["paid", "paid"]
    assert answers(vendor) == [["waiting"], ["waiting"]]
