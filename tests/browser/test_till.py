"""The till by keyboard alone, on a desk and on a phone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from core.db.session import unit_of_work
from plugins.sales.models import Customer, Invoice
from plugins.sales.services.check_pins import create_salesperson, set_pin
from plugins.sales.services.keep_products import ProductData, save_product

pytestmark = pytest.mark.browser
PATIENCE = 30_000  # milliseconds


@pytest.fixture
def till(browser, address, app, client, tenant, sign_in, now, request):
    """A page at the till of a shop that sells coffee; the seller's PIN is 4712."""
    with unit_of_work(tenant.scope) as session:
        save_product(
            session, ProductData("CAFE", "Café de Loja", Decimal("4.50"), "4"), today=now.date()
        )
        set_pin(session, create_salesperson(session, name="Rosa"), "4712", now=now)
    sign_in(client, tenant, "owner")
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    width, height = getattr(request, "param", (1280, 900))
    context = browser.new_context(viewport={"width": width, "height": height}, locale="es-EC")
    context.set_default_timeout(PATIENCE)
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
    page = context.new_page()
    page.goto(f"{address}/sales/till/")
    yield page
    context.close()


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.parametrize("till", [(1280, 900), (390, 844)], indirect=True)
def test_a_sale_by_keyboard_with_a_new_customer(till, tenant):
    press(till, "F3")
    till.keyboard.type("cafe")
    press(till, "Enter")
    till.wait_for_selector(".lines tbody tr")
    press(till, "F2")
    till.keyboard.type("1710034065")
    press(till, "Enter")
    till.wait_for_selector("#new_name")
    till.wait_for_function("document.activeElement.id === 'new_name'")
    till.keyboard.type("Ana Ruiz")
    press(till, "Enter")
    till.wait_for_selector(".buyer b:has-text('Ana Ruiz')")
    press(till, "F9")
    till.keyboard.type("4712")
    press(till, "Enter")
    till.wait_for_url("**/sales/till/done/**")
    assert "001-001-000000001" in till.inner_text("#state")
    till.wait_for_function("document.activeElement.id === 'new-sale'")
    assert till.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    press(till, "Enter")
    till.wait_for_selector("#product_q")
    with unit_of_work(tenant.scope) as session:
        invoice = session.scalars(select(Invoice)).one()
        assert (invoice.total, invoice.state) == (Decimal("5.18"), "paid")
        buyer = session.get(Customer, invoice.customer_id)
        assert buyer.legal_name == "Ana Ruiz"


def test_the_pad_types_the_pin_and_a_wrong_one_says_how_many_are_left(till):
    press(till, "F3")
    till.keyboard.type("cafe")
    press(till, "Enter")
    till.wait_for_selector(".lines tbody tr")
    for digit in "9999":
        till.click(f"[data-digit='{digit}']")
    till.click("button.charge")
    till.wait_for_selector("#pin-error")
    assert "4" in till.inner_text("#pin-error")
    assert "Café de Loja" in till.inner_text(".lines")
    for digit in "4712":
        till.click(f"[data-digit='{digit}']")
    till.click("button.charge")
    till.wait_for_url("**/sales/till/done/**")


def test_the_change_is_shown_before_the_sale(till):
    press(till, "F3")
    till.keyboard.type("cafe")
    press(till, "Enter")
    till.wait_for_selector(".lines tbody tr")
    till.fill("#received", "10")
    till.wait_for_selector("#change:visible")
    assert "4,82" in till.inner_text("#change")
