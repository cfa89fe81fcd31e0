"""What a suspended and an expired tenant still may do, over every route that exists."""

from __future__ import annotations

from uuid import UUID

import pytest
from werkzeug.routing import AnyConverter, UUIDConverter

from core.db.scope import Scope
from core.web.views import METHODS
from tests.factories.licensing import make_vendor

REFUSALS = (b"licence_", "La licencia está suspendida".encode(), "La licencia venció".encode())
NO_ID = UUID("00000000-0000-7000-8000-000000000001")


def sample(converter):
    """A value that the converter takes."""
    if isinstance(converter, AnyConverter):
        return next(iter(converter.items))
    return str(NO_ID) if isinstance(converter, UUIDConverter) else "1"


class Tenancy:
    """What ``sign_in`` needs of a company."""

    def __init__(self, tenant_id):
        self.id = tenant_id
        self.scope = Scope(tenant_id=tenant_id)


@pytest.fixture
def vendor(make_tenant, clock, drain, app):
    made = make_vendor(make_tenant, clock, drain, "2026-03-01")
    made.client_id = made.contract()
    made.enable(made.client_id)
    made.run("2026-03-25")
    return made


def routes(app, role):
    """(path, method, permission) of every route that asks a permission which ``role`` has."""
    declared = app.extensions["yupana"].permissions
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        routed = getattr(view, "routed", None)
        if routed is None:
            continue
        pages, _name, route = routed
        key = pages.key(route)
        if key is None or pages.public or role not in declared[key].roles:
            continue
        given = {name: sample(converter) for name, converter in rule._converters.items()}
        path = rule.build(given)[1]
        for method in route.methods or METHODS[route.kind]:
            yield path, method, declared[key]


def blocked_paths(app, client, csrf, role, *, only_issuing=False):
    """Walk them all: (paths that the licence blocked, paths that it let through)."""
    token = csrf(client)
    blocked, open_ = [], []
    for path, method, permission in routes(app, role):
        if "sign-out" in path or (only_issuing and permission.survives_suspension):
            continue
        answer = client.open(
            path,
            method=method,
            headers={"X-CSRFToken": token, "Accept": "application/json"},
            json={} if "/api/" in path and method != "GET" else None,
        )
        is_blocked = answer.status_code == 403 and any(one in answer.data for one in REFUSALS)
        (blocked if is_blocked else open_).append((path, method, permission, answer.status_code))
        answer.close()
    return blocked, open_


@pytest.mark.checklist("PW-15")
def test_suspension_blocks_new_issuing_on_every_route_and_nothing_else(
    vendor, app, client, sign_in, csrf
):
    vendor.at("2026-04-06", 0, 0)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    blocked, open_ = blocked_paths(app, client, csrf, "owner")
    assert blocked, "no route issues anything"
    assert [one for one in blocked if one[2].survives_suspension] == []
    assert [one for one in open_ if not one[2].survives_suspension] == []
    assert any(
        permission.name == "licensing.licence" for _path, _method, permission, _status in open_
    )
    assert client.get("/licence").status_code == 200
    assert client.get("/licence/report").status_code == 200


@pytest.mark.checklist("PW-17", "PW-18")
def test_an_expired_tenant_reaches_its_licence_and_legal_documents_only(
    vendor, app, client, sign_in, csrf
):
    vendor.at("2026-05-01", 0, 0)
    assert vendor.state(vendor.client_id) == "expired"
    sign_in(client, Tenancy(vendor.client_id), "owner")
    blocked, open_ = blocked_paths(app, client, csrf, "owner")
    assert [one for one in blocked if one[2].survives_expiry] == []
    assert [one for one in open_ if not one[2].survives_expiry] == []
    assert {permission.name for _path, _method, permission, _status in open_} == {
        "licensing.licence",
        "licensing.support",
    }
    assert client.get("/licence").status_code == 200
    assert client.get("/").status_code == 200


def test_a_minute_before_every_issuing_route_is_open(vendor, app, client, sign_in, csrf):
    vendor.at("2026-04-05", 23, 59)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    blocked, open_ = blocked_paths(app, client, csrf, "owner", only_issuing=True)
    assert blocked == []
    assert open_
