"""Fields of an API's body: what is read, what is refused with its field; a repeat makes nothing."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core.core_tasks import prune_requests
from core.db.session import unit_of_work
from core.errors import DomainError
from core.ids import new_id
from core.models import ApiRequest
from core.web import body
from plugins.sales.models import Customer

ID = "018f2b6e-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (body.text, " Ana ", "Ana"),
        (body.money, "12.5", Decimal("12.50")),
        (body.money, 3, Decimal("3.00")),
        (body.fine, Decimal("0.123456"), Decimal("0.123456")),
        (body.day, "2026-04-25", date(2026, 4, 25)),
        (body.identifier, ID, UUID(ID)),
        (body.optional_day, None, None),
        (body.optional_identifier, None, None),
        (body.objects, [{}], [{}]),
        (body.flag, True, True),
    ],
)
def test_what_is_read(read, value, expected):
    assert read({"f": value}, "f") == expected


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (body.text, (None, 7, True, [], {})),
        (body.money, (None, "1.234", "-", "NaN", "Infinity", "1e12", True, [], 1.5)),
        (body.fine, (None, "1.1234567", "1,5", {})),
        (body.day, (None, "25/04/2026", "2026-02-30", 20260425)),
        (body.identifier, (None, "x", 7, "")),
        (body.objects, ("no", [1], [{}] * 501, {})),
        (body.flag, (None, "true", 1)),
    ],
)
def test_what_is_refused_names_its_field(read, values):
    for value in values:
        with pytest.raises(DomainError) as refusal:
            read({"f": value}, "f")
        assert refusal.value.field == "f", value


@pytest.mark.parametrize("value", [0, 366, "7", 1.0, True, None])
def test_whole_numbers_have_bounds(value):
    assert body.whole({}, "f", 12) == 12
    with pytest.raises(DomainError):
        body.whole({"f": value}, "f", 12, least=1)


PERSON = {"tax_id_type": "05", "tax_id": "1710034065", "legal_name": "Ana Ruiz"}


def test_two_at_once_make_one(app, tenant, make_person, sign_in, csrf):
    """Four press at the same moment: one customer, four times the same answer."""
    answers = []
    start = threading.Barrier(4)

    def send():
        client = app.test_client()
        sign_in(client, tenant, "owner")
        headers = {"X-CSRFToken": csrf(client), "Idempotency-Key": "k"}
        start.wait(60)
        answers.append(client.post("/api/v1/sales/customers", json=PERSON, headers=headers))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    assert sorted(one.status_code for one in answers) == [200, 200, 200, 201]
    assert len({one.json["id"] for one in answers}) == 1
    with unit_of_work(tenant.scope) as session:
        assert session.scalar(select(func.count()).select_from(Customer)) == 1


def test_keys_are_apart_by_company_and_forgotten_after_90_days(tenant, other_tenant, now):
    def keep(where, key, age):
        with unit_of_work(where.scope) as session:
            session.add(
                ApiRequest(
                    route="sales/invoices", request_key=key, body_sha256="0" * 64,
                    subject_id=new_id(), created_at=now - timedelta(days=age),
                )
            )  # fmt: skip

    keep(tenant, "old", 91)
    keep(tenant, "young", 89)
    keep(other_tenant, "old", 91)
    keep(other_tenant, "young", 0)
    prune_requests({}, now)
    for where in (tenant, other_tenant):
        with unit_of_work(where.scope) as session:
            assert list(session.scalars(select(ApiRequest.request_key))) == ["young"]
