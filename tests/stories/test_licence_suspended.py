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

# Every route that issues something new, by hand: a permission that lost its mark, or a new route of
# issuing, fails here and is then written down or mended.
ISSUING = {
    ("/api/v1/billing/subscriptions", "POST"),
    ("/api/v1/billing/subscriptions/<id>/plan", "POST"),
    ("/api/v1/sales/invoices", "POST"),
    ("/api/v1/sri/purchases/settlements", "POST"),
    ("/api/v1/sri/purchases/withholdings", "POST"),
    ("/billing/runs/start", "POST"),
    ("/billing/subscriptions/<id>/again", "POST"),
    ("/billing/subscriptions/<id>/plan", "GET"),
    ("/billing/subscriptions/<id>/plan", "POST"),
    ("/billing/subscriptions/new", "GET"),
    ("/billing/subscriptions/new", "POST"),
    ("/sales/invoices/<id>/again", "GET"),
    ("/sales/invoices/<id>/again", "POST"),
    ("/sales/till", "GET"),
    ("/sales/till", "POST"),
    ("/sri/purchases/settlement", "GET"),
    ("/sri/purchases/settlement", "POST"),
    ("/sri/purchases/withholding", "GET"),
    ("/sri/purchases/withholding", "POST"),
}
ISSUES = {
    "billing.run:issue",
    "billing.subscription:write",
    "einvoice_sri.purchase:issue",
    "sales.invoice:issue",
    "sales.till:issue",
}
# What a suspended company still issues, corrects and cancels: of what exists already.
CORRECTS = {
    "billing.subscription:cancel",
    "einvoice_sri.document:annul",
    "einvoice_sri.document:correct",
    "sales.invoice:cancel",
    "sales.note:issue",
}
AFTER_EXPIRY = {
    "licensing.licence:decide",
    "licensing.licence:download",
    "licensing.licence:read",
    "licensing.licence:report",
    "licensing.support:read",
}


def named(found):
    """(path with ``<id>``, method) of what a walk found."""
    return {(path.replace(str(NO_ID), "<id>"), method) for path, method, *_rest in found}


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
        if "sign-out" in path or (only_issuing and permission.key not in ISSUES):
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
    assert named(blocked) == ISSUING
    assert {one[2].key for one in blocked} == ISSUES
    shown = {path for path, method, *_rest in blocked if method == "GET"}
    # a page that only shows is never blocked, the form of something to issue is
    assert shown <= {path for path, method, *_rest in blocked if method == "POST"}
    changing = {one[2].key for one in open_ if one[1] != "GET"}
    actions = ("issue", "cancel", "correct", "annul")
    assert {one for one in changing if one.endswith(actions)} == CORRECTS
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
    assert named(blocked) >= ISSUING
    assert {permission.key for _path, _method, permission, _status in open_} == AFTER_EXPIRY
    assert client.get("/licence").status_code == 200
    assert client.get("/").status_code == 200


def test_a_minute_before_every_issuing_route_is_open(vendor, app, client, sign_in, csrf):
    vendor.at("2026-04-05", 23, 59)
    sign_in(client, Tenancy(vendor.client_id), "owner")
    blocked, open_ = blocked_paths(app, client, csrf, "owner", only_issuing=True)
    assert blocked == []
    assert named(open_) == ISSUING
