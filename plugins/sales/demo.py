"""The demo of sales: what the companies sell, to whom, who stands at the till, and a sale by HTTP."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from core.adapters.clock import to_local_date
from core.contracts.hooks import DemoStep
from core.contracts.sales import InvoiceDraft, InvoiceLineDraft
from plugins.sales.models import BankAccount
from plugins.sales.services.check_pins import create_salesperson, set_pin
from plugins.sales.services.issue_invoices import issue_invoices
from plugins.sales.services.keep_customers import ensure_customers, final_consumer
from plugins.sales.services.keep_products import ProductData, save_product

GOODS = {
    "operator": (
        ProductData("HORA", "Hora de soporte", Decimal("25.00"), "4", "service"),
        ProductData("FIRMA", "Firma electrónica P12, 1 año", Decimal("22.00"), "4", "service"),
    ),
    "gym": (
        ProductData("MES", "Mensualidad gimnasio", Decimal("30.00"), "4", "service"),
        ProductData("CLASE", "Clase suelta", Decimal("6.00"), "4", "service"),
        ProductData("AGUA", "Agua 500 ml", Decimal("0.65"), "4"),
        ProductData("BARRA", "Barra de cereal", Decimal("1.25"), "4"),
    ),
    "school": (
        ProductData("PENSION", "Pensión mensual", Decimal("180.00"), "0", "service"),
        ProductData("UNIFORME", "Uniforme deportivo", Decimal("38.50"), "4"),
    ),
    "shop": (
        ProductData("CLAVO2", "Clavo 2 pulgadas, libra", Decimal("1.10"), "4"),
        ProductData("MARTILLO", "Martillo de uña 16 oz", Decimal("9.75"), "4"),
        ProductData("CEMENTO", "Cemento 50 kg", Decimal("7.90"), "5"),
        ProductData("PINTURA", "Pintura látex blanca, galón", Decimal("14.20"), "4"),
    ),
}
SELLERS = {"gym": ("Sonia Paz", "Gabriel Cueva"), "school": ("Elena Rivas",), "shop": ("Tomás Vega",),
           "operator": ("Olga Paredes",)}  # fmt: skip
BANKS = (("Banco Pichincha", "checking"), ("Banco Guayaquil", "savings"))


def seed(context: Any) -> None:
    """Products, customers, salespeople (with the demo's PIN), accounts and a few invoices."""
    today = to_local_date(context.now)
    for tenant in context.everyone:
        with context.acting(tenant) as session:
            for product in GOODS.get(tenant.key, ()):
                save_product(session, product, today=today)
            ids = ensure_customers(session, context.receivers)
            final_consumer(session)
            context.memo[f"sales.customers.{tenant.key}"] = ids
            for name in SELLERS.get(tenant.key, ()):
                seller = create_salesperson(session, name=name)
                set_pin(session, seller, context.pin, now=context.now, is_demo=True)
            for at, (bank, kind) in enumerate(BANKS):
                session.add(
                    BankAccount(
                        bank=bank,
                        kind=kind,
                        number=f"22{at}{tenant.tax_id[3:10]}",
                        holder=tenant.name,
                        holder_tax_id=tenant.tax_id,
                    )
                )
            session.flush()
    shop = context.tenants["shop"]
    with context.acting(shop) as session:
        customers = context.memo["sales.customers.shop"]
        issue_invoices(
            session,
            [
                InvoiceDraft(
                    customer_id=customer,
                    issue_point_id=shop.till_id,
                    issued_on=today,
                    due_on=today,
                    lines=(
                        InvoiceLineDraft(
                            "MARTILLO",
                            "Martillo de uña 16 oz",
                            Decimal(1 + at),
                            Decimal("9.75"),
                            "4",
                        ),
                        InvoiceLineDraft(
                            "CLAVO2",
                            "Clavo 2 pulgadas, libra",
                            Decimal("2.5"),
                            Decimal("1.10"),
                            "4",
                        ),
                    ),
                    source="demo",
                    source_key=f"shop-{at}",
                )
                for at, customer in enumerate(customers)
            ],
            now=context.now,
        )


def sell_at_the_till(check: Any) -> None:
    """A salesperson sells at the gym's till with the PIN and sees the number."""
    visitor = check.signed_in("gym", "salesperson")
    page = visitor.open("/sales/till/")
    page = visitor.submit(form="/sales/till", do="find_product", product_q="AGUA", customer_q="")
    if "Agua 500 ml" not in page:
        raise AssertionError("the till did not add the product")
    seller = re.search(r'name="salesperson_id" value="([0-9a-f-]{36})"', page)
    if seller is None:
        raise AssertionError("the till shows nobody who sells")
    wrong = _refused(visitor, seller.group(1))
    if "PIN" not in wrong:
        raise AssertionError("a wrong PIN was not refused")
    done = visitor.submit(
        form="/sales/till",
        do="charge",
        salesperson_id=seller.group(1),
        pin="01",
        payment="01",
        product_q="",
        received="",
    )
    number = re.search(r"001-001-\d{9}", done)
    if "/sales/till/done/" not in visitor.url or number is None:
        raise AssertionError("the sale was not issued")
    check.memo["sales.till_number"] = number.group()
    check.memo["sales.till_url"] = visitor.url


def _refused(visitor: Any, seller: str) -> str:
    """What the till says to a wrong PIN."""
    try:
        visitor.submit(
            form="/sales/till", do="charge", salesperson_id=seller, pin="9999", payment="01",
            product_q="", received="",
        )  # fmt: skip
    except AssertionError as refusal:
        return f"PIN {refusal}"
    return ""


def see_it_authorised(check: Any) -> None:
    """The sale's document reaches AUTORIZADO on the till's own screen."""
    visitor = check.signed_in("gym", "salesperson")
    address = check.memo["sales.till_url"].rstrip("/") + "/state"

    def final() -> bool:
        page = visitor.open(address)
        if "badge-bad" in page:
            raise AssertionError("SRI refused the sale of the till")
        return 'data-final="1"' in page

    check.wait_for("the authorisation of the sale at the till", final)


STEPS = (
    DemoStep("a salesperson sells at the till with the PIN", 100, sell_at_the_till),
    DemoStep("the sale is authorised on the same screen", 110, see_it_authorised),
)
