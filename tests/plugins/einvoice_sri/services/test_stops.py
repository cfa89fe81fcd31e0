"""A stopped issuer: what is on its way arrives, nothing else leaves, and all of it goes out afterwards."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core.db.session import unit_of_work
from core.services import settings as tenant_settings
from plugins.einvoice_sri import jobs, settings
from plugins.einvoice_sri.adapters.gateways import Gateways
from plugins.einvoice_sri.models.documents import DocumentAttempt, FiscalDocument
from plugins.einvoice_sri.services import pauses
from plugins.einvoice_sri.services.certificates import (
    RESUME,
    add_certificate,
    list_certificates,
    set_use_from,
    wipe_certificate,
)
from plugins.einvoice_sri.services.read_documents import pause_words
from plugins.einvoice_sri.simulator.faults import Fault
from plugins.einvoice_sri.simulator.server import serving
from tests.factories.sri import authority, http_gateway, invoice_request, new_document_id

pytestmark = pytest.mark.usefixtures("key")


def calls(tenant) -> Counter[tuple[str, str]]:
    with unit_of_work(tenant.scope) as session:
        return Counter(
            (one.operation, one.outcome) for one in session.scalars(select(DocumentAttempt))
        )


def states(documents) -> Counter[str]:
    return Counter(one.state for one in documents())


def resume_all(tenant, now) -> list[str]:
    with unit_of_work(tenant.scope) as session:
        found = list(pauses.open_pauses(session))
        for one in found:
            pauses.resume(session, one.id, now=now)
        return [one.code for one in found]


def wait(clock, drain, *, times: int = 6) -> None:
    for _ in range(times):
        clock.advance(minutes=16)
        drain()


@pytest.fixture
def http_site(site):
    """The simulator of the test as a server, called over kept connections."""
    before = jobs.gateways()
    with serving(site) as server:
        gateway = http_gateway(server.url)
        jobs.use_gateways(Gateways({1: gateway, 2: gateway}))
        try:
            yield site
        finally:
            jobs.use_gateways(before)
            gateway.close()


@pytest.mark.parametrize(
    ("fault", "code"), [("return:57", "57"), ("refuse:57", "57"), ("return:45", "45")]
)
def test_after_the_answer_that_stops_an_issuer_nothing_more_of_the_job_leaves(
    http_site, tenant, request_fiscal, documents, drain, clock, fault, code
):
    http_site.plan.add(Fault.parse(fault))
    with unit_of_work(tenant.scope) as session:
        tenant_settings.write(session, settings.PARALLEL_CALLS, 4)
    request_fiscal(*(invoice_request(number, email="") for number in range(1, 41)))
    drain()
    wait(clock, drain)
    assert states(documents) == {"paused": 4, "signed": 36}  # 4: those that were on their way
    assert sum(count for (call, _), count in calls(tenant).items() if call == "recepcion") == 4
    assert len({one.access_key for one in documents()}) == 40
    http_site.plan.script.clear()
    assert resume_all(tenant, clock.now()) == [code]
    drain()
    wait(clock, drain)
    assert states(documents) == {"authorized": 40}
    sent = http_site.engine.state.entries
    assert len(sent) == 40
    if not fault.startswith("refuse"):  # what a verdict refused is signed anew
        assert all(len({one.xml for one in entries}) == 1 for entries in sent.values())


def test_a_stop_of_one_point_leaves_the_other_points_alone(
    site, tenant, request_fiscal, documents, drain
):
    site.plan.add(Fault.parse("return:45x1"))
    with unit_of_work(tenant.scope) as session:
        tenant_settings.write(session, settings.PARALLEL_CALLS, 1)
    stopped = [invoice_request(number, email="") for number in (1, 3, 5)]
    others = [
        invoice_request(number, email="", point="001", document_id=new_document_id(90 + number))
        for number in (2, 4, 6)
    ]
    request_fiscal(*stopped, *others)
    drain()
    found = {(one.sequence, one.state) for one in documents()}
    assert found == {
        (1, "paused"),
        (3, "signed"),
        (5, "signed"),
        (2, "authorized"),
        (4, "authorized"),
        (6, "authorized"),
    }


@pytest.mark.parametrize("arrived", [False, True])
def test_while_stopped_sri_is_asked_about_what_may_have_left_and_nothing_is_sent_again(
    site, tenant, request_fiscal, documents, drain, clock, now, arrived
):
    """``arrived``: SRI had it, and says so only later."""
    if arrived:
        site.plan.add(Fault.parse("drop-after@recepcionx1"))
        site.plan.add(Fault.parse("silent@autorizacionx3"))
    else:
        site.plan.add(Fault.parse("drop-before@recepcionx1"))
    request_fiscal(invoice_request(1, email=""))
    drain(until=1)
    assert states(documents) == {"unknown": 1}
    with unit_of_work(tenant.scope) as session:
        pauses.pause(session, code="57", detail="x", now=now)
    wait(clock, drain)
    said = calls(tenant)
    assert said["recepcion", "timeout"] == 1
    assert ("recepcion", "RECIBIDA") not in said
    if arrived:
        assert states(documents) == {"authorized": 1}
        assert said["autorizacion", "NADA"] == 3
        return
    assert states(documents) == {"unknown": 1}
    assert said["autorizacion", "NADA"] >= 5
    assert not site.engine.state.entries
    resume_all(tenant, clock.now())
    drain()
    clock.advance(seconds=5)
    drain()
    assert states(documents) == {"authorized": 1}  # at once, not at the end of a long wait
    assert calls(tenant)["recepcion", "RECIBIDA"] == 1


def test_a_stop_by_somebody_else_is_seen_between_two_recordings(
    site, tenant, request_fiscal, documents, drain, now, monkeypatch
):
    monkeypatch.setattr(jobs, "RECORD_EVERY", 8)
    original = site.engine.receive
    seen = []

    def receive(content, at, script):
        seen.append(at)
        if len(seen) == 3:  # another worker's answer, or a person
            with unit_of_work(tenant.scope) as session:
                pauses.pause(session, code="63", detail="x", now=now + timedelta(seconds=1))
        return original(content, at, script)

    monkeypatch.setattr(site.engine, "receive", receive)
    request_fiscal(*(invoice_request(number, email="") for number in range(1, 31)))
    drain()
    assert states(documents) == {"authorized": 8, "signed": 22}


@pytest.mark.parametrize("fault", ["return:77x1", "refuse:77x1"])
def test_a_code_that_no_catalogue_knows_stops_the_issuer_as_its_words_say(
    site, tenant, request_fiscal, documents, drain, clock, fault
):
    site.plan.add(Fault.parse(fault))
    request_fiscal(invoice_request(1, email=""))
    drain()
    request_fiscal(
        invoice_request(2, email=""),
        invoice_request(1, email="", point="001", document_id=new_document_id(77)),
    )
    wait(clock, drain)
    assert states(documents) == {"paused": 1, "signed": 2}
    with unit_of_work(tenant.scope) as session:
        (one,) = pauses.open_pauses(session)
        assert (one.code, one.branch_code, one.issue_point_code) == ("77", "", "")
        what, remedy = pause_words(one)
    assert "código 77" in what
    assert "se detiene" in remedy
    resume_all(tenant, clock.now())
    wait(clock, drain, times=2)
    assert states(documents) == {"authorized": 3}


@pytest.fixture
def between_two(tenant, now, clock, request_fiscal, drain, site):
    """Between a certificate that has ended and one that was uploaded and has not begun: stopped."""
    with unit_of_work(tenant.scope) as session:
        (old,) = list_certificates(session)
        old.not_after = now + timedelta(days=5)
    begins = now + timedelta(days=30)
    file = authority().issue(tenant.tax_id, "SUCESOR", "clave", begins + timedelta(days=1), days=90)
    with unit_of_work(tenant.scope) as session:
        add_certificate(session, data=file.content, password=file.password, now=now)
    clock.set(now + timedelta(days=6))
    request_fiscal(*(invoice_request(number, email="") for number in (1, 2)))
    drain()
    return begins


def open_codes(tenant) -> list[str]:
    with unit_of_work(tenant.scope) as session:
        return sorted(one.code for one in pauses.open_pauses(session))


@pytest.mark.parametrize("by", ["the moment", "the sweep"])
def test_a_stop_for_want_of_a_certificate_ends_when_the_next_one_begins(
    site, tenant, documents, drain, clock, between_two, by
):
    assert (states(documents), open_codes(tenant)) == ({"requested": 2}, ["certificate"])
    clock.set(between_two - timedelta(seconds=1))
    jobs.sweep({}, clock.now())
    drain()
    assert (states(documents), open_codes(tenant)) == ({"requested": 2}, ["certificate"])
    if by == "the sweep":  # a certificate of an older version has no job of its own
        with unit_of_work(tenant.scope) as session:
            session.execute(
                text("DELETE FROM procrastinate.procrastinate_jobs WHERE task_name = :name"),
                {"name": RESUME},
            )
    clock.set(between_two)
    if by == "the sweep":
        jobs.sweep({}, clock.now())
    drain()
    assert (states(documents), open_codes(tenant)) == ({"authorized": 2}, [])


def test_only_the_stop_for_want_of_a_certificate_ends_then(
    site, tenant, documents, drain, clock, between_two
):
    with unit_of_work(tenant.scope) as session:
        pauses.pause(session, code="56", detail="x", now=clock.now(), document=documents()[0])
    paused = documents()[0].id
    with unit_of_work(tenant.scope) as session:  # as an answer of SRI left it
        row = session.get_one(FiscalDocument, paused)
        row.state, row.code, row.access_key = "paused", "56", "1" * 49
    clock.set(between_two)
    drain()
    assert open_codes(tenant) == ["56"]
    assert [(one.state, one.code) for one in documents()] == [("paused", "56"), ("signed", "")]
    assert not site.engine.state.entries


@pytest.mark.parametrize("is_moved", [False, True])
def test_a_stop_for_want_of_a_certificate_ends_with_the_hand_over(
    site, tenant, documents, request_fiscal, drain, clock, now, is_moved
):
    with unit_of_work(tenant.scope) as session:
        (old,) = list_certificates(session)
        wipe_certificate(session, old.id, reason="cambio", now=now)
    request_fiscal(invoice_request(1, email=""))
    drain()
    file = authority().issue(tenant.tax_id, "SUCESOR", "clave", now, days=90)
    begins = now + timedelta(days=10)
    with unit_of_work(tenant.scope) as session:
        added = add_certificate(
            session, data=file.content, password=file.password, now=now, use_from=begins
        )
    if is_moved:
        begins = now + timedelta(days=4)
        with unit_of_work(tenant.scope) as session:
            set_use_from(session, added, use_from=begins, now=now)
    clock.set(begins - timedelta(seconds=1))
    jobs.sweep({}, clock.now())
    drain()
    assert (states(documents), open_codes(tenant)) == ({"requested": 1}, ["certificate"])
    clock.set(begins)
    drain()
    assert (states(documents), open_codes(tenant)) == ({"authorized": 1}, [])
