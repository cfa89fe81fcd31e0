"""A new company's list of what remains, each step by the plugin that knows it, with the timer."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from core.contracts.sales import CustomerData
from core.db.session import unit_of_work
from plugins.billing.services.plans import create_plan
from plugins.licensing.models import FirstAccess
from plugins.sales.models import BankAccount
from plugins.sales.services.check_pins import create_salesperson, set_pin
from plugins.sales.services.keep_customers import ensure_customers
from plugins.sales.services.keep_products import ProductData, save_product

ROW = re.compile(r'class="row-(ok|wait)" href="([^"]+)".*?<span>(.*?)</span>')


@pytest.mark.checklist("PW-26")
def test_what_remains_to_be_set_up_shrinks_as_it_is_done(client, tenant, sign_in, now, clock):
    with unit_of_work(tenant.scope) as session:
        session.add(FirstAccess(started_at=now))
    clock.set(now + timedelta(minutes=14))
    sign_in(client, tenant, "owner")

    def listed() -> dict[str, str]:
        page = client.get("/licence/first-access").text
        assert "14 minutos" in page
        return {label: state for state, _url, label in ROW.findall(page)}

    before = listed()
    mine = (
        "Registre un producto o servicio", "Registre un cliente", "Dé un PIN a un vendedor",
        "Diga dónde pagan sus clientes", "Emita la primera factura",
    )  # fmt: skip
    assert [before[one] for one in mine] == ["wait"] * 5
    assert "Contrate la primera suscripción" not in before  # nobody sells by the month here yet
    with unit_of_work(tenant.scope) as session:
        save_product(session, ProductData("PAN", "Pan", Decimal("0.25"), "4"), today=now.date())
        ensure_customers(session, [CustomerData("05", "1710034065", "Ana Ruiz")])
        set_pin(session, create_salesperson(session, name="Rosa"), "4712", now=now)
        session.add(BankAccount(bank="Austro", number="1", holder="Uno", kind="savings"))
        create_plan(session, code="MES", name="Mes", price=Decimal("30.00"), tax_code="4", now=now)
    after = listed()
    assert [after[one] for one in mine] == ["ok", "ok", "ok", "ok", "wait"]
    assert after["Contrate la primera suscripción"] == "wait"
    page = client.get("/licence/first-access").text
    for _state, url, _label in ROW.findall(page):  # each leads somewhere the owner may go
        assert client.get(url, follow_redirects=True).status_code == 200, url
