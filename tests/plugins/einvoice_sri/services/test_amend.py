"""A refused document is corrected: one number, one key unless its date must change, authorised once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select

from core.contracts.sales import CustomerData
from core.db.session import unit_of_work
from core.errors import Conflict, DomainError
from core.models import AuditEntry, StoredEvent
from plugins.einvoice_sri.domain import xml
from plugins.einvoice_sri.models.documents import DocumentAttempt
from plugins.einvoice_sri.services.amend_document import amend_document
from plugins.einvoice_sri.services.ask_fate import defer_question
from plugins.einvoice_sri.services.correct_document import correct_document
from plugins.einvoice_sri.services.document_blobs import read_signed
from plugins.einvoice_sri.services.document_files import files_of
from plugins.einvoice_sri.services.read_documents import problem_of
from plugins.einvoice_sri.services.read_fate import fate
from plugins.einvoice_sri.services.request_documents import request_of
from plugins.einvoice_sri.simulator.faults import Fault
from tests.factories.sri import invoice_request, new_document_id
from tests.plugins.einvoice_sri.domain.peticiones import CLIENTE, GUIA, NOTA_CREDITO, RETENCION

pytestmark = pytest.mark.usefixtures("key")
RIGHT = CustomerData(
    "04", " 1790085783-001 ", "Cliente  & Hijos S.A.", "pagos@example.com", "Cuenca"
)


def amend(tenant, row, clock, receiver=RIGHT, **more):
    with unit_of_work(tenant.scope) as session:
        amend_document(session, row.id, receiver=receiver, now=clock.now(), **more)


@pytest.mark.parametrize(
    "request_",
    [invoice_request(1), NOTA_CREDITO, replace(RETENCION, counterpart=CLIENTE)],
    ids=lambda one: type(one).__name__,
)
def test_a_receiver_that_sri_refuses_is_corrected_with_the_same_number_and_key(
    site, clock, tenant, request_fiscal, documents, drain, outbox, request_
):
    site.plan.add(Fault.parse("refuse:69x1"))
    request_fiscal(request_)
    drain()
    (before,) = documents()
    assert (before.state, before.code) == ("rejected", "69")
    amend(tenant, before, clock)
    drain()
    (row,) = documents()
    assert row.state == "authorized", row.messages
    assert (row.access_key, row.number) == (before.access_key, before.number)
    asked = request_of(row)
    assert asked == replace(
        request_,
        counterpart=CustomerData(
            "04", "1790085783001", "Cliente & Hijos S.A.", "pagos@example.com", "Cuenca",
            request_.counterpart.phone,
        ),
    )  # fmt: skip
    with unit_of_work(tenant.scope) as session:
        signed = read_signed(session, [row.id])[row.id]
        kept = session.scalars(
            select(AuditEntry.details).where(AuditEntry.action == "correct_document")
        ).one()
    assert b"1790085783001" in signed
    assert request_.counterpart.tax_id.encode() not in signed
    assert kept["before"]["tax_id"] == request_.counterpart.tax_id
    assert site.engine.state.entries[row.access_key][-1].xml == signed
    assert list(site.engine.state.entries) == [row.access_key]
    assert len(outbox.to("pagos@example.com")) == 1


def test_a_late_date_becomes_today_with_a_new_key_and_the_same_number(
    site, clock, tenant, request_fiscal, documents, drain
):
    start = clock.now()
    site.plan.outages.append((start, start + timedelta(days=120)))
    request_fiscal(invoice_request(1))
    drain()
    clock.set(start + timedelta(days=120, hours=1))
    drain()
    (late,) = documents()
    assert (late.state, late.code) == ("rejected", "65")
    with unit_of_work(tenant.scope) as session, pytest.raises(Conflict, match="fecha"):
        correct_document(session, late.id, now=clock.now())  # the same date again: no use
    with pytest.raises(DomainError) as told:
        amend(tenant, late, clock, None)
    assert told.value.field == "is_dated_today"
    amend(tenant, late, clock, None, is_dated_today=True)
    drain()
    (row,) = documents()
    assert row.state == "authorized", row.messages
    assert row.issued_on == date(2026, 8, 23) == request_of(row).issued_on
    assert row.number == late.number
    assert row.access_key[:8] == "23082026"
    assert row.access_key[8:39] == late.access_key[8:39]
    assert request_of(row).counterpart == invoice_request(1).counterpart
    state = site.engine.state
    assert {key: entries[-1].estado for key, entries in state.entries.items()} == {
        row.access_key: "AUTORIZADO"
    }
    with unit_of_work(tenant.scope) as session:
        signed = read_signed(session, [row.id])[row.id]
        kept = session.scalars(
            select(AuditEntry.details).where(AuditEntry.action == "correct_document")
        ).one()
    assert xml.read(signed).info_factura.fecha_emision == row.issued_on
    assert kept["before"] == {"issued_on": "2026-04-25", "access_key": late.access_key}


def test_what_sri_may_still_authorise_gets_no_second_key(
    site, clock, tenant, request_fiscal, documents, drain
):
    """Taken in and forgotten, then refused for its date: the first key may come back to life."""
    site.plan.add(Fault.parse("lostx1"))
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    assert row.state == "received"
    clock.set(clock.now() + timedelta(days=100))
    for _hours in range(3):
        drain()
        clock.advance(hours=1)
    (row,) = documents()
    assert (row.state, row.code) == ("rejected", "65")
    with pytest.raises(Conflict) as told:
        amend(tenant, row, clock, is_dated_today=True)
    assert told.value.code == "sri_fate"
    assert documents()[0].access_key == row.access_key


@pytest.fixture
def forgotten(site, clock, request_fiscal, documents, drain):
    """Taken in, its verdict never said, then refused for its date; and whether SRI kept it."""

    def make(*, is_kept: bool, days: int = 100):
        site.plan.add(Fault.parse("silent@autorizacionx99" if is_kept else "lostx1"))
        request_fiscal(invoice_request(1))
        drain()
        (row,) = documents()
        assert row.state == "received"
        clock.set(clock.now() + timedelta(days=days))
        for _hours in range(3):
            drain()
            clock.advance(hours=1)
        (row,) = documents()
        assert (row.state, row.code) == ("rejected", "65")
        site.plan.script.clear()
        return row

    return make


def ask(tenant, row, drain) -> None:
    with unit_of_work(tenant.scope) as session:
        defer_question(session, row.id)
        defer_question(session, row.id)  # pressed twice: asked once
    before = calls(tenant)
    drain()
    assert len(calls(tenant)) == len(before) + 1


def calls(tenant) -> list[str]:
    with unit_of_work(tenant.scope) as session:
        return list(
            session.scalars(
                select(DocumentAttempt.outcome)
                .where(DocumentAttempt.operation == "autorizacion")
                .order_by(DocumentAttempt.at)
            )
        )


def words(tenant, row) -> str:
    with unit_of_work(tenant.scope) as session:
        return problem_of(session, row).remedy


def test_what_sri_authorised_after_all_is_authorised_when_it_is_asked_again(
    site, tenant, clock, documents, drain, outbox, forgotten
):
    row = forgotten(is_kept=True)
    assert "Vuelva a preguntar al SRI" in words(tenant, row)
    ask(tenant, row, drain)
    (after,) = documents()
    assert (after.state, after.code, after.access_key) == ("authorized", "", row.access_key)
    assert calls(tenant)[-1] == "AUTORIZADO"
    assert list(site.engine.state.entries) == [row.access_key]
    with unit_of_work(tenant.scope) as session:
        signed = read_signed(session, [row.id])[row.id]
        xml_file = files_of(session, after).xml
        told = session.scalars(
            select(StoredEvent.payload["access_key"].astext).where(
                StoredEvent.name == "DocumentAuthorized"
            )
        ).all()
        with pytest.raises(Conflict):
            defer_question(session, row.id)
    assert signed == site.engine.state.entries[row.access_key][0].xml
    assert b"<estado>AUTORIZADO</estado>" in xml_file
    assert told == [row.access_key]
    assert len(outbox.to("cliente@example.com")) == 1


def test_what_sri_still_does_not_know_after_its_time_gets_today_and_a_new_key(
    site, tenant, clock, documents, drain, forgotten
):
    row = forgotten(is_kept=False)
    with pytest.raises(Conflict, match="vuelva a preguntar"):
        amend(tenant, row, clock, None, is_dated_today=True)
    ask(tenant, row, drain)
    (after,) = documents()
    assert (after.state, after.code, after.access_key) == ("rejected", "65", row.access_key)
    assert calls(tenant)[-1] == "NADA"
    assert "Pulse Corregir" in words(tenant, after)
    amend(tenant, after, clock, None, is_dated_today=True)
    drain()
    (dated,) = documents()
    assert (dated.state, dated.number) == ("authorized", row.number), dated.messages
    assert dated.access_key != row.access_key
    assert list(site.engine.state.entries) == [dated.access_key]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("http500@autorizacionx1", "no dio una respuesta que decida"),
        ("timeout-before@autorizacionx1", "no dio una respuesta que decida"),
        ("in-process", "todavía estaba decidiendo"),
    ],
)
def test_any_other_answer_leaves_it_as_it_is_and_says_so(
    site, tenant, clock, documents, drain, forgotten, fault, said
):
    row = forgotten(is_kept=fault == "in-process")
    if fault == "in-process":
        entries = site.engine.state.entries
        (entry,) = entries[row.access_key]
        entries[row.access_key] = (replace(entry, estado="EN PROCESO", hold=1),)
    else:
        site.plan.add(Fault.parse(fault))
    ask(tenant, row, drain)
    (after,) = documents()
    assert (after.state, after.code, after.access_key) == ("rejected", "65", row.access_key)
    assert said in words(tenant, after)
    with pytest.raises(Conflict) as told:
        amend(tenant, after, clock, None, is_dated_today=True)
    assert told.value.code == "sri_fate"
    ask(tenant, after, drain)  # and again, whenever somebody likes
    assert documents()[0].state == ("authorized" if fault == "in-process" else "rejected")


TAKEN, NOTHING, REFUSED = (
    ("recepcion", "RECIBIDA"),
    ("autorizacion", "NADA"),
    ("recepcion", "DEVUELTA"),
)
LOST = ("recepcion", "timeout")


@pytest.mark.parametrize(
    ("steps", "is_open"),
    [
        ([(0, TAKEN), (1, REFUSED)], True),
        ([(0, TAKEN), (1, REFUSED), (23, NOTHING)], True),  # it may still be deciding
        ([(0, TAKEN), (1, REFUSED), (24, NOTHING)], False),
        ([(0, TAKEN), (30, NOTHING), (31, REFUSED)], True),  # nobody has asked since
        ([(0, TAKEN), (30, LOST), (31, REFUSED), (53, NOTHING)], True),  # taken in a second time?
        ([(0, TAKEN), (30, LOST), (31, REFUSED), (54, NOTHING)], False),
        ([(0, TAKEN), (1, REFUSED), (24, NOTHING), (25, TAKEN), (26, REFUSED)], True),
        ([(0, TAKEN), (1, ("autorizacion", "NO AUTORIZADO")), (2, REFUSED)], False),
        ([(0, TAKEN), (1, REFUSED), (30, ("autorizacion", "EN PROCESO"))], True),
        ([(0, TAKEN), (1, REFUSED), (30, ("autorizacion", "timeout"))], True),
        ([(0, LOST), (1, REFUSED)], False),
    ],
)
def test_when_a_key_may_still_be_authorised(now, steps, is_open):
    key = "2" * 49
    attempts = [
        DocumentAttempt(
            operation=operation, outcome=outcome, at=now + timedelta(hours=hours), messages=[],
            request_sha256=sha256(key.encode()).hexdigest(),
        )
        for hours, (operation, outcome) in steps
    ]  # fmt: skip
    assert fate(attempts, key).is_open is is_open
    if steps[-1] == (24, NOTHING):  # what SRI said about another key says nothing of this one
        assert fate(attempts, "3" * 49).is_open


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("timeout-after", "unknown"),
        ("in-process:9", "received"),
        ("return:28", "paused"),
        ("several", "authorized"),
    ],
)
def test_only_what_is_refused_is_corrected(
    site, clock, tenant, request_fiscal, documents, drain, fault, state
):
    site.plan.add(Fault.parse(fault))
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    assert row.state == state
    for more in ({}, {"is_dated_today": True}):
        with pytest.raises(Conflict) as told:
            amend(tenant, row, clock, **more)
        assert told.value.code == "sri_state"
    (after,) = documents()
    assert (after.state, request_of(after)) == (state, invoice_request(1))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"tax_id": "1790085783"}, "tax_id"),
        ({"tax_id_type": "99"}, "tax_id_type"),
        ({"tax_id_type": "07", "tax_id": "1790085783001"}, "tax_id"),
        ({"legal_name": " "}, "legal_name"),
        ({"legal_name": "Ñ" * 301}, "legal_name"),
        ({"email": "no es un correo"}, "email"),
    ],
)
def test_a_correction_is_checked_as_a_first_request(
    site, clock, tenant, request_fiscal, documents, drain, wrong, field
):
    site.plan.add(Fault.parse("return:69x1"))
    request_fiscal(invoice_request(1))
    drain()
    (row,) = documents()
    with pytest.raises(DomainError) as told:
        amend(tenant, row, clock, replace(RIGHT, **wrong))
    assert told.value.field == field
    with pytest.raises(Conflict, match="65"):  # the date is no free choice
        amend(tenant, row, clock, is_dated_today=True)
    (after,) = documents()
    assert (after.state, request_of(after)) == ("rejected", invoice_request(1))


def test_a_guide_names_its_receivers_elsewhere(
    site, clock, tenant, request_fiscal, documents, drain
):
    site.plan.add(Fault.parse("return:35x1"))
    request_fiscal(replace(GUIA, document_id=new_document_id(1)))
    drain()
    (row,) = documents()
    with pytest.raises(DomainError) as told:
        amend(tenant, row, clock)
    assert told.value.code == "sri_receiver"
