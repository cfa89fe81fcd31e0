"""At the first access who sells chooses the own PIN beside the own password, in one step."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from core import plugins
from core.contracts.services import SellerPins
from core.db.session import unit_of_work
from plugins.sales.models import Salesperson
from plugins.sales.services.check_pins import check_pin, create_salesperson

PERSON = {
    "identification": "1710034065",
    "first_name": "Rosa",
    "last_name": "Quishpe",
    "email": "rosa@example.com",
}
PASSWORD = {"password": "Mi-clave-Larga-2026", "again": "Mi-clave-Larga-2026"}


@pytest.fixture
def invite(app, client, post, sign_in, tenant, drain, outbox):
    """Invite Rosa with a role: the path of her link, and the code."""

    def send(role):
        sign_in(client, tenant, "owner")
        shown = post(client, "/company/members/new", **PERSON, role=role).text
        code = "".join(re.search(r'<p class="figure">(\d{3}) (\d{3})</p>', shown).groups())
        drain()
        mail = outbox.to("rosa@example.com")[-1]
        return "/activate/" + re.findall(r"/activate/(\S+)", mail.text)[0], code

    return send


def sellers(company):
    with unit_of_work(company.scope) as session:
        return {row.name: row for row in session.scalars(select(Salesperson))}


def pin_answer(company, name, pin, now):
    with unit_of_work(company.scope) as session:
        return check_pin(session, sellers(company)[name].id, pin, now=now)


@pytest.mark.checklist("PW-19")
def test_the_owner_chooses_password_and_pin_with_one_link(
    app, post, tenant, other_tenant, invite, clock
):
    path, code = invite("owner")
    with unit_of_work(other_tenant.scope) as session:
        create_salesperson(session, name="Rosa Quishpe", email=PERSON["email"])
    rosa = app.test_client()
    page = rosa.get(path).text
    assert 'name="pin"' in page
    assert 'name="pin_again"' in page
    # what is wrong with a PIN is said before the code is looked at: its five tries are not spent
    for pin, again, words in (
        ("12", "12", "4 a 8 dígitos"),
        ("1234", "1234", "demasiado fácil"),
        ("48ab", "48ab", "4 a 8 dígitos"),
        ("123456789", "123456789", "4 a 8 dígitos"),
        ("4821", "4822", "Los dos PIN"),
        ("4821", "", "Los dos PIN"),
        ("", "4821", "4 a 8 dígitos"),
    ):
        refused = post(rosa, path, code=code, pin=pin, pin_again=again, **PASSWORD)
        assert refused.status_code == 422, (pin, again)
        assert words in refused.text, (pin, again)
        assert "4821" not in refused.text, "a PIN is never shown again"
    assert sellers(tenant) == {}
    assert (
        post(rosa, path, code="000000", pin="4821", pin_again="4821", **PASSWORD).status_code == 422
    )
    assert sellers(tenant) == {}, "without the code nothing is kept"

    assert post(rosa, path, code=code, pin="4821", pin_again="4821", **PASSWORD).status_code == 303
    assert "Su PIN quedó fijado" in rosa.get("/").text
    row = sellers(tenant)["Rosa Quishpe"]
    assert row.user_id is not None
    assert row.pin_hash.startswith("$argon2id$")
    assert pin_answer(tenant, "Rosa Quishpe", "4821", clock.now()).is_right
    assert not pin_answer(tenant, "Rosa Quishpe", "4822", clock.now()).is_right
    assert sellers(other_tenant)["Rosa Quishpe"].pin_set_at is None, "only in the own company"
    assert "Rosa Quishpe" in rosa.get("/sales/till/").text


def test_a_pin_may_wait_and_a_name_that_is_taken_is_no_obstacle(app, post, tenant, invite, clock):
    with unit_of_work(tenant.scope) as session:
        create_salesperson(session, name="Rosa Quishpe")  # another Rosa, known without an e-mail
    path, code = invite("salesperson")
    assert post(app.test_client(), path, code=code, **PASSWORD).status_code == 303
    assert sellers(tenant)["Rosa Quishpe"].pin_set_at is None

    with unit_of_work(tenant.scope) as session:
        plugins.service(SellerPins).choose(
            session, 1, "4821", name="Rosa Quishpe", email=PERSON["email"], now=clock.now()
        )
    assert set(sellers(tenant)) == {"Rosa Quishpe", "Rosa Quishpe 2"}
    assert pin_answer(tenant, "Rosa Quishpe 2", "4821", clock.now()).is_right


def test_who_was_made_a_salesperson_before_is_the_same(app, post, tenant, invite, clock):
    with unit_of_work(tenant.scope) as session:
        made = create_salesperson(session, name="Rosa Quishpe", email=PERSON["email"])
    path, code = invite("salesperson")
    answer = post(app.test_client(), path, code=code, pin="4821", pin_again="4821", **PASSWORD)
    assert answer.status_code == 303
    assert {row.id for row in sellers(tenant).values()} == {made}
    assert pin_answer(tenant, "Rosa Quishpe", "4821", clock.now()).is_right


@pytest.mark.parametrize("role", ["accountant", "owner"])
def test_no_pin_is_asked_of_who_does_not_sell(app, post, tenant, invite, host, monkeypatch, role):
    """Neither of an accountant, nor of anybody where sales is not there."""
    path, code = invite(role)
    if role == "owner":
        monkeypatch.delitem(host.services, SellerPins)
    rosa = app.test_client()
    assert 'name="pin"' not in rosa.get(path).text
    sent = post(rosa, path, code=code, pin="4821", pin_again="4821", **PASSWORD)
    assert sent.status_code == 303, "what no field asks for does nothing"
    assert sellers(tenant) == {}
