"""The door: who gets in, who is told to wait, and what nobody learns at it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.models import Membership
from core.security.models import OneTimeLink, SignInGuard

PASSWORD = "Clave-muy-Larga-2026"
WRONG = "La combinación no es correcta"


@pytest.fixture
def person(make_person, tenant):
    return make_person(tenant, "owner", username="1712345675", password=PASSWORD)


def answer(page: str) -> dict[str, str]:
    """Read the sum as a person would, and answer it."""
    numbers = ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"]
    found = re.search(r"¿Cuánto es (\w+) más (\w+)\?", page)
    if not found:
        return {}
    token = re.search(r'name="challenge" value="([^"]+)"', page)
    assert token
    total = numbers.index(found[1]) + numbers.index(found[2])
    return {"challenge": token[1], "answer": str(total)}


@pytest.fixture
def enter(client: FlaskClient, post):
    """Try the form, answering the sum when it is asked."""

    def attempt(username: str, password: str, **more: str):
        page = client.get("/sign-in").get_data(as_text=True)
        return post(
            client, "/sign-in", username=username, password=password, **answer(page), **more
        )

    return attempt


def test_right_password_opens_the_company(enter, client, person, tenant):
    response = enter("171234567-5", PASSWORD)
    assert (response.status_code, response.location) == (303, "/")
    assert tenant.name in client.get("/").get_data(as_text=True)


@pytest.mark.checklist("SE-30", "SM-06", "SM-07")
def test_after_a_failure_fields_are_empty_and_a_sum_is_asked(enter, person):
    response = enter("1712345675", "Clave-equivocada-1")
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert WRONG in page
    assert "1712345675" not in page
    assert "¿Cuánto es" in page


def test_the_sum_must_be_right_and_counts_once(enter, client, post, person):
    page = enter("1712345675", "Clave-equivocada-1").get_data(as_text=True)
    good = answer(page)
    bad = post(
        client, "/sign-in", username="1712345675", password=PASSWORD, **good | {"answer": "99"}
    )
    assert bad.status_code == 422
    assert "suma" in bad.get_data(as_text=True)
    again = post(client, "/sign-in", username="1712345675", password=PASSWORD, **good)
    assert again.status_code == 422, "a token is good once"
    assert enter("1712345675", PASSWORD).status_code == 303


@pytest.mark.parametrize("username", ["1712345675", "0999999999"])
@pytest.mark.checklist("SM-10", "SM-13")
def test_five_failures_lock_known_and_unknown_alike(enter, client, person, clock, username):
    for _ in range(4):
        assert enter(username, "Clave-equivocada-1").status_code == 422
    fifth = enter(username, "Clave-equivocada-1")
    page = fifth.get_data(as_text=True)
    assert fifth.status_code == 429
    assert fifth.headers["Retry-After"]
    assert "15 minutos" in page
    assert "08:15" in page, "08:00 and a quarter of an hour, in Guayaquil"
    assert enter(username, PASSWORD).status_code == 429, "the right one waits too"
    clock.advance(minutes=15, seconds=1)
    expected = 303 if username == "1712345675" else 422
    assert enter(username, PASSWORD).status_code == expected


@pytest.mark.checklist("SM-13")
def test_an_address_is_locked_after_many_accounts(enter, database):
    codes = [enter(f"09000000{n:02d}", "Clave-equivocada-1").status_code for n in range(21)]
    assert codes[:19] == [422] * 19
    assert codes[19:] == [429, 429]


def test_the_api_is_locked_by_the_same_counters(client, enter, person):
    for _ in range(3):
        enter("1712345675", "Clave-equivocada-1")
    body = {"username": "1712345675", "password": "Clave-equivocada-1"}
    assert client.post("/api/v1/token", json=body).status_code == 401
    locked = client.post("/api/v1/token", json=body)
    assert locked.status_code == 429
    assert locked.mimetype == "application/problem+json"
    assert locked.json["code"] == "locked"
    assert enter("1712345675", PASSWORD).status_code == 429, "the form as well"
    right = client.post("/api/v1/token", json=body | {"password": PASSWORD})
    assert right.status_code == 429


def test_an_api_token_works_for_one_company_and_ends(client, person, tenant, clock):
    body = {"username": "1712345675", "password": PASSWORD, "company": tenant.tax_id}
    made = client.post("/api/v1/token", json=body)
    assert made.status_code == 201
    headers = {"Authorization": f"Bearer {made.json['token']}"}
    seen = client.get("/api/v1/me", headers=headers)
    assert seen.json["company"]["tax_id"] == tenant.tax_id
    clock.advance(minutes=61)
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_company_is_remembered_and_must_be_one_of_his(enter, client, person, tenant, other_tenant):
    foreign = enter("1712345675", PASSWORD, company=other_tenant.tax_id)
    assert foreign.status_code == 422
    assert WRONG in foreign.get_data(as_text=True)
    assert enter("1712345675", PASSWORD, company=tenant.tax_id).status_code == 303
    client.get_cookie("yupana_session")
    assert tenant.tax_id in client.get_cookie("yupana_company").value


@pytest.mark.parametrize(
    ("address", "goes_to"),
    [
        ("/account/password", "/account/password"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil", "/"),
    ],
)
def test_next_never_leaves_the_site(enter, person, address, goes_to):
    assert enter("1712345675", PASSWORD, next=address).location == goes_to


def test_switching_the_company_needs_no_new_sign_in(
    client, post, enter, person, tenant, make_tenant
):
    second = make_tenant(name="Aserradero del Sur")
    with unit_of_work(second.scope) as session:
        session.add(Membership(user_id=person, role="accountant"))
    assert enter("1712345675", PASSWORD).status_code == 303
    asked = client.get("/")
    assert asked.location.startswith("/companies")
    choice = client.get("/companies").get_data(as_text=True)
    assert second.name in choice
    assert tenant.name in choice
    assert post(client, "/companies", tenant=str(second.id)).status_code == 303
    assert second.name in client.get("/").get_data(as_text=True)
    third = make_tenant()
    assert post(client, "/companies", tenant=str(third.id)).status_code == 404
    assert post(client, "/companies", tenant="nada").status_code == 404


@pytest.mark.checklist("SE-33", "SM-17", "SM-18")
def test_forgotten_password_is_neutral_and_the_link_works_once(
    client, post, person, outbox, drain, clock, database
):
    known = post(client, "/forgot", username="1712345675").get_data(as_text=True)
    unknown = post(client, "/forgot", username="0999999999").get_data(as_text=True)
    assert re.sub(r"csrf\S+|nonce\S+", "", known) == re.sub(r"csrf\S+|nonce\S+", "", unknown)
    drain()
    [mail] = outbox.mails
    [url] = set(re.findall(r"http://\S+", mail.text))
    path = "/reset/" + url.rsplit("/", 1)[1]
    with unit_of_work(Scope()) as session:
        assert all(len(one.token_hash) == 64 for one in session.scalars(select(OneTimeLink)))
    assert client.get(path).status_code == 200
    assert client.get(path).status_code == 200, "looking does not use it"
    weak = post(client, path, password="corta", again="corta")
    assert weak.status_code == 422
    new = "Otra-clave-Larga-2026"
    assert post(client, path, password=new, again="distinta").status_code == 422
    assert post(client, path, password=new, again=new).status_code == 303
    fresh = client.application.test_client()
    assert fresh.get(path).status_code == 410


@pytest.mark.checklist("SM-18")
def test_a_reset_link_lives_sixty_minutes(client, post, person, outbox, drain, clock):
    post(client, "/forgot", username="1712345675")
    drain()
    path = "/reset/" + re.findall(r"/reset/(\S+)", outbox.mails[0].text)[0]
    clock.advance(minutes=59)
    assert client.get(path).status_code == 200
    clock.advance(minutes=2)
    assert client.get(path).status_code == 410


@pytest.mark.checklist("CF-14", "PW-27")
def test_changing_the_password_ends_other_sessions(app, person, tenant, sign_in, post, clock):
    here, there = app.test_client(), app.test_client()
    sign_in(here, tenant, user_id=person)
    sign_in(there, tenant, user_id=person)
    new = "Otra-clave-Larga-2026"
    fields = {"current": PASSWORD, "password": new, "again": new}
    assert post(here, "/account/password", **fields | {"current": "x"}).status_code == 422
    assert post(here, "/account/password", **fields).status_code == 303
    assert here.get("/").status_code == 200
    assert there.get("/").location.startswith("/sign-in")


@pytest.mark.checklist("PW-27")
def test_who_changes_the_user_signs_in_with_the_new_one(app, person, tenant, sign_in, post, enter):
    here = app.test_client()
    sign_in(here, tenant, user_id=person)
    fields = {"current": PASSWORD, "identification": "1710034065", "email": "Nueva@Example.com"}
    assert post(here, "/account/names", **fields | {"current": "x"}).status_code == 422
    assert post(here, "/account/names", **fields | {"identification": "171003"}).status_code == 422
    assert post(here, "/account/names", **fields).status_code == 303
    assert here.get("/").status_code == 200
    for name, status in (("1712345675", 422), ("1710034065", 303), ("nueva@example.com", 422)):
        assert enter(name, PASSWORD).status_code == status, name


def test_an_idle_session_ends(client, sign_in, tenant, clock):
    sign_in(client, tenant, "owner")
    clock.advance(minutes=59)
    assert client.get("/").status_code == 200
    clock.advance(minutes=59)
    assert client.get("/").status_code == 200, "every visit counts"
    clock.advance(minutes=61)
    assert client.get("/").location.startswith("/sign-in")


def test_the_table_of_attempts_names_nobody(enter, person, database):
    enter("1712345675", "Clave-equivocada-1")
    with unit_of_work(Scope()) as session:
        keys = list(session.scalars(select(SignInGuard.key)))
    assert keys
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key in keys)


def test_locks_hold_over_processes_because_they_are_rows(enter, person, clock, database):
    from core.security import guard

    counter = guard.Counter("account", "x", 5)
    for _ in range(5):
        guard.take([counter], clock.now())
    with pytest.raises(guard.TooMany) as refused:
        guard.take([counter], clock.now())
    assert refused.value.retry_after in range(895, 902)
    guard.take([counter], clock.now() + timedelta(minutes=16))
