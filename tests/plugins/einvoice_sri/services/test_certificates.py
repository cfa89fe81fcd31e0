"""The vault: what goes in, which certificate signs when, and that nothing comes out."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from core.adapters.clock import to_local_date
from core.db.session import unit_of_work
from core.errors import Conflict, DomainError, NotFound
from core.models import AuditEntry, Secret
from plugins.einvoice_sri import jobs
from plugins.einvoice_sri.adapters.key_cache import KEYS
from plugins.einvoice_sri.domain.p12_errores import ClaveIncorrecta
from plugins.einvoice_sri.domain.verify import verify
from plugins.einvoice_sri.domain.xades import sign
from plugins.einvoice_sri.models.certificates import SigningCertificate
from plugins.einvoice_sri.services import certificates as vault
from plugins.einvoice_sri.services import p12_links
from plugins.einvoice_sri.services.p12_expiry import (
    certificate_attention,
    threshold_due,
)
from tests.factories import certificates as made
from tests.factories.p12_shapes import write_p12

NOW = made.NOW
SECRET = "a" * 43


@pytest.fixture(autouse=True)
def _cold():
    KEYS.clear()
    yield
    KEYS.clear()


def p12_of(
    tax_id: str, *, end: datetime = made.END, begin: datetime = made.BEGIN, serial: int = 1
) -> bytes:
    one = made.authority().issue(
        subject=made.subject_of("ANA PRUEBA", ruc=tax_id),
        not_before=begin,
        not_after=end,
        serial=serial,
    )
    return write_p12([one])


def add(tenant, *, now=NOW, **options):
    known = ("end", "begin", "serial")
    data = p12_of(tenant.tax_id, **{k: options.pop(k) for k in known if k in options})
    with unit_of_work(tenant.scope) as session:
        return vault.add_certificate(session, data=data, password="clave", now=now, **options)


def test_a_certificate_signs_from_its_upload_on(tenant):
    added = add(tenant)
    with unit_of_work(tenant.scope) as session:
        key = vault.signing_key_for(session, NOW)
        assert vault.signing_key_for(session, NOW) is key  # kept by this process
        row = vault.find_certificate(session, added)
        assert (row.tax_id, row.authority, row.chosen_because) == (
            tenant.tax_id,
            "PRUEBAS S.A.",
            "only",
        )
    assert verify(sign(b'<a id="comprobante"/>', key, signing_time=NOW), now=NOW).spotless


def test_the_key_is_sealed_and_the_file_is_forgotten(tenant):
    add(tenant)
    plain = made.key_der(made.rsa_key())
    with unit_of_work(tenant.scope) as session:
        sealed = session.scalars(select(Secret.sealed)).all()
        assert len(sealed) == 1
        assert plain[-80:-40] not in sealed[0]
        everything = session.execute(
            text("SELECT sri_certificate::text FROM sri_certificate")
        ).scalar()
    assert plain[-80:-40].hex() not in everything
    assert "clave" not in everything


def test_a_company_never_signs_with_the_key_of_another(tenant, other_tenant):
    add(tenant)
    with unit_of_work(other_tenant.scope) as session:
        with pytest.raises(DomainError) as refused:
            vault.signing_key_for(session, NOW)
        assert refused.value.code == "sri_no_certificate"
        assert vault.list_certificates(session) == []


def test_somebody_elses_certificate_asks_who_signs(tenant):
    data = p12_of("0992345678001")
    with unit_of_work(tenant.scope) as session:
        with pytest.raises(DomainError) as refused:
            vault.add_certificate(session, data=data, password="clave", now=NOW)
        assert (refused.value.code, refused.value.field) == ("sri_certificate_other_ruc", "signer")
        added = vault.add_certificate(
            session, data=data, password="clave", now=NOW, signer=" Luis Gerente "
        )
        assert vault.find_certificate(session, added).signer == "Luis Gerente"


@pytest.mark.checklist("PW-23", "PW-30")
def test_what_cannot_be_kept_is_refused(tenant):
    with unit_of_work(tenant.scope) as session:
        for data, password, wanted in (
            (p12_of(tenant.tax_id), "otra", "sri_p12_wrong_password"),
            (
                p12_of(tenant.tax_id, end=NOW - timedelta(days=1)),
                "clave",
                "sri_certificate_expired",
            ),
            (b"nada", "clave", "sri_p12_damaged"),
        ):
            with pytest.raises(DomainError) as refused:
                vault.add_certificate(session, data=data, password=password, now=NOW)
            assert refused.value.code == wanted
    add(tenant)
    with pytest.raises(Conflict):
        add(tenant)


def test_the_hand_over_changes_the_signer_at_its_instant(tenant):
    old = add(tenant, serial=1)
    new = add(tenant, serial=2, use_from=NOW + timedelta(days=10))
    later = NOW + timedelta(days=10)
    with unit_of_work(tenant.scope) as session:
        assert vault.current_certificate(session, NOW).id == old
        assert vault.current_certificate(session, later - timedelta(seconds=1)).id == old
        assert vault.current_certificate(session, later).id == new
        assert vault.signing_key_for(session, NOW).certificado.serial == 1
        assert vault.signing_key_for(session, later).certificado.serial == 2
        vault.set_use_from(session, new, use_from=NOW, now=NOW)
        assert vault.current_certificate(session, NOW).id == new
        with pytest.raises(DomainError) as refused:
            vault.set_use_from(session, new, use_from=made.END + timedelta(days=1), now=NOW)
        assert refused.value.code == "sri_certificate_dates"


def test_one_that_begins_later_waits_for_its_date(tenant):
    begin = NOW + timedelta(days=3)
    add(tenant, begin=begin)
    with unit_of_work(tenant.scope) as session:
        assert vault.current_certificate(session, NOW) is None
        assert vault.current_certificate(session, begin) is not None


def test_a_valid_one_goes_before_an_ended_one(tenant):
    valid = add(tenant, serial=1)
    add(tenant, serial=2, end=NOW + timedelta(days=5), use_from=NOW + timedelta(days=1))
    with unit_of_work(tenant.scope) as session:
        assert vault.current_certificate(session, NOW + timedelta(days=6)).id == valid


def test_an_expired_certificate_does_not_sign(tenant):
    add(tenant, end=NOW + timedelta(days=5))
    with unit_of_work(tenant.scope) as session, pytest.raises(DomainError) as refused:
        vault.signing_key_for(session, NOW + timedelta(days=6))
    assert refused.value.code == "sri_certificate_expired"


def test_wiping_destroys_the_key_and_says_so(tenant):
    added = add(tenant)
    with unit_of_work(tenant.scope) as session:
        vault.signing_key_for(session, NOW)
        vault.wipe_certificate(session, added, reason="cambio de gerente", now=NOW)
    assert len(KEYS) == 0
    with unit_of_work(tenant.scope) as session:
        assert session.scalars(select(Secret)).all() == []
        with pytest.raises(DomainError):
            vault.signing_key_for(session, NOW)
        with pytest.raises(Conflict):
            vault.wipe_certificate(session, added, reason="x", now=NOW)
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "wipe_certificate")
        ).one()
        assert (entry.reason, entry.subject_id) == ("cambio de gerente", added)
    add(tenant)  # the same file may come back


def test_foreign_ids_do_not_exist(tenant, other_tenant):
    added = add(tenant)
    with unit_of_work(other_tenant.scope) as session:
        for call in (
            lambda: vault.find_certificate(session, added),
            lambda: vault.wipe_certificate(session, added, reason="x", now=NOW),
            lambda: vault.set_use_from(session, added, use_from=NOW, now=NOW),
        ):
            with pytest.raises(NotFound):
                call()


def test_a_link_uploads_once_and_for_its_company_only(tenant, other_tenant):
    with unit_of_work(tenant.scope) as session:
        token = p12_links.make_link(session, secret=SECRET, note="Distribuidor", now=NOW)
        assert p12_links.open_links(session, now=NOW) == 1
    assert p12_links.link_company(token, now=NOW) == tenant.name
    with pytest.raises(ClaveIncorrecta):
        p12_links.upload_by_link(token, data=p12_of(tenant.tax_id), password="x", now=NOW)
    added = p12_links.upload_by_link(token, data=p12_of(tenant.tax_id), password="clave", now=NOW)
    with unit_of_work(tenant.scope) as session:
        assert vault.current_certificate(session, NOW).id == added
        assert p12_links.open_links(session, now=NOW) == 0
    for wrong, when in ((token, NOW), (token, NOW + timedelta(days=4))):
        with pytest.raises(DomainError) as refused:
            p12_links.link_company(wrong, now=when)
        assert refused.value.code == "sri_upload_link_closed"
    for unknown in ("x", "0" * 75, other_tenant.id.hex + SECRET, tenant.id.hex + "b" * 43):
        with pytest.raises(NotFound):
            p12_links.link_company(unknown, now=NOW)


def test_links_end_and_can_be_closed(tenant):
    with unit_of_work(tenant.scope) as session:
        token = p12_links.make_link(session, secret=SECRET, now=NOW)
    with pytest.raises(DomainError):
        p12_links.link_company(token, now=NOW + p12_links.LIFETIME)
    with unit_of_work(tenant.scope) as session:
        assert p12_links.revoke_links(session, now=NOW) == 1
    with pytest.raises(DomainError):
        p12_links.link_company(token, now=NOW)


@pytest.mark.parametrize(
    ("left", "warned", "due"),
    [
        (61, None, None), (60, None, 60), (59, 60, None), (31, 60, None), (30, 60, 30), (12, None, 30),
        (7, 30, 7), (2, 7, None), (1, 7, 1), (0, 7, 1), (0, 1, None), (-1, 7, None), (-1, None, None),
    ],
)  # fmt: skip
def test_when_a_warning_is_due(left, warned, due):
    assert threshold_due(left, warned) == due


def test_owners_are_mailed_60_30_7_and_1_days_before(tenant, make_person, outbox):
    make_person(tenant, "owner")
    make_person(tenant, "salesperson")
    end = datetime(2026, 7, 1, 17, 0, tzinfo=UTC)
    add(tenant, end=end)
    sent = []
    for left in range(62, -2, -1):
        now = end - timedelta(days=left)
        jobs.watch_certificates({}, now)
        jobs.watch_certificates({}, now)  # a second round says nothing
        sent += [left] * len(outbox.mails)
        ids = {mail.message_id for mail in outbox.mails}
        assert len(ids) == len(outbox.mails)
        outbox.mails.clear()
    assert sent == [60, 30, 7, 1]


def test_nobody_is_warned_once_the_next_one_is_there(tenant, make_person, outbox):
    make_person(tenant, "owner")
    add(tenant, serial=1, end=NOW + timedelta(days=20))
    add(tenant, serial=2, use_from=NOW + timedelta(days=19))
    jobs.watch_certificates({}, NOW)
    assert outbox.mails == []
    with unit_of_work(tenant.scope) as session:
        assert certificate_attention(session, "owner", NOW) == ()


def test_a_hand_over_after_the_end_of_the_present_one_is_refused(tenant):
    end = NOW + timedelta(days=7)
    add(tenant, serial=1, end=end)
    with pytest.raises(DomainError) as refused:
        add(tenant, serial=2, use_from=NOW + timedelta(days=60))
    assert (refused.value.code, refused.value.field) == ("sri_certificate_gap", "use_from")
    assert f"{to_local_date(end):%d/%m/%Y}" in str(refused.value)
    second = add(tenant, serial=2, use_from=end)
    add(tenant, serial=3, use_from=NOW + timedelta(days=60))  # the second one signs until then
    with unit_of_work(tenant.scope) as session:
        with pytest.raises(DomainError) as refused:
            vault.set_use_from(session, second, use_from=end + timedelta(seconds=1), now=NOW)
        assert refused.value.code == "sri_certificate_gap"
        vault.set_use_from(session, second, use_from=end - timedelta(days=1), now=NOW)


def test_after_the_end_a_valid_one_signs_before_its_hand_over(tenant):
    end = NOW + timedelta(days=7)
    add(tenant, serial=1, end=end)
    second = add(tenant, serial=2, use_from=end)
    late = NOW + timedelta(days=60)
    with unit_of_work(tenant.scope) as session:  # as rows of an older version may say
        vault.find_certificate(session, second).use_from = late
    with unit_of_work(tenant.scope) as session:
        for days, serial in ((0, 1), (6, 1), (8, 2), (59, 2), (61, 2)):
            key = vault.signing_key_for(session, NOW + timedelta(days=days))
            assert (days, key.certificado.serial) == (days, serial)
        assert [one.tone for one in certificate_attention(session, "owner", NOW)] == ["bad"]
        assert certificate_attention(session, "owner", NOW + timedelta(days=8)) == ()


def test_warnings_go_on_while_the_next_one_begins_after_the_end(tenant, make_person, outbox):
    make_person(tenant, "owner")
    end = NOW + timedelta(days=7)
    add(tenant, serial=1, end=end)
    add(tenant, serial=2, begin=end + timedelta(days=1))  # its authority gave no earlier day
    jobs.watch_certificates({}, NOW)
    assert len(outbox.mails) == 1
    with unit_of_work(tenant.scope) as session:
        assert [one.tone for one in certificate_attention(session, "owner", NOW)] == ["bad"]
        after = end + timedelta(hours=1)
        assert "venció" in certificate_attention(session, "owner", after)[0].sentence


def test_after_the_end_a_new_one_cannot_be_put_off(tenant):
    add(tenant, serial=1, end=NOW + timedelta(days=7))
    later = NOW + timedelta(days=20)
    with pytest.raises(DomainError) as refused:
        add(tenant, serial=2, now=later, use_from=later + timedelta(days=5))
    assert refused.value.code == "sri_certificate_gap"
    added = add(tenant, serial=2, now=later)
    with unit_of_work(tenant.scope) as session:
        assert vault.current_certificate(session, later).id == added


def test_the_home_page_says_what_is_missing(tenant):
    with unit_of_work(tenant.scope) as session:
        assert certificate_attention(session, "owner", NOW)[0].tone == "bad"
        assert certificate_attention(session, "salesperson", NOW) == ()
    add(tenant, end=NOW + timedelta(days=40))
    with unit_of_work(tenant.scope) as session:
        tones = [
            [
                one.tone
                for one in certificate_attention(session, "owner", NOW + timedelta(days=days))
            ]
            for days in (0, 35, 41)
        ]
    assert tones == [["warn"], ["bad"], ["bad"]]


def upload(client, csrf, path: str, data: bytes, **fields):
    return client.post(
        path,
        data={"csrf_token": csrf(client), "p12": (io.BytesIO(data), "firma.p12"), **fields},
        content_type="multipart/form-data",
    )


@pytest.mark.checklist("PW-23")
def test_the_owner_uploads_looks_and_wipes(client, tenant, sign_in, csrf, post):
    sign_in(client, tenant, "owner")
    data = p12_of(tenant.tax_id)
    assert "P12" in client.get("/sri/certificates").text
    looked = upload(client, csrf, "/sri/certificates/new", data, password="clave", do="inspect")
    assert looked.status_code == 200
    assert "ANA PRUEBA" in looked.text
    wrong = upload(client, csrf, "/sri/certificates/new", data, password="mala", do="keep")
    assert wrong.status_code == 422
    assert "mala" not in wrong.text
    kept = upload(client, csrf, "/sri/certificates/new", data, password="clave", do="keep")
    assert kept.status_code == 303
    shown = client.get(kept.headers["Location"])
    assert "ANA PRUEBA" in shown.text
    assert shown.status_code == 200
    moved = post(client, kept.headers["Location"] + "/use-from", use_from="2026-05-01")
    assert moved.status_code == 303
    assert post(client, kept.headers["Location"] + "/wipe", reason="").status_code == 422
    assert post(client, kept.headers["Location"] + "/wipe", reason="prueba").status_code == 303
    with unit_of_work(tenant.scope) as session:
        assert session.scalars(select(SigningCertificate.wiped_at)).one() is not None


def test_only_the_owner_writes(client, tenant, sign_in, post):
    sign_in(client, tenant, "distributor")
    assert client.get("/sri/certificates").status_code == 200
    assert client.get("/sri/certificates/new").status_code in (403, 404)
    assert post(client, "/sri/certificates/link", note="x").status_code in (403, 404)
    sign_in(client, tenant, "salesperson")
    assert client.get("/sri/certificates").status_code in (403, 404)


def test_a_stranger_with_the_link_uploads_and_sees_nothing_else(
    client, app, tenant, sign_in, csrf, post
):
    sign_in(client, tenant, "owner")
    page = post(client, "/sri/certificates/link", note="Asesor").text
    path = re.search(r"(/sri/upload/[0-9A-Za-z_-]+)", page).group(1)
    stranger = app.test_client()
    assert tenant.name in stranger.get(path).text
    assert stranger.get("/sri/certificates").status_code in (302, 303, 401, 403, 404)
    done = upload(stranger, csrf, path, p12_of(tenant.tax_id), password="clave")
    assert done.status_code == 200
    assert stranger.get(path).status_code == 410
    assert stranger.get("/sri/upload/" + "0" * 75).status_code == 404
    with unit_of_work(tenant.scope) as session:
        assert vault.current_certificate(session, NOW) is not None
