"""The letterbox over HTTP: links, sign-in, documents of several issuers, files, answers, readers."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from core import plugins
from core.contracts.events import DocumentAuthorized
from core.contracts.fiscal import DocumentFiles
from core.db.events import emit
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.i18n import gettext
from core.ids import new_id
from core.models import StoredEvent
from core.security import challenge
from plugins.customer_portal.domain.identities import identity_of
from plugins.customer_portal.models import Grant, InboxItem

PASSWORD = "Una-Clave-Larga-9"
ANA, COMPANY = "1710034065", "1792205859001"
LINK = re.compile(r"https?://[^/\s]+(/portal/(?:l|reset)/[\w.\-]+)")


def key_of(number: int) -> str:
    return f"{number:049d}"


@pytest.fixture
def authorize(drain, now):
    """An issuer's document to a receiver is authorised and published."""

    def make(issuer, receiver: str, nth: int, **changes) -> str:
        facts = {
            "document_id": new_id(),
            "kind": "01",
            "access_key": key_of(nth),
            "number": f"001-002-{nth:09d}",
            "issued_on": date(2026, 4, 25),
            "issuer_tax_id": issuer.tax_id,
            "issuer_name": issuer.name,
            "receiver_tax_id_type": "05",
            "receiver_tax_id": receiver,
            "receiver_name": "Ana Receptora",
            "receiver_email": "ana@example.com",
            "total": Decimal("34.50"),
            "environment": 1,
            "authorized_at": now,
        } | changes
        with unit_of_work(issuer.scope) as session:
            emit(session, DocumentAuthorized(**facts), now=now)
        drain()
        return facts["access_key"]

    return make


@pytest.fixture
def files(monkeypatch, host):
    """The issuer's side of the hook ``document_files`` (einvoice_sri has its own tests)."""
    asked: list[str] = []
    real = host.call

    def call(hook, *, tenant=None, **given):
        if hook == "document_files":
            asked.append(given["access_key"])
            key = given["access_key"]
            return DocumentFiles(key, f"<x>{key}</x>".encode(), b"%PDF-" + key.encode())
        return real(hook, tenant=tenant, **given)

    monkeypatch.setattr(plugins, "call", call)
    return asked


def link_for(receiver: str, email: str, key: str) -> str:
    """The link as the mail of a document carries it."""
    url = plugins.call(
        "receiver_link",
        issuer_tax_id=COMPANY,
        receiver_tax_id=receiver,
        receiver_email=email,
        access_key=key,
    )
    return LINK.search(url)[1]


@pytest.fixture
def ana(client, tenant, authorize, post):
    """Ana followed the link of her first document and chose a password."""
    key = authorize(tenant, ANA, 1)
    answer = post(client, link_for(ANA, "ana@example.com", key), password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 303, answer.text
    return client


def item_id(receiver: str, number: int):
    with unit_of_work(Scope(receiver_ids=(identity_of(receiver),))) as session:
        return session.scalars(
            select(InboxItem.id).where(InboxItem.access_key == key_of(number))
        ).one()


def test_the_link_of_a_mail_leads_to_the_document(client, tenant, authorize, post):
    key = authorize(tenant, ANA, 1)
    link = link_for(ANA, "ana@example.com", key)
    page = client.get(link)
    assert page.status_code == 200
    assert "ana@example.com" in page.text
    assert client.get("/portal").status_code == 303
    weak = post(client, link, password="short", again="short")
    assert weak.status_code == 422
    answer = post(client, link, password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 303
    document = client.get(answer.headers["Location"])
    assert "001-002-000000001" in document.text
    assert tenant.name in document.text
    # the second time the address has a password: the link sets none
    other = client.application.test_client()
    assert other.get(link).headers["Location"].startswith("/portal/sign-in")
    assert (
        post(other, link, password="Otra-Clave-Larga-9", again="Otra-Clave-Larga-9")
        .headers["Location"]
        .startswith("/portal/sign-in")
    )


def test_a_forged_or_old_link_is_void(client, tenant, authorize, clock):
    link = link_for(ANA, "ana@example.com", authorize(tenant, ANA, 1))
    assert client.get(link[:-3] + "abc").status_code == 410
    clock.advance(days=61)
    assert client.get(link).status_code == 410


@pytest.mark.checklist("SE-20", "SE-23", "CF-20", "CF-22")
def test_one_inbox_over_all_issuers_and_nothing_of_others(ana, tenant, other_tenant, authorize):
    authorize(other_tenant, f"{ANA}001", 2)
    authorize(tenant, COMPANY, 3)
    page = ana.get("/portal").text
    assert "000000001" in page
    assert "000000002" in page
    assert tenant.name in page
    assert other_tenant.name in page
    assert "000000003" not in page
    stranger = item_id(COMPANY, 3)
    for path in ("", ".xml", ".pdf"):
        assert ana.get(f"/portal/documents/{stranger}{path}").status_code == 404


def test_the_database_hides_other_receivers_with_the_guards_off(tenant, authorize):
    authorize(tenant, ANA, 1)
    authorize(tenant, COMPANY, 2)
    count = text("SELECT count(*) FROM portal_inbox")
    with unit_of_work(Scope()) as session:
        assert session.scalar(count) == 0
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(count) == 0
    with unit_of_work(Scope(receiver_ids=(identity_of(ANA),))) as session:
        assert session.scalar(count) == 1
    both = (identity_of(ANA), identity_of(COMPANY))
    with unit_of_work(Scope(receiver_ids=both)) as session:
        assert session.scalar(count) == 2


def test_an_event_told_twice_arrives_once(tenant, authorize):
    same = new_id()
    authorize(tenant, ANA, 1, document_id=same)
    authorize(tenant, ANA, 1, document_id=same)
    with unit_of_work(Scope(receiver_ids=(identity_of(ANA),))) as session:
        assert len(session.scalars(select(InboxItem)).all()) == 1


def test_the_final_consumer_has_no_inbox(tenant, authorize, database):
    authorize(tenant, "9999999999999", 1)
    with unit_of_work(Scope(platform=True)) as session:
        assert session.scalar(text("SELECT count(*) FROM portal_inbox")) == 0


@pytest.mark.checklist("SE-28", "CF-24", "AT-08", "AT-09")
def test_files_come_whole_and_pending_shrinks(ana, tenant, authorize, files):
    authorize(tenant, ANA, 2)
    authorize(tenant, ANA, 3)
    first = item_id(ANA, 1)
    xml = ana.get(f"/portal/documents/{first}.xml")
    assert xml.data == f"<x>{key_of(1)}</x>".encode()
    assert f"{key_of(1)}.xml" in xml.headers["Content-Disposition"]
    assert (
        ana.get(f"/portal/documents/{first}.pdf?show=1")
        .headers["Content-Disposition"]
        .startswith("inline")
    )
    archive = zipfile.ZipFile(io.BytesIO(ana.get("/portal/pending.zip").data))
    assert archive.testzip() is None
    names = archive.namelist()
    assert len(names) == 4
    assert not any("000000001" in name for name in names)
    assert ana.get("/portal/pending.zip").status_code == 303  # nothing is pending any more


def test_a_download_is_written_into_the_issuers_audit(ana, tenant, files):
    ana.get(f"/portal/documents/{item_id(ANA, 1)}.xml")
    with unit_of_work(tenant.scope) as session:
        reasons = session.execute(text("SELECT reason FROM core_audit_entry")).scalars().all()
    assert reasons == ["hand a document to its receiver"]


@pytest.mark.checklist("SE-21")
def test_a_dispute_reaches_the_issuer_with_its_reason(ana, tenant, post):
    at = f"/portal/documents/{item_id(ANA, 1)}"
    assert post(ana, f"{at}/dispute", note="").status_code == 422
    assert post(ana, f"{at}/dispute", note="No compré esto").status_code == 303
    assert post(ana, f"{at}/dispute", note="Otra vez").status_code == 409
    assert "No compré esto" in ana.get(at).text
    assert post(ana, f"{at}/accept").status_code == 303
    with unit_of_work(tenant.scope) as session:
        told = session.scalars(
            select(StoredEvent)
            .where(StoredEvent.name == "DocumentDisputed")
            .order_by(StoredEvent.id)
        ).all()
    assert [(one.payload["accepted"], one.payload["note"]) for one in told] == [
        (False, "No compré esto"),
        (True, ""),
    ]


@pytest.mark.checklist("SE-29", "SE-30", "SM-10", "SM-11")
def test_sign_in_asks_a_sum_after_a_failure_and_locks(ana, post, clock):
    browser = ana.application.test_client()
    wrong = post(browser, "/portal/sign-in", email="ana@example.com", password="no")
    assert wrong.status_code == 422
    assert 'name="answer"' in wrong.text
    assert 'value="ana@example.com"' not in wrong.text
    clock.advance(minutes=16)
    right = post(browser, "/portal/sign-in", email="Ana@Example.com ", password=PASSWORD)
    assert right.status_code == 303
    assert browser.get("/portal").status_code == 200


@pytest.mark.checklist("SE-33", "SM-18", "CF-10", "CF-12", "CF-14")
def test_a_forgotten_password_is_chosen_anew_by_a_mailed_link(ana, post, drain, outbox):
    other = ana.application.test_client()
    said = post(other, "/portal/forgot", email="nadie@example.com").text
    assert "n•••@e•••.com" in said
    drain()
    assert outbox.mails == []
    post(other, "/portal/forgot", email="ana@example.com")
    drain()
    (mail,) = outbox.to("ana@example.com")
    link = LINK.search(mail.text)[1]
    fresh = "Nueva-Clave-Larga-9"
    assert post(other, link, password=fresh, again=fresh).status_code == 303
    assert post(other, link, password=fresh, again=fresh).status_code == 410  # void once used
    assert ana.get("/portal").status_code == 303  # the earlier session is closed
    assert other.get("/portal").status_code == 200


@pytest.mark.checklist("SE-04", "SE-06", "SE-07")
def test_who_holds_the_paper_gets_a_link_and_others_the_same_words(
    client, tenant, authorize, post, drain, outbox
):
    authorize(tenant, COMPANY, 5)
    facts = {
        "tax_id": COMPANY,
        "issuer_tax_id": tenant.tax_id,
        "number": "001-002-000000005",
        "issued_on": "2026-04-25",
        "total": "34,50",
        "email": "contador@example.com",
    }
    said = []
    for changes in ({"total": "34,51"}, {}):
        page = client.get("/portal/register").text
        token = re.search(r'name="challenge" value="([^"]+)"', page)[1]
        answer = post(
            client, "/portal/register", **(facts | changes), challenge=token, answer=solve(page)
        )
        assert answer.status_code == 200, answer.text
        said.append(re.sub(r"nonce-\S+", "", answer.text.split("<main")[1]))
        drain()
    assert said[0] == said[1]
    (mail,) = outbox.mails
    link = LINK.search(mail.text)[1]
    assert post(client, link, password=PASSWORD, again=PASSWORD).status_code == 303
    assert "000000005" in client.get("/portal").text


def solve(page: str) -> str:
    words = [str(one) for one in challenge.WORDS]
    question = gettext("How much is %(first)s plus %(second)s?", first=r"(\w+)", second=r"(\w+)")
    first, second = re.search(question.replace("?", r"\?"), page).groups()
    return str(words.index(first) + words.index(second))


@pytest.mark.checklist("SE-02", "SE-44")
def test_several_people_read_one_ruc_and_the_last_one_stays(ana, post, drain, outbox):
    receiver_id = identity_of(ANA)
    post(ana, f"/portal/people/{receiver_id}/invite", email="luis@example.com")
    drain()
    (mail,) = outbox.to("luis@example.com")
    luis = ana.application.test_client()
    post(luis, LINK.search(mail.text)[1], password=PASSWORD, again=PASSWORD)
    assert "000000001" in luis.get("/portal").text
    with unit_of_work(Scope(receiver_ids=(receiver_id,))) as session:
        grants = session.scalars(select(Grant).order_by(Grant.created_at)).all()
    assert [one.via for one in grants] == ["mail", "invitation"]
    post(luis, f"/portal/people/{receiver_id}/{grants[0].account_id}/revoke")
    assert "000000001" not in ana.get("/portal").text
    refused = post(luis, f"/portal/people/{receiver_id}/{grants[1].account_id}/revoke")
    assert refused.status_code == 422
    # ids of identities one does not read do not exist
    assert (
        post(ana, f"/portal/people/{receiver_id}/invite", email="x@example.com").status_code == 404
    )


def test_a_link_mailed_to_one_address_gives_nothing_to_another_account(
    ana, tenant, authorize, post
):
    key = authorize(tenant, COMPANY, 7, receiver_email="otra@example.com")
    link = link_for(COMPANY, "otra@example.com", key)
    post(ana.application.test_client(), link, password=PASSWORD, again=PASSWORD)
    assert ana.get(link).headers["Location"].startswith("/portal/sign-in")
    assert post(ana, link).headers["Location"].startswith("/portal/sign-in")
    assert "000000007" not in ana.get("/portal").text


def test_the_portal_cookie_opens_nothing_of_a_company_and_the_other_way_round(ana, tenant, sign_in):
    assert ana.get("/").status_code in (302, 303)
    staff = ana.application.test_client()
    sign_in(staff, tenant, "owner")
    assert staff.get("/portal").headers["Location"].startswith("/portal/sign-in")


def test_idle_sessions_end(ana, clock):
    clock.advance(hours=13)
    assert ana.get("/portal").status_code == 303
    clock.set(clock.now() - timedelta(hours=13))


@pytest.mark.parametrize("query", ["after=x", "since=ayer", "q=%00", "kind=../x", "after=-W10"])
def test_wrong_addresses_are_refused_calmly(ana, query):
    assert ana.get(f"/portal?{query}").status_code in (200, 400, 404, 422)
