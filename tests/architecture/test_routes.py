"""Every route of the product: who may open it, what it is called, that looking changes nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from core.models import ROLES
from core.web.views import Routed

SAMPLES = {"UUIDConverter": UUID(int=1), "IntegerConverter": 1, "DateConverter": "2026-04-25"}


class Heading(HTMLParser):
    """The title and the first heading of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = ""
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag, attrs):
        if tag in ("title", "h1"):
            self.inside = tag

    def handle_endtag(self, tag):
        if tag == self.inside:
            self.inside = ""

    def handle_data(self, data):
        if self.inside:
            self.found[self.inside] = self.found.get(self.inside, "") + data


def routed(app: Flask):
    """(rule, instance, route) of every page and API operation on our base classes."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if hasattr(view, "routed"):
            instance, _name, route = view.routed
            yield rule, instance, route


def address(app: Flask, rule) -> str:
    """An address of a rule, with ids of nothing."""
    values = {
        name: min(getattr(converter, "items", ()), default="")
        or SAMPLES.get(type(converter).__name__, "aaaaaaaaaa")
        for name, converter in rule._converters.items()
    }
    method = min((rule.methods or {"GET"}) - {"HEAD", "OPTIONS"})
    return app.url_map.bind("localhost").build(rule.endpoint, values, method=method)


def home_of(role: str, make_tenant):
    """A company in which a role exists."""
    kinds = {"operator": "operator", "distributor": "distributor", "adviser": "distributor"}
    return make_tenant(kind=kinds.get(role, "company"))


def test_permission_matrix_of_every_route_and_role(app: Flask, sign_in, make_tenant, csrf):
    """A role without the permission gets 403 (404 where its plan lacks the plugin); nobody else does."""
    permissions = app.extensions["yupana"].permissions
    rules = list(routed(app))
    assert len(rules) > 30
    for role in ROLES:
        client = app.test_client()
        sign_in(client, home_of(role, make_tenant), role)
        token = csrf(client)
        for rule, instance, route in rules:
            key = instance.key(route)
            if instance.public or key is None:
                continue
            allowed = role in permissions[key].roles
            for method in route.methods:
                if method == "POST" and allowed:
                    continue  # would act; what it does is shown elsewhere
                answer = client.open(
                    address(app, rule), method=method, headers={"X-CSRFToken": token}
                )
                if allowed:
                    assert answer.status_code < 500, (role, rule)
                else:
                    assert answer.status_code in (403, 404), (
                        role,
                        method,
                        rule,
                        answer.status_code,
                    )


def test_nobody_gets_in_without_signing_in(app: Flask, csrf, database):
    client = app.test_client()
    for rule, instance, route in routed(app):
        if instance.public:
            continue
        for method in route.methods:
            answer = client.open(
                address(app, rule), method=method, headers={"X-CSRFToken": csrf(client)}
            )
            if rule.rule.startswith("/api/"):
                assert answer.status_code == 401, rule
            else:
                assert answer.status_code == 303, rule
                assert answer.location.startswith("/sign-in"), rule


def test_a_salesperson_of_one_company_is_nobody_in_another(
    app: Flask, make_person, sign_in, make_tenant
):
    """The role in A gives nothing in B: the active company alone decides."""
    first, second = make_tenant(), make_tenant()
    person = make_person(first, "owner")
    client = app.test_client()
    sign_in(client, second, user_id=person)
    for rule, instance, route in routed(app):
        if not instance.public and "GET" in route.methods and instance.key(route):
            answer = client.get(address(app, rule))
            assert answer.status_code in (303, 401), rule


def test_no_get_changes_a_row(app: Flask, sign_in, make_tenant, database):
    """Counts of writes before and after every GET, as PostgreSQL keeps them, do not move.

    What a GET may write: audit of looking across tenants, counters of the door, last use of a key.
    """
    client = app.test_client()
    sign_in(client, make_tenant(kind="operator"), "operator")
    before = _written(database)
    for rule, _instance, route in routed(app):
        if "GET" in route.methods:
            client.get(address(app, rule))
    assert _written(database) == before


def _written(database) -> dict[str, str]:
    """A fingerprint of every table's rows."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(database.owner_url, poolclass=NullPool)
    exempt = {"core_platform_audit", "core_sign_in_guard", "core_audit_entry"}
    try:
        with engine.connect() as connection:
            tables = connection.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ).all()
            return {
                name: connection.scalar(
                    text(
                        f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{name}\" t"
                    )
                )
                for name in sorted(set(tables) - exempt)
            }
    finally:
        engine.dispose()


def test_every_page_without_ids_has_a_spanish_title_and_one_heading(
    app: Flask, sign_in, make_tenant
):
    english = re.compile(
        r"\b(the|and|new|edit|list|show|add|of|your|company|settings|invoices?|customers?)\b",
        re.IGNORECASE,
    )
    clients = {}
    for role in ("operator", "distributor", "owner"):
        clients[role] = app.test_client()
        sign_in(clients[role], home_of(role, make_tenant), role)
    seen = 0
    for rule, _instance, route in routed(app):
        if rule.arguments or "GET" not in route.methods or rule.rule.startswith("/api/"):
            continue
        for client in clients.values():
            answer = client.get(address(app, rule))
            if answer.status_code != 200 or answer.mimetype != "text/html":
                continue
            page = Heading()
            page.feed(answer.text)
            title = page.found.get("title", "").strip()
            assert title, rule
            assert not english.search(title), (rule, title)
            assert answer.text.count("<h1") == 1, rule
            assert page.found.get("h1", "").strip(), rule
            seen += 1
    assert seen > 20


def test_menu_entries_lead_to_pages_that_the_role_may_open(app: Flask, host, sign_in, make_tenant):
    from core.web.shell import CORE_MENU

    permissions = app.extensions["yupana"].permissions
    for role in ROLES:
        entries = [
            *CORE_MENU,
            *(one for given in host.call("menu_entries", role=role) for one in given),
        ]
        for entry in entries:
            assert entry.endpoint in app.view_functions, entry
            assert not entry.permission or entry.permission in permissions, entry
            routed_view = getattr(app.view_functions[entry.endpoint], "routed", None)
            if routed_view and entry.permission:
                asked = permissions[routed_view[0].key(routed_view[2])]
                assert set(permissions[entry.permission].roles) <= set(asked.roles), entry


def test_every_route_is_on_a_base_class(app: Flask):
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        first = rule.endpoint.partition(".")[0]
        known = (
            hasattr(view, "routed")
            or rule.endpoint.endswith(".static")
            or first in {"UnusedIndexView", "UtilView", "LocaleView"}
        )
        assert known, rule


def test_ids_in_addresses_are_uuids(app: Flask):
    """A malformed id is 404 by the router, not an error of the database."""
    for rule, _instance, _route in routed(app):
        for name, converter in rule._converters.items():
            if name.endswith("_id"):
                assert type(converter).__name__ == "UUIDConverter", rule


@pytest.mark.parametrize("cls", [Routed])
def test_a_class_without_permission_or_name_is_refused(cls):
    with pytest.raises(TypeError, match="permission"):
        cls.prefix()
