"""A distributor does one thing for all ticked clients; others' clients do not exist for him."""

from __future__ import annotations

import re
from html import unescape
from uuid import uuid4

import pytest
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.models import Membership
from plugins.licensing.models import PortfolioClient
from tests.factories.licensing import CLIENT_RUC, make_vendor

SCHOOL, FOREIGN = "1790016919001", "1790011674001"
REMIND, ACCESS = "/portfolio/ticked/remind", "/portfolio/ticked/first-access"


@pytest.fixture
def vendor(make_tenant, clock, drain):
    return make_vendor(make_tenant, clock, drain)


@pytest.fixture
def ids(vendor):
    """The portfolio ids by RUC: a gym on credit (owes), a school whose order waits, another's client."""
    gym = vendor.contract()
    vendor.contract(
        tax_id=SCHOOL, name="Escuela Sol", identification="1714616123", email="luis@sol.ec"
    )
    vendor.contract(
        distributor=vendor.south, tax_id=FOREIGN, name="Ajena", identification="0926687856",
        email="eva@ajena.ec",
    )  # fmt: skip
    vendor.enable(gym, on_credit=True)
    vendor.at("2026-03-12")
    both = [*vendor.portfolio(vendor.north), *vendor.portfolio(vendor.south)]
    return {row.client_tax_id: str(row.id) for row in both}


@pytest.fixture
def desk(vendor, ids, client, sign_in):
    """The distributor at his desk."""
    sign_in(client, vendor.north, "distributor")
    return client


def results(answer):
    """RUC → what is told of that client, as the page shows it."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body = unescape(answer.get_data(as_text=True))
    rows = re.findall(r"<tr>\s*<td.*?</tr>", body, re.DOTALL)
    plain = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
    return {next(ruc for ruc in (CLIENT_RUC, SCHOOL, FOREIGN) if ruc in row): row for row in plain}


def mails(outbox):
    return [(mail.to, mail.subject) for mail in outbox.mails]


def test_reminders_tell_what_each_owes_and_go_once_a_day(vendor, ids, desk, post, outbox, sign_in):
    outbox.mails.clear()
    both = [ids[CLIENT_RUC], ids[SCHOOL]]
    told = results(post(desk, REMIND, clients=both))
    assert set(told) == {CLIENT_RUC, SCHOOL}
    assert all("34,50" in words and "Listo" in words for words in told.values()), told
    vendor.drain()
    letters = {mail.subject: mail.text for mail in outbox.to("hola@gimnasio.ec")}
    assert len(letters) == 2
    owed = next(words for subject, words in letters.items() if "Por pagar" in subject)
    gym = vendor.portfolio(vendor.north)
    code = next(row.payment_code for row in gym if row.client_tax_id == CLIENT_RUC)
    for words in ("34,50", "05/04/2026", "Factura 001-", code, "Banco Pichincha", "/licence"):
        assert words in owed, words
    assert any(subject.startswith("Orden de pago") for subject in letters)

    outbox.mails.clear()
    again = results(post(desk, REMIND, clients=both))
    assert all("Ya se le recordó hoy" in words for words in again.values())
    vendor.drain()
    assert mails(outbox) == []

    vendor.at("2026-03-13")
    client_id = next(row.client_tenant_id for row in gym if row.client_tax_id == CLIENT_RUC)
    vendor.report(client_id)
    vendor.drain()
    sign_in(desk, vendor.north, "distributor")
    outbox.mails.clear()
    told = results(post(desk, REMIND, clients=[ids[CLIENT_RUC]]))
    assert "Ya reportó el pago" in told[CLIENT_RUC]
    vendor.drain()
    assert mails(outbox) == []


def test_first_accesses_are_sent_again_with_a_code_each(vendor, ids, desk, post, outbox):
    both = [ids[CLIENT_RUC], ids[SCHOOL]]
    first = results(post(desk, ACCESS, clients=both))
    outbox.mails.clear()
    vendor.drain()
    told = results(post(desk, ACCESS, clients=both))
    vendor.drain()
    codes = {ruc: re.findall(r"\b\d{6}\b", words)[0] for ruc, words in told.items()}
    assert set(codes) == {CLIENT_RUC, SCHOOL}
    assert codes.values() != {re.findall(r"\b\d{6}\b", words)[0] for words in first.values()}
    for address in ("ana@gimnasio.ec", "luis@sol.ec"):
        links = [re.findall(r"/activate/(\S+)", mail.text)[0] for mail in outbox.to(address)]
        opened = [
            desk.application.test_client().get(f"/activate/{one}").status_code for one in links
        ]
        assert (opened[-1], opened.count(200)) == (200, 1), "earlier links end"
        assert not any(code in mail.text for mail in outbox.to(address) for code in codes.values())


def test_who_was_removed_by_the_company_stays_removed(vendor, ids, desk, post):
    """Roles and accesses are the company's: its distributor restores nobody."""
    company = next(
        row.client_tenant_id
        for row in vendor.portfolio(vendor.north)
        if row.client_tax_id == CLIENT_RUC
    )
    results(post(desk, ACCESS, clients=[ids[CLIENT_RUC]]))
    with unit_of_work(Scope(tenant_id=company)) as session:
        [member] = session.scalars(select(Membership))
        assert (member.role, member.is_active) == ("owner", True)
        member.role = "accountant"
    results(post(desk, ACCESS, clients=[ids[CLIENT_RUC]]))
    with unit_of_work(Scope(tenant_id=company)) as session:
        [member] = session.scalars(select(Membership))
        assert member.role == "accountant"
        member.is_active = False
    told = results(post(desk, ACCESS, clients=[ids[CLIENT_RUC]]))
    assert "La empresa cerró el acceso" in told[CLIENT_RUC]
    with unit_of_work(Scope(tenant_id=company)) as session:
        assert session.scalars(select(Membership.is_active)).all() == [False]


@pytest.mark.parametrize("path", [REMIND, ACCESS])
def test_one_foreign_id_and_nothing_is_done_for_anybody(vendor, ids, desk, post, outbox, path):
    outbox.mails.clear()
    for stranger in (ids[FOREIGN], str(uuid4()), "nonsense"):
        assert post(desk, path, clients=[ids[CLIENT_RUC], stranger]).status_code == 404, stranger
    assert post(desk, path, clients=[str(uuid4()) for _ in range(101)]).status_code == 422
    empty = post(desk, path)
    assert empty.status_code == 422
    assert "Marque primero los clientes" in empty.get_data(as_text=True)
    with unit_of_work(
        vendor.north.scope
    ) as session:  # who went to another distributor is foreign too
        session.get(PortfolioClient, ids[SCHOOL]).released_on = vendor.clock.now().date()
    assert post(desk, path, clients=[ids[SCHOOL]]).status_code == 404
    vendor.drain()
    assert mails(outbox) == []
    assert all(row.reminded_on is None for row in vendor.portfolio(vendor.north))


def test_boxes_are_ticked_by_hand_or_all_of_a_filter(vendor, ids, desk):
    plain = desk.get("/portfolio/").get_data(as_text=True)
    boxes = re.findall(r'<input type="checkbox" form="ticked" name="clients"[^>]*>', plain)
    assert len(boxes) == 2
    assert not any("checked" in box for box in boxes)
    assert all("aria-label" in box for box in boxes)
    assert ids[FOREIGN] not in plain
    all_ticked = desk.get("/portfolio/?q=Escuela&ticked=all").get_data(as_text=True)
    boxes = re.findall(r'<input type="checkbox" form="ticked"[^>]*>', all_ticked)
    assert len(boxes) == 1
    assert "checked" in boxes[0]
    assert ids[SCHOOL] in boxes[0]
