"""Pages of licensing: each role's own, wrong input in clear sentences, nobody else's rows."""

from __future__ import annotations

import io
import zipfile
import zlib
from datetime import date
from uuid import UUID, uuid4

import pytest
from PIL import Image
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.errors import DomainError
from plugins.licensing.models import Contract, PaymentReportRow, QueuedReport
from plugins.licensing.services.slips import store_slip
from tests.factories.licensing import CLIENT_RUC, make_vendor


class Tenancy:
    """What ``sign_in`` needs of a company."""

    def __init__(self, tenant_id):
        self.id = tenant_id
        self.scope = Scope(tenant_id=tenant_id)


@pytest.fixture
def vendor(make_tenant, clock, drain, app):
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    made.client_id = made.contract()
    return made


@pytest.fixture
def due(vendor):
    """A client with the invoice of April to pay, on 2026-04-07: suspended."""
    vendor.enable(vendor.client_id)
    vendor.run("2026-03-25")
    vendor.night("2026-04-07")
    vendor.at("2026-04-07", 9)
    return vendor


def text(answer):
    return answer.get_data(as_text=True)


def typed(**more):
    return {
        "amount": "34,50",
        "value_on": "2026-04-07",
        "bank": "Pichincha",
        "reference": "TR-77",
        "form_key": "k1",
    } | more


def slip(content=None, name="slip.jpg"):
    if content is None:
        out = io.BytesIO()
        Image.new("RGB", (40, 30), "white").save(out, "JPEG")
        content = out.getvalue()
    return (io.BytesIO(content), name)


@pytest.mark.checklist("PW-14", "PW-15")
def test_a_suspended_owner_reports_and_is_back_in_the_same_request(due, client, sign_in, post):
    sign_in(client, Tenancy(due.client_id), "owner")
    page = client.get("/licence")
    assert page.status_code == 200
    assert "La licencia está suspendida" in text(page)
    assert "2200112233" in text(page)
    assert due.licence(due.client_id).payment_code in text(page)
    assert not due.may_issue(due.client_id)
    assert client.get("/licence/report").status_code == 200
    with unit_of_work(Scope(tenant_id=due.client_id)) as session:
        from plugins.licensing.services.keep_licence import read_invoices

        ids = [str(one.invoice_id) for one in read_invoices(session) if one.state == "open"]
    answer = post(client, "/licence/report", invoices=ids, slip=slip(), **typed())
    assert answer.status_code == 303
    assert due.may_issue(due.client_id)
    assert "Pago reportado" in text(client.get("/licence"))
    again = post(client, "/licence/report", invoices=ids, slip=slip(), **typed())
    assert again.status_code == 303  # the same form twice is one report
    with unit_of_work(Scope(tenant_id=due.client_id)) as session:
        [row] = session.scalars(select(PaymentReportRow))
    own = client.get(f"/licence/slips/{row.id}")
    assert own.data[:3] == b"\xff\xd8\xff"
    due.drain()
    sign_in(client, due.north, "distributor")
    queue_page = text(client.get("/licensing/queue"))
    assert "Gimnasio Andino" in queue_page
    assert client.get(f"/licensing/queue/{row.id}/slip").data[:3] == b"\xff\xd8\xff"
    assert post(client, "/licensing/queue/confirm", reports=[str(row.id)]).status_code == 303
    assert "1 pago confirmado." in text(client.get("/licensing/queue/"))
    late = post(client, "/licensing/queue/confirm", reports=[str(row.id)])
    assert late.status_code == 409
    assert "Alguien se adelantó" in text(late)
    due.drain()
    assert due.state(due.client_id) == "active"
    sign_in(client, due.south, "distributor")
    assert client.get(f"/licensing/queue/{row.id}/slip").status_code == 404
    assert "Gimnasio Andino" not in text(client.get("/licensing/queue?show=confirmed"))


@pytest.mark.checklist("PW-14", "PW-15")
def test_the_answer_to_a_report_says_what_it_brought(due, client, sign_in, post):
    """34,50 is due; 20,00 lifts nothing (A-19), the rest does."""
    sign_in(client, Tenancy(due.client_id), "owner")
    assert post(client, "/licence/report", **typed(amount="20,00")).status_code == 303
    assert not due.may_issue(due.client_id)
    page = text(client.get("/licence"))
    assert "acceso de inmediato" not in page
    assert "Faltan $ 14,50" in page
    assert "sigue suspendida hasta que reporte el resto" in page
    rest = typed(amount="14,50", reference="TR-78", form_key="k2")
    assert post(client, "/licence/report", **rest).status_code == 303
    assert due.may_issue(due.client_id)
    assert "usted tiene acceso de inmediato" in text(client.get("/licence"))


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as folder:
        folder.writestr("bomb", b"\0" * 3_000_000)
    return out.getvalue()


def huge_png():
    """A PNG header that announces 60,000 by 60,000 pixels."""

    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    size = (60_000).to_bytes(4, "big")
    head = chunk(b"IHDR", size + size + bytes([8, 2, 0, 0, 0]))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


WRONG = [
    ("zip bomb", {"slip": (bomb, "slip.jpg")}),
    ("html", {"slip": (lambda: b"<html><script>alert(1)</script></html>", "slip.jpg")}),
    ("pixels", {"slip": (huge_png, "slip.png")}),
    ("script in pdf", {"slip": (lambda: b"%PDF-1.4\n/JavaScript (x)\n%%EOF", "s.pdf")}),
    ("cut pdf", {"slip": (lambda: b"%PDF-1.4\nabc", "s.pdf")}),
    ("empty file", {"slip": (lambda: b"", "s.pdf")}),
    ("words for money", {"amount": "mucho"}),
    ("infinite money", {"amount": "1e999"}),
    ("negative", {"amount": "-34,50"}),
    ("thirds of a cent", {"amount": "34,505"}),
    ("nothing", {"amount": "0"}),
    ("the 31st of February", {"value_on": "2026-02-31"}),
    ("tomorrow", {"value_on": "2026-04-08"}),
    ("another century", {"value_on": "1926-04-07"}),
    ("no bank", {"bank": " "}),
    ("no reference and no slip", {"reference": ""}),
    ("a nul", {"bank": "a\0b"}),
]


def test_wrong_reports_are_refused_in_a_sentence_and_change_nothing(due, client, sign_in, post):
    sign_in(client, Tenancy(due.client_id), "owner")
    for name, fields in WRONG:
        given = {
            key: slip(*((one[0](), one[1]))) if key == "slip" else one
            for key, one in fields.items()
        }
        answer = post(client, "/licence/report", **typed(**given))
        assert answer.status_code in (400, 413, 422), (name, answer.status_code)
        if answer.status_code == 422:
            assert 'class="refusal"' in text(answer) or 'role="alert"' in text(answer), name
            if "bank" not in fields:
                assert "Pichincha" in text(answer), name  # nothing typed is lost
    with unit_of_work(Scope(tenant_id=due.client_id)) as session:
        assert session.scalars(select(PaymentReportRow)).all() == []
    assert not due.may_issue(due.client_id)


def test_a_slip_beyond_the_limit_is_refused(vendor):
    with unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        for start in (b"\xff\xd8\xff", b"%PDF-1.4\n"):
            with pytest.raises(DomainError) as refused:
                store_slip(session, start + b"0" * 5_300_000 + b"%%EOF")
            assert refused.value.field == "slip"


@pytest.mark.checklist("PW-16")
def test_cancelling_is_one_click_with_the_last_day_before_and_after(vendor, client, sign_in, post):
    vendor.enable(vendor.client_id)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    assert "31/03/2026" in text(client.get("/licence/cancel"))
    assert post(client, "/licence/cancel").status_code == 303
    assert "termina el 31/03/2026" in text(client.get("/licence"))
    assert post(client, "/licence/cancel").status_code in (409, 422)


@pytest.mark.checklist("PW-19", "PW-20", "PW-21", "PW-34")
def test_a_distributor_sells_enables_and_hands_out_the_first_access(
    vendor, client, sign_in, post, outbox
):
    sign_in(client, vendor.north, "distributor")
    page = text(client.get("/portfolio"))
    assert "Gimnasio Andino" in page
    answer = post(
        client,
        "/portfolio/new",
        tax_id="1790016919001",
        name="Escuela Sol",
        email="hola@sol.ec",
        plan_id=str(vendor.plan_id),
        owner_identification="1714616123",
        owner_first_name="Luis",
        owner_last_name="Mora",
        owner_email="luis@sol.ec",
        owner_phone="099",
    )
    assert answer.status_code == 303
    vendor.drain()
    show = answer.location
    assert "Orden de pago" in text(client.get(show))
    assert (
        post(client, f"{show}/enable", amount="34,50", bank="Guayaquil", reference="9").status_code
        == 303
    )
    vendor.drain()
    assert "Activa" in text(client.get(show))
    told = post(client, f"{show}/first-access")
    assert told.status_code == 200
    vendor.drain()
    [mail] = outbox.to("luis@sol.ec")
    code = next(
        word
        for word in text(told).replace("<", " ").replace(">", " ").split()
        if word.isdigit() and len(word) == 6
    )
    assert code not in mail.text  # the short code travels by another way
    assert "/activate/" in mail.text
    assert post(client, f"{show}/enable", amount="34,50").status_code in (409, 422)
    sign_in(client, vendor.south, "distributor")
    assert client.get(show).status_code == 404
    assert "Escuela Sol" not in text(client.get("/portfolio"))


def test_wrong_new_clients_are_refused(vendor, client, sign_in, post):
    sign_in(client, vendor.north, "distributor")
    good = {
        "tax_id": "1790016919001",
        "name": "Escuela Sol",
        "email": "hola@sol.ec",
        "plan_id": str(vendor.plan_id),
        "owner_identification": "1714616123",
        "owner_first_name": "Luis",
        "owner_last_name": "Mora",
        "owner_email": "luis@sol.ec",
    }
    for wrong in (
        {"tax_id": "123"},
        {"tax_id": CLIENT_RUC},
        {"name": " "},
        {"email": "nobody"},
        {"plan_id": ""},
        {"owner_identification": "1714616124"},
        {"owner_first_name": ""},
        {"owner_email": "a b@c"},
    ):
        answer = post(client, "/portfolio/new", **(good | wrong))
        assert answer.status_code in (409, 422), wrong
        assert "Luis" in text(answer) or "owner_first_name" in wrong
    assert post(client, "/portfolio/new", **good | {"plan_id": str(uuid4())}).status_code == 404
    assert len(vendor.portfolio(vendor.north)) == 1


def test_the_operator_sees_every_licence_and_keeps_limits(due, client, sign_in, post):
    sign_in(client, due.operator, "operator")
    for path in (
        "/office/licences",
        "/office/licences/new",
        "/office/licences/distributors",
        "/office/licences/plans",
    ):
        assert client.get(path).status_code == 200, path
    assert "Suspendida" in text(client.get("/office/licences"))
    with unit_of_work(due.operator.scope) as session:
        contract = session.scalars(select(Contract)).one()
    assert client.get(f"/office/licences/{contract.id}").status_code == 200
    answer = post(
        client,
        f"/office/licences/plans/{due.plan_id}",
        included_minutes="60",
        documents="100",
        users="",
        points="2",
    )
    assert answer.status_code == 303
    assert (
        post(client, f"/office/licences/plans/{due.plan_id}", included_minutes="-1").status_code
        == 422
    )
    assert (
        post(client, f"/office/licences/plans/{uuid4()}", included_minutes="1").status_code == 404
    )


def test_home_says_what_waits_by_role(due, client, sign_in):
    sign_in(client, Tenancy(due.client_id), "owner")
    assert "La licencia está suspendida" in text(client.get("/"))
    due.report(due.client_id)
    due.drain()
    sign_in(client, due.north, "distributor")
    assert "Pagos por confirmar" in text(client.get("/"))


@pytest.mark.checklist("PW-14", "PW-35")
def test_one_transfer_for_several_companies(due, client, sign_in, post, make_person):
    from tests.conftest import add_member

    other = due.contract(
        tax_id="1790016919001", name="Escuela Sol", identification="1714616123", email="e@sol.ec"
    )
    due.enable(other, on_credit=True)
    accountant = make_person(Tenancy(due.client_id), "accountant")
    add_member(accountant, Tenancy(other), "accountant")
    sign_in(client, Tenancy(due.client_id), user_id=accountant)
    page = text(client.get("/licence/report-many"))
    assert "Gimnasio Andino" in page
    assert "Escuela Sol" in page
    stranger = post(
        client, "/licence/report-many", companies=[str(due.operator.id)], **typed(amount="69,00")
    )
    assert stranger.status_code == 404
    answer = post(
        client,
        "/licence/report-many",
        companies=[str(due.client_id), str(other)],
        **typed(amount="69,00"),
    )
    assert answer.status_code == 303
    assert due.state(due.client_id) == "reported"
    assert due.state(other) == "reported"
    due.drain()
    with unit_of_work(due.north.scope) as session:
        rows = session.scalars(select(QueuedReport)).all()
    assert len(rows) == 2
    assert len({row.group_id for row in rows}) == 1
    assert not any(row.is_duplicate for row in rows)


@pytest.mark.checklist("PW-02", "PW-32", "PW-33")
def test_support_hours_from_question_to_invoice(vendor, client, sign_in, post):
    vendor.enable(vendor.client_id)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    assert post(client, "/support/new", subject="Cargar mi P12").status_code == 303
    vendor.drain()
    sign_in(client, vendor.north, "distributor")
    asked = text(client.get("/support"))
    assert "Cargar mi P12" in asked
    assert "Minutos que tomará a lo sumo</label>" in asked  # not «(opcional)»
    from plugins.licensing.models import Ticket

    with unit_of_work(vendor.north.scope) as session:
        ticket = session.scalars(select(Ticket.ticket_id)).one()
    assert post(client, f"/support/{ticket}/timer").status_code in (409, 422)  # not accepted yet
    assert post(client, f"/support/{ticket}/quote", minutes="181").status_code == 303
    vendor.drain()
    sign_in(client, Tenancy(vendor.client_id), "owner")
    assert "57,50" in text(client.get("/support"))  # 120 from the plan, 61 to pay: 50.00 + IVA
    assert post(client, f"/support/{ticket}/accept").status_code == 303
    vendor.drain()
    sign_in(client, vendor.north, "distributor")
    assert post(client, f"/support/{ticket}/timer").status_code == 303
    vendor.clock.advance(minutes=400)
    sign_in(client, vendor.north, "distributor")
    assert post(client, f"/support/{ticket}/close").status_code == 303
    vendor.drain()
    with unit_of_work(vendor.operator.scope) as session:
        row = session.scalars(select(Ticket)).one()
        assert (row.from_wallet, row.charged_hours, str(row.charged_net)) == (120, 2, "50.00")
    vendor.run("2026-03-25")
    with unit_of_work(vendor.operator.scope) as session:
        row = session.scalars(select(Ticket)).one()
        from core.contracts.services import InvoiceIssuing
        from core.plugins import service

        [bill] = service(InvoiceIssuing).snapshots(session, [row.invoice_id]).values()
        assert (str(bill.total), bill.due_on) == ("57.50", date(2026, 4, 5))
    assert vendor.licence(vendor.client_id).wallet_minutes == 0
    sign_in(client, vendor.south, "distributor")
    assert post(client, f"/support/{ticket}/close").status_code == 404
    assert isinstance(ticket, UUID)
