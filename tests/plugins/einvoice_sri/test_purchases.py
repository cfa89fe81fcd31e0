"""Liquidación de compra and retención through the API: no other plugin owns them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from core.db.session import unit_of_work
from plugins.einvoice_sri.services.cancel_document import confirm_annulment
from tests.isolation.objects_einvoice_sri import SETTLEMENT, WITHHOLDING

BASE = "/api/v1/sri/purchases"


@pytest.fixture
def call(client, tenant, sign_in, csrf):
    sign_in(client, tenant, "accountant")

    def send(what: str, body: dict, *, key: str = "k-1"):
        headers = {"X-CSRFToken": csrf(client)} | ({"Idempotency-Key": key} if key else {})
        body = {"issue_point_id": str(tenant.till_id), **body}
        return client.post(f"{BASE}/{what}", json=body, headers=headers)

    return send


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("what", "body", "kind", "total"),
    [("settlements", SETTLEMENT, "03", "23.00"), ("withholdings", WITHHOLDING, "07", "0.35")],
)
def test_issued_once_and_authorised(site, call, documents, drain, outbox, what, body, kind, total):
    made = call(what, body)
    assert (made.status_code, made.json["kind"], made.json["number"]) == (
        201,
        kind,
        "001-001-000000001",
    )
    again = call(what, body)
    assert (again.status_code, again.json["id"]) == (200, made.json["id"])
    other = call(what, body | {"issued_on": "2026-04-24"})
    assert (other.status_code, other.json["field"]) == (409, "Idempotency-Key")
    drain()
    (row,) = documents()
    assert (row.state, row.kind, str(row.total)) == ("authorized", kind, total)
    assert len(outbox.to("p@example.com")) == 1
    assert call(what, body, key="k-2").json["number"] == "001-001-000000002"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"surprise": 1}, "sri_field_unknown", "surprise"),
        ({"sequence": 7}, "sri_field_unknown", "sequence"),
        ({"counterpart": None}, "sri_field_unreadable", "counterpart"),
        ({"counterpart": {"tax_id_type": "04"}}, "sri_field_unreadable", "counterpart"),
        ({"supported_total": "mucho"}, "sri_field_unreadable", "supported_total"),
        ({"supported_total": "1e40"}, "sri_field_unreadable", "supported_total"),
        ({"issued_on": "ayer"}, "sri_field_unreadable", "issued_on"),
        ({"fiscal_period": 5}, "sri_field_unreadable", "fiscal_period"),
        ({"taxes": [{"code": "1"}]}, "sri_field_unreadable", "taxes"),
        ({"issue_point_id": "x"}, "bad_field", "issue_point_id"),
        ({"taxes": []}, "sri_request_taxes", None),
        ({"supported_total": "21.00"}, "sri_totales", None),
    ],
)
def test_what_is_wrong_is_named_and_uses_no_number(call, documents, change, code, field):
    answer = call("withholdings", WITHHOLDING | change)
    assert (answer.status_code, answer.json["code"], answer.json.get("field")) == (422, code, field)
    assert documents() == []


def test_a_key_is_asked_for_and_the_counterpart_too(call):
    assert call("settlements", SETTLEMENT, key="").json["field"] == "Idempotency-Key"
    bare = {name: value for name, value in SETTLEMENT.items() if name != "counterpart"}
    assert call("settlements", bare).json["field"] == "counterpart"


@pytest.mark.usefixtures("key")
def test_an_annulled_one_is_issued_again_once(
    site, call, client, sign_in, post, tenant, documents, drain, now, clock
):
    made = call("withholdings", WITHHOLDING).json
    drain()
    again = f"/sri/documents/{made['id']}/again"
    sign_in(client, tenant, "owner")
    assert post(client, again).status_code == 409  # it stands
    with unit_of_work(tenant.scope) as session:
        confirm_annulment(session, UUID(made["id"]), now=now)
    clock.advance(days=1)
    sign_in(client, tenant, "owner")
    assert "Emitirlo de nuevo" in client.get(f"/sri/documents/{made['id']}").text
    new = post(client, again)
    assert new.status_code == 303
    assert post(client, again).location == new.location
    drain()
    old, fresh = sorted(documents(), key=lambda one: one.sequence)
    assert (old.state, fresh.state) == ("annulled", "authorized")
    assert (fresh.number, fresh.issued_on) == ("001-001-000000002", date(2026, 4, 26))
    assert fresh.access_key != old.access_key
