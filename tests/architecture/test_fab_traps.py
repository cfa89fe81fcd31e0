"""Every trap of Flask-AppBuilder that the design lists, closed; and the same for our own routes."""

from __future__ import annotations

import importlib.metadata
import inspect
import re
from pathlib import Path

import flask_appbuilder
import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User, assoc_user_role
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.app import create_app
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.security import permissions
from core.security.manager import ErpSecurityManager
from core.security.models import Person
from core.settings import read_settings
from core.web.views import Pages, command, page

ROOT = Path(__file__).parents[2]
FAB_ENDPOINTS = re.compile(r"^(UnusedIndexView|UtilView|LocaleView|appbuilder)\.")


def test_create_app_issues_no_sql(host, tmp_path):
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        create_app(read_settings(home=tmp_path), host)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert seen == []


def test_two_applications_live_in_one_process(host, tmp_path):
    first, second = (create_app(read_settings(home=tmp_path), host) for _ in range(2))
    assert {str(r) for r in first.url_map.iter_rules()} == {
        str(r) for r in second.url_map.iter_rules()
    }


def test_fab_registers_nothing_that_answers(app: Flask):
    client = app.test_client()
    rules = [r for r in app.url_map.iter_rules() if FAB_ENDPOINTS.match(r.endpoint)]
    assert rules, "FAB is there"
    for rule in rules:
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        if rule.endpoint == "UnusedIndexView.index":
            path = "/fab/"
        assert client.get(path).status_code == 404, rule
    registered = {type(one).__name__ for one in app.appbuilder.baseviews}
    assert registered <= {"UnusedIndexView", "UtilView", "LocaleView"}


FAB_ADDRESSES = (
    "/login/",
    "/logout/",
    "/users/list/",
    "/roles/list/",
    "/api/v1/security/login",
    "/api/v1/_openapi",
    "/api/v1/menu/",
    "/swagger/v1",
    "/resetmypassword/form",
    "/registeruser/list/",
    "/lang/en",
    "/back",
)


def test_fab_addresses_do_not_exist_even_for_the_operator(client, sign_in, make_tenant):
    sign_in(client, make_tenant(kind="operator"), "operator")
    body = {"username": "a", "password": "b", "provider": "db"}
    for path in FAB_ADDRESSES:
        assert client.get(path).status_code == 404, path
        assert client.post(path, json=body).status_code in (400, 404, 405), path


def test_settings_that_open_traps_stay_shut(app: Flask):
    for name in (
        "FAB_CREATE_DB",
        "FAB_UPDATE_PERMS",
        "FAB_ADD_SECURITY_VIEWS",
        "FAB_ADD_SECURITY_API",
        "FAB_ADD_OPENAPI_VIEWS",
        "FAB_ADD_MENU_API",
        "FAB_API_KEY_ENABLED",
        "FAB_API_SWAGGER_UI",
        "FAB_API_SHOW_STACKTRACE",
        "FAB_ALLOW_GET_UNSAFE_MUTATIONS",
        "FAB_SECURITY_SIGNALS_ENABLED",
        "AUTH_USER_REGISTRATION",
    ):
        assert app.config[name] is False, name
    assert app.config["SESSION_COOKIE_HTTPONLY"] is True
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert isinstance(app.appbuilder.sm, ErpSecurityManager)
    assert app.appbuilder.sm.user_model is Person
    assert issubclass(Person, User)


def test_cookies_are_secure_behind_https(host, tmp_path):
    secure = create_app(
        read_settings(home=tmp_path, public_url="https://facturas.example.ec"), host
    )
    assert secure.config["SESSION_COOKIE_SECURE"] is True


def test_marshmallow_stays_below_4():
    assert int(importlib.metadata.version("marshmallow").split(".")[0]) == 3
    pinned = re.search(
        r"^marshmallow==(\d+)\.", (ROOT / "requirements.txt").read_text(), re.MULTILINE
    )
    assert pinned
    assert pinned[1] == "3"


def test_every_post_needs_a_token_pages_and_apis_alike(app: Flask, sign_in, tenant):
    """Signed in by cookie, no token: 400, before anything else is looked at."""
    client = app.test_client()
    sign_in(client, tenant, "owner")
    adapter = app.url_map.bind("localhost")
    tried = 0
    for rule in app.url_map.iter_rules():
        unsafe = (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if (
            not unsafe
            or FAB_ENDPOINTS.match(rule.endpoint)
            or rule.endpoint == "api.core.token.create"
        ):
            continue
        path = adapter.build(rule.endpoint, _some_values(rule), method=min(unsafe))
        for method in unsafe:
            answer = client.open(path, method=method, json={} if path.startswith("/api/") else None)
            assert answer.status_code == 400, (method, rule)
            if path.startswith("/api/"):
                assert answer.json["code"] == "csrf"
        tried += 1
    assert tried > 20


def _some_values(rule) -> dict[str, object]:
    from uuid import UUID

    samples = {"UUIDConverter": UUID(int=1), "IntegerConverter": 1, "DateConverter": "2026-04-25"}
    return {
        name: min(getattr(converter, "items", ()), default="")
        or samples.get(type(converter).__name__, "a" * 10)
        for name, converter in rule._converters.items()
    }


def test_a_token_from_another_session_does_not_help(app: Flask, sign_in, tenant, csrf):
    mine, theirs = app.test_client(), app.test_client()
    sign_in(mine, tenant, "owner")
    with theirs.session_transaction() as cookie:
        cookie["csrf_token"] = "f" * 40
    answer = mine.post("/account/sign-out", data={"csrf_token": csrf(theirs)})
    assert answer.status_code == 400
    assert mine.get("/").status_code == 200


def test_a_get_cannot_write_whatever_the_code_says(host, tmp_path, database, sign_in, tenant, post):
    class CarelessPages(Pages):
        blueprint = "careless"
        route_base = "/careless"

        @page("/")
        def index(self, ctx):
            ctx.session.execute(text("UPDATE core_branch SET name = 'X'"))
            return "done"

        @command("/do", action="write")
        def do(self, ctx):
            ctx.session.execute(text("UPDATE core_branch SET name = 'X'"))
            return "done"

    app = create_app(read_settings(home=tmp_path), host)
    app.extensions["yupana"].add_pages(CarelessPages, plugin="core")
    client = app.test_client()
    sign_in(client, tenant, "owner")
    assert client.get("/careless").status_code == 500
    assert post(client, "/careless/do").status_code == 200


def test_permissions_are_written_once_in_few_statements(database, host):
    """The template was written by ``yupana db upgrade``; a second run finds nothing to do."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(database.owner_url, poolclass=NullPool)
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    with Session(engine, info={"scope": Scope()}) as session, session.begin():
        permissions.write(session, host)
    engine.dispose()
    assert len(seen) < 12
    assert not [one for one in seen if one.startswith(("INSERT", "UPDATE", "DELETE"))]


def test_permissions_in_the_database_are_those_declared(database, host):
    from core.security.identity import read_permissions

    declared = permissions.declared(host)
    with unit_of_work(Scope()) as session:
        for role in permissions.ROLES:
            wanted = {key for key, one in declared.items() if role in one.roles}
            assert read_permissions(session, role) == wanted, role
        assert read_permissions(session, permissions.PUBLIC_ROLE) == frozenset()


def test_what_is_written_is_what_fab_reads(app, database, host):
    """FAB's own query over its tables finds the same permissions as ours."""
    sm = app.appbuilder.sm
    with app.app_context():
        role = sm.find_role("owner")
        found = {
            f"{one.view_menu.name}:{one.permission.name}"
            for one in sm.get_db_role_permissions(role.id)
        }
        sm.session.remove()
    assert found == {key for key, one in permissions.declared(host).items() if "owner" in one.roles}


def test_fabs_user_role_table_gives_nobody_anything(client, sign_in, tenant, database):
    """A row smuggled into ``ab_user_role`` (even Admin) carries no permission."""
    user_id = sign_in(client, tenant, "salesperson")
    with unit_of_work(Scope()) as session:
        from flask_appbuilder.security.sqla.models import Role

        operator = session.scalars(select(Role.id).where(Role.name == "operator")).one()
        session.execute(assoc_user_role.insert().values(user_id=user_id, role_id=operator))
    assert client.get("/platform").status_code == 403
    with unit_of_work(Scope()) as session:
        assert session.scalar(select(func.count()).select_from(assoc_user_role)) == 1


def test_identity_is_read_once_per_request_in_a_few_queries(client, sign_in, tenant):
    sign_in(client, tenant, "owner")
    client.get("/company")
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert client.get("/company").status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert sum("ab_permission_view_role" in one for one in seen) == 1
    assert sum("FROM core_membership" in one for one in seen) == 1


def test_class_names_and_endpoints_are_unique(app: Flask):
    classes = app.extensions["yupana"].classes
    endpoints = [rule.endpoint for rule in app.url_map.iter_rules()]
    doubled = {one for one in endpoints if endpoints.count(one) > 1 and not one.endswith(".static")}
    views = {one: app.view_functions[one] for one in doubled}
    assert all(getattr(view, "routed", None) is None for view in views.values()), doubled
    with pytest.raises(TypeError, match="Two classes"):
        app.extensions["yupana"]._take(classes["core.HomePages"], "core")


def test_undeclared_permissions_are_refused_at_start(app: Flask):
    class UndeclaredPages(Pages):
        permission = "core.nonsense"
        route_base = "/nonsense"

        @page("/")
        def index(self, ctx):
            return ""

    with pytest.raises(TypeError, match="undeclared"):
        app.extensions["yupana"]._take(UndeclaredPages, "core")


def test_only_core_meets_fab():
    strangers = [
        str(file.relative_to(ROOT))
        for file in (ROOT / "plugins").rglob("*.py")
        if re.search(r"^\s*(from|import) flask_appbuilder", file.read_text(), re.MULTILINE)
    ]
    assert strangers == []


def test_fab_is_the_version_the_traps_were_read_in():
    assert flask_appbuilder.__version__.startswith("5.3.")
    source = inspect.getsource(flask_appbuilder.security.manager.BaseSecurityManager.register_views)
    assert "FAB_ADD_SECURITY_VIEWS" in source


def test_the_platform_role_cannot_be_used_to_write(database, make_tenant):
    from core.db.session import platform_scope

    tenant = make_tenant()
    with pytest.raises(DBAPIError), platform_scope("try to write") as session:
        session.execute(
            text("UPDATE core_branch SET name = 'X' WHERE tenant_id = :t"), {"t": tenant.id}
        )


def test_every_trap_of_the_list_has_its_test():
    """docs/adr/0006 names a test for each trap; a renamed or deleted one is noticed here."""
    root = Path(__file__).parents[2]
    rows = re.findall(
        r"^\| (?!trap )(.+?) \| (`.+`) \|$",
        (root / "docs/adr/0006-traps-of-flask-appbuilder.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) > 25
    for trap, tests in rows:
        for file, name in re.findall(r"`(tests/[\w/.]+)::(\w+)`", tests):
            assert f"def {name}(" in (root / file).read_text(), trap
        assert "::" in tests, trap
