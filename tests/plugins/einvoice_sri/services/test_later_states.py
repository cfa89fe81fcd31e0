"""What becomes of documents later: annulled at SRI, fetched by key, paced by the minute, practised."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.db.session import unit_of_work
from core.errors import DomainError
from core.models import NumberSeries, StoredEvent
from core.services import numbering
from core.services import settings as tenant_settings
from plugins.customer_portal.domain.identities import identity_of
from plugins.customer_portal.models import InboxItem
from plugins.einvoice_sri import jobs, settings
from plugins.einvoice_sri.adapters.gateways import Gateways
from plugins.einvoice_sri.models.documents import DocumentAttempt
from plugins.einvoice_sri.models.fetched import FetchedDocument
from plugins.einvoice_sri.services.cancel_document import request_annulment
from plugins.einvoice_sri.services.consult_states import defer_consultation
from plugins.einvoice_sri.services.document_files import files_of
from plugins.einvoice_sri.services.fetch_documents import ask_again, counts, list_keys, read_keys
from plugins.einvoice_sri.simulator.faults import Fault
from tests.factories.sri import TODAY, inprocess_gateway, invoice_request, signed_invoice
from tests.plugins.einvoice_sri.domain.peticiones import NOTA_CREDITO

ANA = "1710034065"


def write(tenant, key: str, value: object) -> None:
    with unit_of_work(tenant.scope) as session:
        tenant_settings.write(session, key, value)


def in_the_inbox() -> list[str]:
    from core.db.scope import Scope

    with unit_of_work(Scope(receiver_ids=(identity_of(ANA),))) as session:
        return list(session.scalars(select(InboxItem.state).order_by(InboxItem.number)))


@pytest.mark.usefixtures("key")
def test_what_sri_annulled_is_seen_told_and_still_downloadable(
    site, tenant, request_fiscal, documents, drain, outbox, clock
):
    request_fiscal(invoice_request(1, email="ana@example.com"))
    drain()
    (row,) = documents()
    assert in_the_inbox() == ["authorized"]
    said = []
    for accepted, state, inbox in (
        (None, "authorized", "authorized"),
        (False, "annulment_requested", "annulling"),
        (True, "annulled", "annulled"),
    ):
        if accepted is not None:
            site.engine.annul(row.access_key, accepted=accepted)
        with unit_of_work(tenant.scope) as session:
            defer_consultation(session, [row.id])
        clock.advance(minutes=1)
        drain()
        (row,) = documents()
        assert (row.state, in_the_inbox()) == (state, [inbox])
        said.append(state)
    with unit_of_work(tenant.scope) as session:
        asked = session.scalars(
            select(DocumentAttempt.outcome)
            .where(DocumentAttempt.operation == "consulta")
            .order_by(DocumentAttempt.at)
        ).all()
        assert files_of(session, row).xml.startswith(b"<?xml")
        steps = session.scalars(
            select(StoredEvent.payload["step"].astext)
            .where(StoredEvent.name == "AnnulmentChanged")
            .order_by(StoredEvent.id)
        ).all()
    assert asked == ["AUTORIZADO", "PENDIENTE DE ANULAR", "ANULADO"]
    assert steps == ["requested", "annulled"]
    assert len(outbox.to("ana@example.com")) == 3


@pytest.mark.usefixtures("key")
def test_the_daily_round_asks_about_annulments_and_lets_a_refused_one_stand(
    site, tenant, request_fiscal, documents, drain, clock, now
):
    request_fiscal(invoice_request(1, email=""), NOTA_CREDITO)
    drain()
    factura, nota = sorted(documents(), key=lambda one: one.kind)
    with unit_of_work(tenant.scope) as session:
        for one in (factura, nota):
            request_annulment(session, one.id, today=TODAY, now=now)
    for day, expected in ((9, "annulment_requested"), (10, "authorized")):
        # 1 May is a holiday: the fifth working day is Monday 4 May
        clock.set(now + timedelta(days=day))
        jobs.consult_annulments({}, clock.now())
        drain()
        states = {one.kind: one.state for one in documents()}
        # a factura needs nobody's acceptance: it stays as asked for until SRI shows it annulled
        assert states == {"01": "annulment_requested", "04": expected}
    site.plan.add(Fault.parse("http500@consultax1"))
    jobs.consult_annulments({}, clock.now())
    drain()
    assert {one.kind: one.state for one in documents()}["01"] == "annulment_requested"


def test_a_list_of_keys_is_fetched_in_pieces_and_goes_on(site, tenant, drain, clock, now):
    write(tenant, settings.FETCHES_PER_MINUTE, 2)
    made = dict(signed_invoice(number) for number in range(1, 6))
    keys = list(made)
    for content in list(made.values())[:4]:
        site.engine.receive(content, now)
    with unit_of_work(tenant.scope) as session:
        assert list_keys(session, keys, now=now).new == 5
        assert (list_keys(session, keys[:2], now=now).new, counts(session)) == (0, {"pending": 5})
    site.plan.add(Fault.parse("http500@autorizacionx1"))
    drain()
    with unit_of_work(tenant.scope) as session:  # two a minute, and the first answer was no answer
        assert counts(session) == {"pending": 4, "found": 1}
    for _ in range(40):
        clock.advance(minutes=61)
        drain()
    with unit_of_work(tenant.scope) as session:
        rows = {one.access_key: one for one in session.scalars(select(FetchedDocument))}
        assert [rows[key].state for key in keys] == ["found"] * 4 + ["absent"]
        for key in keys[:4]:
            assert rows[key].content.count(made[key]) == 1
            assert b"<estado>AUTORIZADO</estado>" in rows[key].content
        site.engine.receive(made[keys[4]], now)
        ask_again(session, keys[4:], now=clock.now())
    drain()
    with unit_of_work(tenant.scope) as session:
        assert counts(session) == {"found": 5}
    assert site.engine.state.questions <= 4 + 1 + 8 + 1


@pytest.mark.parametrize(
    ("text", "code"), [("", "sri_keys_count"), ("123", "sri_key_invalid"), ("0" * 49, "sri_key_invalid")]
)  # fmt: skip
def test_a_list_is_read_strictly(text, code):
    one, two = signed_invoice(1)[0], signed_invoice(2)[0]
    assert read_keys(f"{one}\n{two};{one} ") == [one, two]
    with pytest.raises(DomainError) as refused:
        read_keys(text)
    assert refused.value.code == code


@pytest.mark.usefixtures("key")
def test_an_issuer_brings_no_more_than_allowed_to_sri_in_a_minute(
    site, tenant, request_fiscal, documents, drain, clock
):
    gateway = inprocess_gateway(site)
    gateway.is_simulated = False  # the limit spares SRI, not a simulator
    before = jobs.gateways()
    jobs.use_gateways(Gateways({1: gateway, 2: gateway}))
    write(tenant, settings.DOCUMENTS_PER_MINUTE, 3)
    request_fiscal(*(invoice_request(number, email="") for number in range(1, 9)))
    try:
        sent = []
        for _ in range(4):
            drain()
            sent.append(sorted(one.sequence for one in documents() if one.sent_at))
            clock.advance(minutes=1)
    finally:
        jobs.use_gateways(before)
        gateway.close()
    assert [len(one) for one in sent] == [3, 6, 8, 8]
    assert sent[0] == [1, 2, 3]  # oldest first
    assert {one.state for one in documents()} == {"authorized"}


def test_practice_touches_nothing_real(tenant, request_fiscal, documents, drain, outbox, now):
    """No certificate, no SRI (the gateway of this test is "null"), and yet it is practised to the end."""
    take = {"issue_point_id": tenant.run_id, "document_kind": "01"}
    with unit_of_work(tenant.scope) as session:
        real = numbering.allocate(session, environment=2, **take).first
    write(tenant, settings.ENVIRONMENT, settings.PRACTICE)
    with unit_of_work(tenant.scope) as session:
        assert numbering.allocate(session, environment=settings.PRACTICE, **take).first == 1
    request_fiscal(invoice_request(1, email="ana@example.com"), NOTA_CREDITO)
    drain()
    for row in documents():
        assert (row.state, row.environment, row.is_simulated) == ("authorized", 3, True)
        assert row.access_key[23] == "1"
        with unit_of_work(tenant.scope) as session:
            from io import BytesIO

            from pypdf import PdfReader

            sheet = PdfReader(BytesIO(files_of(session, row).ride)).pages[0].extract_text()
        assert "SIMULACIÓN" in sheet
    assert outbox.mails == []  # nobody is written to
    assert in_the_inbox() == []
    write(tenant, settings.ENVIRONMENT, 2)
    with unit_of_work(tenant.scope) as session:
        assert numbering.allocate(session, environment=2, **take).first == real + 1
        series = session.scalars(select(NumberSeries).order_by(NumberSeries.environment)).all()
        assert [(one.environment, one.next_number) for one in series] == [(2, 3), (3, 2)]
