"""Billing's part of the two companies, and the cases of its routes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from core.contracts.sales import CustomerData
from core.db.session import unit_of_work
from plugins.billing.models import Subscription
from plugins.billing.services import (
    cancel,
    cancel_links,
    plans,
    reminder_stops,
    run_billing,
    subscribe,
)
from plugins.sales.services.keep_customers import ensure_customers
from tests.isolation.world import Case, Side

START = date(2026, 4, 25)


def add(side: Side) -> None:
    """Two plans, subscriptions in several states, and a run."""
    with unit_of_work(side.scope) as session:
        made = [
            plans.create_plan(
                session, code=code, name=f"Plan {code}", price=Decimal(price), tax_code="4",
                now=side.now, valid_from=date(2020, 1, 1),
            )
            for code, price in (("MES", "30.00"), ("PLUS", "45.00"))
        ]  # fmt: skip
        side.objects |= {"plan": made[0], "dearer": made[1]}
        members = [
            CustomerData("06", f"M{n}{side.letter}", f"Socio {n}", f"s{n}@example.com", "Quito")
            for n in range(4)
        ]
        names = ("subscription", "leaving", "left")
        for name, member in zip(names, ensure_customers(session, members), strict=False):
            side.objects[name] = subscribe.subscribe(
                session, plan_id=made[0], customer_id=member, start_on=START, now=side.now
            )
        cancel.cancel(session, side["leaving"], now=side.now)
        side.objects["reminded"] = session.get_one(Subscription, side["leaving"]).customer_id
        path = cancel_links.cancel_path(session, side["subscription"])
        side.objects["leaving_signature"] = path.rpartition("/")[2]
        path = reminder_stops.stop_path(session, side["reminded"])
        side.objects["reminder_signature"] = path.rpartition("/")[2]
    result = run_billing.run_billing(side.tenant_id, on=START, now=side.now)
    side.objects["billing_run"] = result.run_id


SUBSCRIPTION = {"ids": lambda s: {"subscription_id": s["subscription"]}}
PLAN = {"ids": lambda s: {"plan_id": s["plan"]}}


def _contract(side: Side) -> dict:
    return {
        "customer_id": str(side["customer"]),
        "plan_id": str(side["plan"]),
        "parent": str(side["subscription"]),
        "quantity": "1",
        "start_on": "2026-04-25",
        "step": "preview",
    }


def _contract_json(side: Side) -> dict:
    return {
        "customer_id": str(side["customer"]),
        "plan_id": str(side["plan"]),
        "start_on": "2026-04-25",
    }


CASES = {
    "api.billing.plan.index": Case(),
    "api.billing.plan.show": Case(**PLAN),
    "api.billing.plan.create": Case(
        json=lambda s: {"code": "A", "name": "Api", "price": "5.00", "tax_code": "4"}
    ),
    "api.billing.plan.price": Case(
        **PLAN, json=lambda s: {"price": "35.00", "valid_from": "2026-07-01", "notify": True}
    ),
    "api.billing.schedule.compute": Case(
        json=lambda s: {"plan_id": str(s["plan"]), "start_on": "2026-04-25", "invoices": 3}
    ),
    "api.billing.subscription.index": Case(),
    "api.billing.subscription.show": Case(**SUBSCRIPTION),
    "api.billing.subscription.schedule": Case(**SUBSCRIPTION),
    "api.billing.subscription.create": Case(json=_contract_json),
    "api.billing.subscription.change": Case(
        **SUBSCRIPTION, json=lambda s: {"plan_id": str(s["dearer"])}
    ),
    "api.billing.subscription.cancel": Case(**SUBSCRIPTION, json=lambda s: {}),
    "billing.chart.index": Case(),
    "billing.leaving.cancel": Case(
        ids=lambda s: {
            "tenant_id": s.tenant_id,
            "subscription_id": s["subscription"],
            "signature": s["leaving_signature"],
        },
        form=lambda s: {},
        answers=(200,),
    ),
    "billing.plan.index": Case(),
    "billing.plan.new": Case(
        form=lambda s: {
            "code": "N",
            "name": "Nuevo",
            "price": "5,00",
            "tax_code": "4",
            "kind": "plan",
        }
    ),
    "billing.plan.show": Case(**PLAN),
    "billing.plan.edit": Case(**PLAN, form=lambda s: {"name": "Otro", "is_offered": "1"}),
    "billing.plan.price": Case(
        **PLAN, form=lambda s: {"price": "35,00", "valid_from": "2026-07-01", "notify": "1"}
    ),
    "billing.reminder.choose": Case(
        ids=lambda s: {
            "tenant_id": s.tenant_id,
            "customer_id": s["reminded"],
            "signature": s["reminder_signature"],
        },
        form=lambda s: {"do": "stop"},
        answers=(200,),
    ),
    "billing.run.index": Case(),
    "billing.run.rehearsal": Case(),
    "billing.run.show": Case(ids=lambda s: {"run_id": s["billing_run"]}),
    "billing.run.start": Case(form=lambda s: {"on": "2026-04-25"}),
    "billing.subscription.index": Case(query=lambda s: {"plan": str(s["plan"])}),
    "billing.subscription.new": Case(form=_contract),
    "billing.subscription.show": Case(**SUBSCRIPTION),
    "billing.subscription.change": Case(
        **SUBSCRIPTION, form=lambda s: {"plan_id": str(s["dearer"]), "step": "preview"}
    ),
    "billing.subscription.cancel": Case(**SUBSCRIPTION, form=lambda s: {}),
    "billing.subscription.credit": Case(
        ids=lambda s: {"subscription_id": s["leaving"]}, form=lambda s: {}, answers=(303, 409, 422)
    ),
    "billing.subscription.keep": Case(
        ids=lambda s: {"subscription_id": s["leaving"]}, form=lambda s: {}
    ),
    "billing.subscription.again": Case(
        ids=lambda s: {"subscription_id": s["left"]}, form=lambda s: {}, answers=(303, 409, 422)
    ),
}

OPEN: dict[str, str] = {
    "billing.clock.index": "a demo's page: 404 where companies are real",
    "billing.clock.next": "a demo's page: 404 where companies are real",
}
