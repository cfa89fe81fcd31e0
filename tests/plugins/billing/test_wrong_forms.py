"""Wrong input in the pages of billing: the field, why and what to do, in Spanish; nothing is written."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import func, select

from core.db.session import tenant_work
from core.errors import DomainError
from core.services import settings
from plugins.billing.models import Charge, Plan, PriceVersionRow, Run, Subscription

ERROR = re.compile(r'<p[^>]*id="([\w-]+)-error"[^>]*>(.*?)</p>', re.DOTALL)
CALLOUT = re.compile(r'role="alert"[^>]*>(.*?)</div>', re.DOTALL)


def refusal(answer):
    """(field, sentence) that the page shows."""
    page = answer.get_data(as_text=True)
    field = ERROR.search(page)
    said = CALLOUT.search(page)
    words = html.unescape(re.sub(r"<[^>]+>", "", said[1])).strip() if said else ""
    return (field[1] if field else None, words)


def counts(gym):
    with tenant_work(gym.id) as session:
        return [
            session.scalar(select(func.count()).select_from(one))
            for one in (Plan, PriceVersionRow, Subscription, Charge, Run)
        ]


def test_forms_say_field_reason_and_remedy_and_write_nothing(client, tenant, gym, sign_in, post):
    sign_in(client, tenant, "owner")
    plan = gym.plan()
    before = counts(gym)
    contract = {
        "tax_id_type": "06", "tax_id": "AB12345", "legal_name": "Rosa Quispe",
        "email": "rosa@example.com", "plan_id": str(plan), "quantity": "1",
        "start_on": "2026-03-12", "step": "sign",
    }  # fmt: skip
    offer = {
        "code": "ORO", "name": "Oro", "price": "30,00", "tax_code": "4",
        "kind": "plan", "basis": "",
    }  # fmt: skip
    wrong = [
        ("/billing/subscriptions/new", contract | {"start_on": "2026-02-31"}, "start_on"),
        ("/billing/subscriptions/new", contract | {"start_on": "2027-01-01"}, "start_on"),
        ("/billing/subscriptions/new", contract | {"start_on": "2025-01-01"}, "start_on"),
        ("/billing/subscriptions/new", contract | {"quantity": "-1"}, "quantity"),
        ("/billing/subscriptions/new", contract | {"quantity": "0"}, "quantity"),
        ("/billing/subscriptions/new", contract | {"tax_id": ""}, "tax_id"),
        ("/billing/subscriptions/new", contract | {"email": "rosa"}, "email"),
        ("/billing/plans/new", offer | {"price": "-30,00"}, "price"),
        ("/billing/plans/new", offer | {"price": "30,005"}, "price"),
        ("/billing/plans/new", offer | {"price": "9" * 30}, "price"),
        ("/billing/plans/new", offer | {"tax_code": "99"}, "tax_code"),
        (f"/billing/plans/{plan}/price", {"price": "-1", "valid_from": "2026-05-01"}, "price"),
        (f"/billing/plans/{plan}/price", {"price": "31", "valid_from": "2026-02-30"}, "valid_from"),
    ]
    said = {}
    for path, typed, field in wrong:
        answer = post(client, path, **typed)
        shown, words = refusal(answer)
        key = (path.rpartition("/")[2], field, str(typed.get(field)))
        said[key] = (answer.status_code, shown, words)
    wanted = {key: (422, key[1]) for key in said}
    assert {key: one[:2] for key, one in said.items()} == wanted, said
    assert all(one[2].endswith(".") for one in said.values()), said
    run = post(client, "/billing/runs/start", on="2026-02-31")
    assert run.status_code == 422
    assert "Elija una fecha" in run.get_data(as_text=True)
    assert counts(gym) == before


def test_wrong_settings_of_billing_are_told(client, tenant, gym, sign_in, post):
    """A tolerance is written as any amount; an emission point that is none is a sentence, not an error."""
    sign_in(client, tenant, "owner")
    page = "/company/settings/"
    for typed, status in (("-5", 422), ("0,505", 422), ("0,75", 303), ("0.50", 303)):
        assert post(client, page, **{"billing.tolerance": typed}).status_code == status, typed
    assert post(client, page, **{"billing.tolerance": "0,75"}).status_code == 303
    with tenant_work(tenant.id) as session:
        assert str(settings.read(session, "billing.tolerance")) == "0.75"
    assert post(client, page, **{"billing.issue_point": "basura"}).status_code == 303
    plan = gym.plan()
    with pytest.raises(DomainError) as refused:
        gym.subscribe(plan)
    assert refused.value.code == "billing.no_issue_point"
    assert gym.charges() == []
