"""The demo of licensing: three licences in three states, and one sold from contract to paid by HTTP."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.adapters.clock import to_local_date
from core.contracts.events import LicenceEnabling, LicenceOrdered
from core.contracts.hooks import DemoStep
from core.contracts.services import PaymentLinks
from core.domain.money import percent
from core.ids import new_id
from core.plugins import service
from core.services import settings
from plugins.licensing.models import Contract, Licence
from plugins.licensing.services import (
    contracts,
    keep_distributors,
    keep_licence,
    publish,
    report_payment,
)
from plugins.licensing.services.report_payment import ReportData

LIMIT = Decimal(500)
STATES = {"gym": "due", "school": "reported", "shop": "paid"}
CLIENT = {
    "tax_id": "1793700072001",
    "name": "Cafetería La Ronda S.A.",
    "email": "caja@laronda.example",
    "owner_identification": "1710000108",
    "owner_first_name": "Rosa",
    "owner_last_name": "Lema",
    "owner_email": "rosa.lema@demo.example",
    "owner_phone": "0991000005",
}
IVA = Decimal(15)
PIN = "8274"
PASSWORD = "Ronda-2026-segura"  # noqa: S105  (of the demo's own client)


def seed(context: Any) -> None:
    """Distributors with a limit, plan contents, and a licence for each company of the demo."""
    with context.acting(context.operator) as session:
        accounts = service(PaymentLinks).accounts(session)  # as on the invoices and reminders
        settings.write(session, "licensing.vendor_accounts", "\n".join(accounts))
        for one in context.distributors:
            keep_distributors.add_distributor(
                session,
                one.id,
                email=one.email,
                phone="02 255 0100",
                credit_limit=LIMIT,
                now=context.now,
            )
        plans = sorted(publish.plan_offers(session).values(), key=lambda one: one.price)
        for plan in plans:
            keep_distributors.set_plan_terms(
                session,
                plan.plan_id,
                included_minutes=120,
                entitlements={"documents": 5000, "users": 20},
            )
    if not plans:
        return
    for place, (key, state) in enumerate(STATES.items()):
        distributor = context.distributors[place % len(context.distributors)]
        _sell(
            context, context.tenants[key], distributor.id, plans[place % len(plans)].plan_id, state
        )


def _sell(context: Any, tenant: Any, distributor_id: UUID, plan_id: UUID, state: str) -> None:
    """One licence through the same use cases as over the counter; what is told is heard at once too
    (hearing it again from the queue changes nothing).
    """
    now, contract_id = context.now, new_id()
    with context.acting(context.operator) as session:
        contracts.place_order(
            session,
            LicenceOrdered(
                contract_id=contract_id,
                kind="first",
                client_tenant_id=tenant.id,
                client_tax_id=tenant.tax_id,
                client_name=tenant.name,
                client_email=tenant.email,
                distributor_id=distributor_id,
                plan_id=plan_id,
                ordered_on=to_local_date(now),
            ),
            now=now,
        )
        contract = session.get_one(Contract, contract_id)
        price = contract.price
        contracts.enable_contract(
            session,
            LicenceEnabling(
                contract_id=contract_id,
                on_credit=state != "paid",
                amount=Decimal("0.00") if state != "paid" else price * Decimal("1.15"),
                value_on=to_local_date(now),
                bank="Pichincha",
                reference="DEMO-1",
                enabled_at=now,
            ),
            now=now,
        )
        told = publish.contract_event(session, contract, now=now)
        bills = publish.open_events(session, contract, now=now)
    with context.acting(tenant) as session:
        keep_licence.hear_contract(session, told, now=now)
        for bill in bills:
            keep_licence.hear_invoice(session, bill, now=now)
        if state == "reported":
            licence = session.scalars(select(Licence)).one()
            report_payment.report_payment(
                session,
                ReportData(
                    bank="Guayaquil",
                    value_on=to_local_date(now),
                    amount=sum((bill.invoice.balance for bill in bills), Decimal("0.00")),
                    reference=licence.payment_code,
                ),
                now=now,
            )


# -- the steps of the check, over HTTP, CLI and SMTP only -------------------------------------------


def sell_a_licence(check: Any) -> None:
    """The distributor contracts a client, confirms the money and hands out the first access."""
    desk = check.signed_in("sierra", "distributor")
    desk.open("/portfolio/new")
    plan = re.search(r'<option value="([0-9a-f-]{36})"', desk.text)
    if plan is None:
        raise AssertionError("the distributor has no plan to sell")
    desk.submit(form=-1, plan_id=plan.group(1), **CLIENT)
    check.memo["licensing.client"] = show = desk.url
    price = re.search(r"\$ ([\d.]+,\d\d)</span> \+ IVA", desk.open(f"{show}/enable"))
    if price is None:
        raise AssertionError("the page does not say what the licence costs")
    net = Decimal(price.group(1).replace(".", "").replace(",", "."))
    due = str(net + percent(net, IVA)).replace(".", ",")
    desk.submit(form=-1, amount=due, bank="Pichincha", reference="TR-100")
    # "Activa" may pass at once: who contracts on a 25th also gets that day's invoice, which is due
    check.wait_for("the enabled licence", lambda: "Pagada hasta" in desk.open(show) or None)
    desk.open(show)
    told = desk.submit(form="first-access")
    code = re.search(r'class="figure num">(\d{6})<', told)
    if code is None:
        raise AssertionError("the short code is not shown")
    check.memo["licensing.code"] = code.group(1)


def take_the_first_access(check: Any) -> None:
    """The owner opens the mailed link, tells the code, chooses a password and the PIN to sell with."""
    address = CLIENT["owner_email"]
    mail = check.wait_for("the activation mail", lambda: check.mails(address) or None)[0]
    body = check.mail(mail["number"]).get_body(("plain",)).get_content()
    link = re.search(r"/activate/\S+", body)
    if link is None:
        raise AssertionError("the mail has no activation link")
    visitor = check.browser()
    visitor.open(link.group(0))
    asked = re.findall(r'type="password"[^>]*name="([^"]+)"', visitor.text)
    asked += re.findall(r'name="([^"]+)"[^>]*type="password"', visitor.text)
    fields = {name: PIN if name.startswith("pin") else PASSWORD for name in asked}
    if "pin" not in fields:
        raise AssertionError("the first access does not ask for a PIN")
    visitor.submit(form=-1, code=check.memo["licensing.code"], **fields)
    if "/sign-in" in visitor.url:
        visitor.submit(
            form="sign-in",
            username=CLIENT["owner_identification"],
            password=PASSWORD,
            company=CLIENT["tax_id"],
        )
    if "Mi licencia" not in visitor.open("/licence"):
        raise AssertionError("the new owner does not reach the licence page")
    check.memo["licensing.owner"] = visitor


def bill_and_report(check: Any) -> None:
    """Day 25 bills the client, who reports the payment and stays open."""
    check.cli("billing", "run", "--on", check.day)
    owner = check.memo["licensing.owner"]

    def is_due() -> bool | None:
        return "Reportar" in owner.open("/licence/report") or None

    check.wait_for("the licence invoice of day 25", is_due)
    owner.submit(form=-1, bank="Guayaquil", reference="TR-101")  # the amount that the page proposes
    if "Pago reportado" not in owner.open("/licence"):
        raise AssertionError("the report did not change the state")


def confirm_the_payment(check: Any) -> None:
    """The distributor confirms; the client's licence is paid."""
    desk = check.signed_in("sierra", "distributor")

    def reports() -> list[str]:
        page = desk.open("/licensing/queue")
        rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
        mine = [row for row in rows if CLIENT["name"].split()[0] in row]
        return [
            found for row in mine for found in re.findall(r'name="reports" value="([^"]+)"', row)
        ]

    [report] = check.wait_for("the report in the queue", reports)
    desk.submit(form="confirm", reports=report)
    owner = check.memo["licensing.owner"]
    check.wait_for("the paid licence", lambda: "Activa" in owner.open("/licence") or None)


STEPS = (
    DemoStep("a distributor sells a licence and enables it", 710, sell_a_licence),
    DemoStep("its owner takes the first access by link and code", 720, take_the_first_access),
    DemoStep("day 25 bills it and the owner reports the payment", 730, bill_and_report),
    DemoStep("the distributor confirms and the licence is paid", 740, confirm_the_payment),
)
