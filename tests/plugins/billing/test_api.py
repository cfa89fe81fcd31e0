"""The REST API: the same calendar, refusals in RFC 9457, a repeat makes nothing."""

from __future__ import annotations

import pytest


@pytest.fixture
def call(client, tenant, gym, sign_in, csrf):
    """``call("post", path, body, key="k")`` as the company's integrator."""
    sign_in(client, tenant, "integrator")

    def send(method: str, path: str, body=None, *, key: str = ""):
        headers = {"X-CSRFToken": csrf(client)}
        if key:
            headers["Idempotency-Key"] = key
        more = {"json": body} if body is not None else {}
        return getattr(client, method)("/api/v1" + path, headers=headers, **more)

    return send


def test_a_plan_a_contract_its_calendar_a_report_and_its_end(call, client, tenant, gym, sign_in):
    plan, dearer = gym.plan("30.00"), gym.plan("45.00", "PLUS")
    listed = {one["code"]: one["price"] for one in call("get", "/billing/plans").json["plans"]}
    assert listed == {"MES": "30.00", "PLUS": "45.00"}
    body = {"plan_id": str(plan), "start_on": "2026-03-12", "invoices": 3}
    shown = call("post", "/billing/schedule", body).json["invoices"]
    assert [(one["kind"], one["amount"], one["total"], one["suspend_on"]) for one in shown] == [
        ("first", "30.00", "34.50", None),
        ("bridge", "20.00", "23.00", "2026-04-11"),
        ("full", "30.00", "34.50", "2026-05-06"),
    ]
    customer = gym.customer()
    contract = {"plan_id": str(plan), "customer_id": str(customer), "start_on": "2026-03-12"}
    made = call("post", "/billing/subscriptions", contract, key="c-1")
    assert made.status_code == 201, made.text
    again = call("post", "/billing/subscriptions", contract, key="c-1")
    assert (again.status_code, again.json["id"]) == (200, made.json["id"])
    assert len(gym.charges()) == 1
    other = call("post", "/billing/subscriptions", contract | {"quantity": 2}, key="c-1")
    assert other.status_code == 409
    path = f"/billing/subscriptions/{made.json['id']}"
    (charge,) = made.json["charges"]
    assert (charge["kind"], charge["amount"], charge["derivation"]["rule"]) == (
        "first",
        "30.00",
        "R2",
    )
    coming = call("get", f"{path}/schedule").json["invoices"]
    assert coming == shown[1:] + coming[2:]  # the same function
    report = {
        "customer_id": str(customer), "bank": "Pichincha", "amount": "34.50",
        "value_on": "2026-03-12", "reference": "9", "invoice_ids": [charge["invoice_id"]],
    }  # fmt: skip
    told = call("post", "/sales/reports", report, key="r-1")
    assert (told.status_code, told.json["state"], told.json["is_twin"]) == (201, "reported", False)
    assert call("post", "/sales/reports", report, key="r-1").status_code == 200
    assert call("post", "/sales/reports", report, key="r-2").json["is_twin"] is True
    assert call("post", f"/sales/reports/{told.json['id']}/confirm", {}).status_code == 403
    up = call("post", f"{path}/plan", {"plan_id": str(dearer)})
    assert (up.json["is_upgrade"], up.json["effective_on"]) == (True, "2026-03-12")
    end = call("post", f"{path}/cancel", {}).json
    assert end["ends_on"] == "2026-04-10"
    assert call("get", path).json["state"] == "ending"
    sign_in(client, tenant, "owner")
    paid = call("post", f"/sales/reports/{told.json['id']}/confirm", {})
    assert paid.status_code == 200, paid.text
    assert call("get", f"/sales/reports/{told.json['id']}").json["state"] == "confirmed"
    assert gym.invoice_state(charge["invoice_id"]) == "paid"


@pytest.mark.parametrize(
    ("path", "change", "status", "field"),
    [
        ("/billing/schedule", {"price": "-1"}, 422, "price"),
        ("/billing/schedule", {"price": "treinta"}, 422, "price"),
        ("/billing/schedule", {"price": None}, 422, "price"),
        ("/billing/schedule", {"start_on": "2026-02-31"}, 422, "start_on"),
        ("/billing/schedule", {"invoices": 0}, 422, "invoices"),
        ("/billing/schedule", {"plan_id": "x"}, 422, "plan_id"),
        ("/billing/schedule", {"plan_id": "00000000-0000-7000-8000-000000000000"}, 404, None),
        ("/billing/subscriptions", {}, 422, "plan_id"),
    ],
)
def test_refusals_are_problems_that_name_the_field(call, gym, path, change, status, field):
    body = {"price": "30.00", "start_on": "2026-03-12", "invoices": 3} | change
    found = call("post", path, body, key="k")
    assert found.status_code == status, found.text
    assert found.mimetype == "application/problem+json"
    assert found.json["status"] == status
    assert found.json["type"].startswith("urn:yupana:problem:")
    assert found.json.get("field") == field
    assert gym.charges() == []


def test_without_a_key_or_with_a_bad_slip_nothing_is_made(call, gym):
    plan, customer = gym.plan(), gym.customer()
    contract = {"plan_id": str(plan), "customer_id": str(customer)}
    missing = call("post", "/billing/subscriptions", contract)
    assert (missing.status_code, missing.json["field"]) == (422, "Idempotency-Key")
    report = {"customer_id": str(customer), "bank": "B", "amount": "1.00", "value_on": "2026-03-12",
              "reference": "1", "slip": "no es base64!"}  # fmt: skip
    refused = call("post", "/sales/reports", report, key="r")
    assert (refused.status_code, refused.json["field"]) == (422, "slip")
    assert gym.charges() == []
