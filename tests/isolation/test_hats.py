"""One person in several roles, and two distributors: no right travels from one to the other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import url_for
from itsdangerous import URLSafeSerializer
from sqlalchemy import text

from core.db.base import Base
from core.db.rls import scope_of_table, tenant_tables
from core.db.scope import Scope
from core.db.session import unit_of_work
from plugins.customer_portal.domain.identities import identity_of
from plugins.customer_portal.services import accounts
from plugins.customer_portal.services.links import Invitation
from plugins.customer_portal.views.reader import COOKIE
from tests.conftest import add_member
from tests.factories.licensing import make_vendor

READER = "1710034065"
OWNER_ONLY = ("core.members.invite", "core.company.edit", "core.api_keys.new")


def tenants_seen(scope: Scope) -> dict[str, set[str]]:
    """Tenant ids by table that plain SQL (the session's filter is off) shows in a scope."""
    seen: dict[str, set[str]] = {}
    with unit_of_work(scope) as session:
        for table in tenant_tables(Base.metadata):
            if scope_of_table(table) == "tenant":
                rows = session.execute(text(f"SELECT DISTINCT tenant_id FROM {table.name}"))
                found = {str(row.tenant_id) for row in rows}
                if found:
                    seen[table.name] = found
    return seen


@pytest.fixture
def reader(database):
    """A portal account of the receiver READER."""
    with unit_of_work(Scope()) as session:
        account = accounts.open_account(
            session, "ana@example.com", "Una-Clave-Larga-9", "Una-Clave-Larga-9"
        )
    with unit_of_work(Scope(account_id=account.id)) as session:
        accounts.accept(session, account, Invitation("ana@example.com", READER, "", "mail"))
    return account


@pytest.mark.checklist("PW-34", "PW-35")
def test_a_role_holds_in_its_own_company_only(
    app, client, tenant, other_tenant, make_person, sign_in
):
    person = make_person(tenant, "owner")
    add_member(person, other_tenant, "accountant")
    with app.test_request_context():
        pages = [url_for(endpoint) for endpoint in OWNER_ONLY]
    sign_in(client, tenant, user_id=person)
    assert [client.get(page).status_code for page in pages] == [200] * len(pages)
    sign_in(client, other_tenant, user_id=person)
    assert [client.get(page).status_code for page in pages] == [403] * len(pages)


def test_neither_cookie_opens_the_other_door(
    app, client, tenant, make_person, sign_in, reader, now
):
    person = make_person(tenant, "owner")
    with app.test_request_context():
        inbox, company = url_for("portal.inbox.index"), url_for("core.company.show")
    sign_in(client, tenant, user_id=person)
    assert client.get(company).status_code == 200
    assert client.get(inbox).status_code in (302, 303)
    only_reader = app.test_client()
    signer = URLSafeSerializer(app.config["SECRET_KEY"], salt="portal.session")
    signed = signer.dumps([str(reader.id), reader.stamp, int(now.timestamp())])
    only_reader.set_cookie(COOKIE, str(signed), path="/")
    assert only_reader.get(inbox).status_code == 200
    assert only_reader.get(company).status_code in (302, 303)


def test_the_database_shows_one_company_at_a_time(tenant, other_tenant, make_person):
    person = make_person(tenant, "owner")
    add_member(person, other_tenant, "accountant")
    for one in (tenant, other_tenant):
        seen = tenants_seen(replace(one.scope, user_id=person))
        assert "core_branch" in seen
        assert {table for table, ids in seen.items() if ids != {str(one.id)}} == set()
    assert tenants_seen(Scope(user_id=person)) == {}  # signed in, no company chosen
    assert tenants_seen(Scope(receiver_ids=(identity_of(READER),))) == {}  # in the portal


def test_a_distributor_sees_his_own_portfolio_in_the_database(make_tenant, clock, drain):
    vendor = make_vendor(make_tenant, clock, drain)
    north = vendor.contract(distributor=vendor.north)
    south = vendor.contract(
        distributor=vendor.south, tax_id="1790016919001", name="Escuela Sol",
        identification="1714616123", email="luis@sol.ec",
    )  # fmt: skip
    for desk, client, other in ((vendor.north, north, south), (vendor.south, south, north)):
        with unit_of_work(desk.scope) as session:
            rows = session.execute(text("SELECT client_tenant_id FROM lic_portfolio")).scalars()
            assert list(rows) == [client]
            moved = session.execute(
                text("UPDATE lic_portfolio SET balance = 0 WHERE client_tenant_id = :id"),
                {"id": other},
            )
            assert moved.rowcount == 0
        seen = tenants_seen(desk.scope)
        assert {table for table, ids in seen.items() if ids != {str(desk.id)}} == set()
        assert "lic_contract" not in seen  # the operator's
        assert "lic_licence" not in seen  # the client's
