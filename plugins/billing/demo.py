"""The demo of billing: licence plans of the operator, members of the gym, pupils of the school, and a run."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from core.adapters.clock import to_local_date
from core.contracts.hooks import DemoStep
from core.domain.tax_ids import FINAL_CONSUMER
from plugins.billing.services.plans import create_plan
from plugins.billing.services.subscribe import subscribe

PLANS = {
    "operator": (
        ("BASICO", "Licencia Básica", "15.00", "4", "plan"),
        ("EMPRENDE", "Licencia Emprende", "24.90", "4", "plan"),
        ("PLENO", "Licencia Plena", "45.00", "4", "plan"),
        ("USUARIO", "Usuario adicional", "5.00", "4", "addon"),
    ),
    "gym": (
        ("MES", "Mensualidad", "30.00", "4", "plan"),
        ("PLUS", "Mensualidad con clases", "42.50", "4", "plan"),
        ("CASILLERO", "Casillero", "5.00", "4", "addon"),
    ),
    "school": (("PENSION", "Pensión mensual", "180.00", "0", "plan"),),
}
STARTS = (41, 33, 20, 12)  # days before today


def seed(context: Any) -> None:
    """Plans for operator, gym and school; subscriptions of the gym's and the school's customers."""
    today = to_local_date(context.now)
    for tenant in context.everyone:
        if tenant.key not in PLANS:
            continue
        with context.acting(tenant) as session:
            made = {
                code: create_plan(
                    session,
                    code=code,
                    name=name,
                    price=Decimal(price),
                    tax_code=tax_code,
                    kind=kind,
                    now=context.now,
                    valid_from=date(today.year - 1, 1, 1),
                )
                for code, name, price, tax_code, kind in PLANS[tenant.key]
            }
        context.memo[f"billing.plans.{tenant.key}"] = made
        if tenant.key != "operator":
            _members(context, tenant, made, today)


def _members(context: Any, tenant: Any, plans: dict[str, Any], today: date) -> None:
    customers = context.memo.get(f"sales.customers.{tenant.key}", ())
    known = zip(customers, context.receivers, strict=False)
    named = [one for one, who in known if who.tax_id_type != FINAL_CONSUMER]
    begun = []
    with context.acting(tenant) as session:
        for at, customer in enumerate(named[: len(STARTS)]):
            begun.append(
                subscribe(
                    session,
                    plan_id=plans["PENSION" if tenant.key == "school" else "MES"],
                    customer_id=customer,
                    start_on=today - timedelta(days=STARTS[at]),
                    now=context.now,
                )
            )
        if tenant.key == "gym" and begun:
            subscribe(
                session,
                plan_id=plans["CASILLERO"],
                customer_id=named[0],
                start_on=today - timedelta(days=STARTS[0]),
                now=context.now,
                parent_id=begun[0],
            )
    context.memo[f"billing.subscriptions.{tenant.key}"] = begun


def run_day_25(check: Any) -> None:
    """The gym's run of day 25 on the command line; a second one issues nothing; its page shows it."""
    visitor = check.signed_in("gym", "owner")
    if "Mensualidad" not in visitor.open("/billing/subscriptions/"):
        raise AssertionError("the gym's owner sees no subscriptions")
    command = ("billing", "run", "--on", check.day, "--company", _gym_tax_id(), "--json")
    first = json.loads(check.cli(*command))
    if first["failures"]:
        raise AssertionError(f"the run could not invoice: {first['failures'][0]['reason']}")
    again = json.loads(check.cli(*command))
    if again["invoices"]:
        raise AssertionError("a second run of the same day issued invoices again")
    if "Corridas" not in visitor.open("/billing/runs/"):
        raise AssertionError("the page of the runs does not open")


def _gym_tax_id() -> str:
    from core.demo import cast

    return next(one.tax_id for one in cast.COMPANIES if one.key == "gym")


STEPS = (DemoStep("day 25 bills the members of the gym, once", 200, run_day_25),)
