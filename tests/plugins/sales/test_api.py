from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import func, select

from core.db.session import unit_of_work
from plugins.sales.models import Invoice


@pytest.fixture
def call(client, tenant, sign_in, csrf):
    """Call the API as the tenant's integrator: ``call("post", path, body, key="k")``."""
    sign_in(client, tenant, "owner")

    def send(method: str, path: str, body=None, *, key: str = ""):
        headers = {"X-CSRFToken": csrf(client)}
        if key:
            headers["Idempotency-Key"] = key
        more = {"json": body} if body is not None else {}
        return getattr(client, method)("/api/v1/sales" + path, headers=headers, **more)

    return send


def invoice(buyer, **more):
    line = {
        "code": "P",
        "description": "Pan",
        "quantity": "2",
        "unit_price": "1.25",
        "tax_code": "4",
    }
    return {"customer_id": str(buyer), "lines": [line]} | more


def test_a_customer_a_product_an_invoice_and_its_payment(call, tenant):
    made = call(
        "post", "/customers",
        {"tax_id_type": "05", "tax_id": "1710034065", "legal_name": "Ana Ruiz"}, key="c",
    )  # fmt: skip
    assert made.status_code == 201, made.text
    buyer = made.json["id"]
    assert call("get", f"/customers/{buyer}").json["legal_name"] == "Ana Ruiz"
    product = call(
        "post", "/products",
        {"code": "PAN", "name": "Pan", "unit_price": "0.25", "tax_code": "0"}, key="p",
    )  # fmt: skip
    assert product.status_code == 201, product.text
    changed = call(
        "put", f"/products/{product.json['id']}",
        {"code": "PAN", "name": "Pan de agua", "unit_price": 0.3, "tax_code": "0"},
    )  # fmt: skip
    assert (changed.status_code, changed.json["unit_price"]) == (200, "0.300000")
    issued = call("post", "/invoices", invoice(buyer), key="i")
    assert issued.status_code == 201, issued.text
    assert issued.json["total"] == "2.88"  # 2.50 + 0.375 -> 0.38
    assert issued.json["number"] == "001-001-000000001"
    paid = call(
        "post", "/payments", {"customer_id": buyer, "amount": "3.00", "method": "transfer"}, key="m"
    )
    assert paid.status_code == 201, paid.text
    assert paid.json["allocations"] == [{"invoice_id": issued.json["id"], "amount": "2.88"}]
    assert paid.json["excess"] == "0.12"
    assert call("get", f"/invoices/{issued.json['id']}").json["state"] == "paid"
    listed = call("get", "/invoices?show=paid&size=1").json
    assert [one["number"] for one in listed["invoices"]] == ["001-001-000000001"]
    note = call(
        "post", f"/invoices/{issued.json['id']}/credit-notes", {"reason": "Devolución"}, key="n"
    )
    assert (note.status_code, note.json["total"]) == (201, "2.88")


def test_a_repeat_with_the_same_key_makes_nothing_and_another_body_is_refused(call, tenant, buyer):
    first = call("post", "/invoices", invoice(buyer), key="same")
    again = call("post", "/invoices", invoice(buyer), key="same")
    other = call("post", "/invoices", invoice(buyer, payment_term_days=9), key="same")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.json["id"] == first.json["id"]
    assert other.json["field"] == "Idempotency-Key"
    assert call("post", "/invoices", invoice(buyer)).status_code == 422
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(select(func.count()).select_from(Invoice)) == 1


@pytest.fixture
def line():
    return {"code": "P", "description": "Pan", "quantity": "1", "unit_price": "1", "tax_code": "4"}


def test_every_refusal_names_its_field_in_spanish(call, buyer, line):
    cases = (
        ({"customer_id": "x"}, "customer_id"),
        ({"lines": []}, "lines"),
        ({"lines": "no"}, "lines"),
        ({"lines": [line | {"quantity": "-1"}]}, "quantity"),
        ({"lines": [line | {"quantity": True}]}, "quantity"),
        ({"lines": [line | {"unit_price": "1.1234567"}]}, "unit_price"),
        ({"lines": [line | {"description": "a\nb"}]}, "description"),
        ({"lines": [line | {"tax_code": "99"}]}, "tax_code"),
        ({"lines": [line | {"discount": "5"}]}, "discount"),
        ({"issued_on": "2026-04-26"}, "issued_on"),
        ({"issued_on": "25/04/2026"}, "issued_on"),
        ({"due_on": "2026-04-01"}, "due_on"),
        ({"payment_method": "99"}, "payment_method"),
        ({"payment_term_days": -1}, "payment_term_days"),
    )
    for number, (change, field) in enumerate(cases):
        answer = call("post", "/invoices", invoice(buyer, **change), key=f"k{number}")
        assert answer.status_code == 422, (change, answer.text)
        assert answer.mimetype == "application/problem+json"
        assert answer.json["field"] == field, answer.json
        assert not answer.json["detail"].isascii() or " the " not in answer.json["detail"]


def test_another_tenants_ids_do_not_exist(call, app, tenant, other_tenant, buyer, sign_in, csrf):
    made = call("post", "/invoices", invoice(buyer), key="i").json
    stranger = app.test_client()
    sign_in(stranger, other_tenant, "owner")
    for path in (f"/invoices/{made['id']}", f"/customers/{buyer}"):
        assert stranger.get("/api/v1/sales" + path).status_code == 404
    body = invoice(buyer)
    headers = {"X-CSRFToken": csrf(stranger), "Idempotency-Key": "x"}
    assert stranger.post("/api/v1/sales/invoices", json=body, headers=headers).status_code == 404
    foreign = invoice(buyer, issue_point_id=str(other_tenant.till_id))
    assert call("post", "/invoices", foreign, key="f").status_code == 404
    assert Decimal(made["total"]) == Decimal("2.88")
