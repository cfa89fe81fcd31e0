"""After ``yupana secrets rotate``: sessions, tokens, open forms and links in mails work until they end."""

from __future__ import annotations

import base64
import dataclasses
import re
import stat
from datetime import timedelta
from uuid import UUID

import pytest

from core import runtime
from core.adapters import keyring
from core.adapters.keyring import Keyring
from core.app import create_app
from core.db.session import unit_of_work
from core.errors import NotFound
from core.settings import read_settings
from plugins.customer_portal.services import links
from plugins.sales.services import payment_links

OLD, NEW = b"k" * 32, b"n" * 32  # OLD is the key of every test
INVOICE = UUID(int=7)
PASSWORD = "Una-clave-larga-9"
INVITATION = links.Invitation("ana@example.com", "1710034065", "1" * 49, "mail")


def site(host, keys: Keyring, folder):
    """The site as a process started with these keys serves it."""
    runtime.use(dataclasses.replace(runtime.current(), keyring=keys))
    made = create_app(read_settings(home=folder), host)
    made.testing = True
    return made


@pytest.fixture
def before(app, client, sign_in, tenant, make_person, database, host):
    """What a browser, a program and a mailbox hold when the key is replaced."""
    sign_in(client, tenant, "owner")
    page = client.get("/company/edit")
    make_person(tenant, "integrator", username="1710034065", password=PASSWORD)
    told = client.application.test_client().post(
        "/api/v1/token/",
        json={"username": "1710034065", "password": PASSWORD, "company": tenant.tax_id},
    )
    with unit_of_work(tenant.scope) as session:
        signature = payment_links.sign_link(session, INVOICE).rpartition("/")[2]
    return {
        "cookie": client.get_cookie("yupana_session").value,
        "form": re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1],
        "token": told.json["token"],
        "signature": signature,
    }


def statuses(made, before, tenant) -> list[int]:
    """Page by cookie, form that was open, API by token."""
    client = made.test_client()
    client.set_cookie("yupana_session", before["cookie"])
    page = client.get("/company/edit").status_code
    form = client.post(
        "/company/edit", data={"csrf_token": before["form"], "legal_name": "Andina"}
    ).status_code
    program = made.test_client().get(
        "/api/v1/sales/invoices/", headers={"Authorization": f"Bearer {before['token']}"}
    )
    return [page, form, program.status_code]


def test_what_was_signed_before_still_counts(host, before, tenant, tmp_path):
    rotated = site(host, Keyring([NEW], former=[OLD]), tmp_path)
    assert statuses(rotated, before, tenant) == [200, 303, 200]
    with unit_of_work(tenant.scope) as session:
        payment_links.check_link(session, INVOICE, before["signature"])
        assert before["signature"] not in payment_links.sign_link(session, INVOICE)
        with pytest.raises(NotFound):
            payment_links.check_link(session, INVOICE, "0" * 40)
    # what is signed from now on lies under the new key alone
    fresh = site(host, Keyring([NEW]), tmp_path)
    assert 200 not in statuses(fresh, before, tenant)
    with unit_of_work(tenant.scope) as session, pytest.raises(NotFound):
        payment_links.check_link(session, INVOICE, before["signature"])


def test_document_links_end_at_their_own_time(now):
    ends = now + timedelta(days=links.DOCUMENT_DAYS)
    token = links.document_token(Keyring([OLD]).derive("portal"), INVITATION, ends_at=ends)
    after = list(reversed(Keyring([NEW], former=[OLD]).derive_all("portal")))
    assert links.read_document_token(after, token, now=ends - timedelta(seconds=1)) == INVITATION
    assert links.read_document_token(after, token, now=ends) is None
    forgotten = Keyring([NEW]).derive_all("portal")
    assert links.read_document_token(forgotten, token, now=now) is None


def test_the_former_keys_vouch_but_open_nothing(tmp_path):
    home = tmp_path
    for key in (b"1" * 32, b"2" * 32, b"3" * 32):
        keyring.keep_former(home, key)
    assert keyring.read_former(home) == [b"3" * 32, b"2" * 32]
    assert stat.S_IMODE((home / keyring.FORMER).stat().st_mode) == 0o600
    given = base64.b64encode(NEW).decode()
    ring = keyring.open_keyring(read_settings(home=home, master_key=given))
    assert ring.derive_all("x")[0] == Keyring([NEW]).derive("x")
    assert Keyring([b"3" * 32]).derive("x") in ring.derive_all("x")
    with pytest.raises(keyring.SecretUnreadable):
        ring.open(Keyring([b"3" * 32]).seal(b"v", context="c"), context="c")
    keyring.forget_former(home)
    assert keyring.read_former(home) == []
