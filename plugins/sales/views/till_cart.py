"""The sale on the screen: what the form of the till carries from one click to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.sales import CustomerData, InvoiceLineDraft
from core.domain.money import ZERO
from core.errors import DomainError, NotFound
from core.services import tax_rates
from core.web.context import Context
from core.web.typed import read_fine, read_ids
from plugins.sales.domain.customers import FINAL_CONSUMER
from plugins.sales.domain.totals import DocumentTotals, total_up
from plugins.sales.models import Product
from plugins.sales.services.keep_customers import read_customers

IVA = "2"


@dataclass
class CartLine:
    """A line as typed: texts stay texts, so that nothing typed is lost."""

    product_id: UUID
    code: str
    name: str
    tax_code: str
    quantity: str
    price: str
    discount: str = ""

    def draft(self) -> InvoiceLineDraft:
        """The line as an invoice takes it. Raises ``DomainError`` for what is no number."""
        return InvoiceLineDraft(
            code=self.code,
            description=self.name,
            quantity=read_fine(self.quantity, "quantity"),
            unit_price=read_fine(self.price, "price"),
            tax_code=self.tax_code,
            discount=read_fine(self.discount or "0", "discount"),
            product_id=self.product_id,
        )


@dataclass
class Cart:
    """The lines, the buyer and the amounts of the sale at hand."""

    lines: list[CartLine] = field(default_factory=list)
    customer_id: UUID | None = None
    customer: CustomerData = FINAL_CONSUMER
    totals: DocumentTotals | None = None
    line_totals: list[Decimal] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """What the buyer pays (USD)."""
        return self.totals.total if self.totals else ZERO

    def add(self, product: Product) -> None:
        """One more of ``product``: a new line, or one more on its line."""
        for line in self.lines:
            if line.product_id == product.id and line.quantity.strip().isdigit():
                line.quantity = str(int(line.quantity) + 1)
                return
        self.lines.append(
            CartLine(
                product.id,
                product.code,
                product.name,
                product.tax_code,
                "1",
                f"{product.unit_price.normalize():f}",
            )
        )

    def drafts(self) -> tuple[InvoiceLineDraft, ...]:
        """The lines as an invoice takes them. Raises ``DomainError``."""
        return tuple(line.draft() for line in self.lines)

    def total_up(self, session: Session, today: date) -> DomainError | None:
        """Fill in the amounts; the refusal when a number or tax does not allow it."""
        try:
            drafts = self.drafts()
            rates = {
                code: tax_rates.rate(session, IVA, code, today)
                for code in {one.tax_code for one in drafts}
            }
        except DomainError as error:
            return error
        self.totals = total_up(drafts, rates)
        self.line_totals = [one.subtotal for one in self.totals.lines]
        return None


def read_cart(ctx: Context) -> Cart:
    """The cart of a submitted till; products and customer are read again from the database."""
    form = ctx.form
    ids = read_ids(form.getlist("line_product"))
    known = {one.id: one for one in ctx.session.scalars(select(Product).where(Product.id.in_(ids)))}
    cart = Cart()
    columns = [form.getlist(f"line_{name}") for name in ("quantity", "price", "discount")]
    for at, product_id in enumerate(ids):
        product = known.get(product_id)
        if product is None:
            raise NotFound
        quantity, price, discount = (one[at] if at < len(one) else "" for one in columns)
        cart.lines.append(
            CartLine(
                product.id, product.code, product.name, product.tax_code, quantity, price, discount
            )
        )
    choose(ctx.session, cart, next(iter(read_ids([form.get("customer_id", "")])), None))
    return cart


def choose(session: Session, cart: Cart, customer_id: UUID | None) -> None:
    """Make a customer the buyer; None: the final consumer. Raises ``NotFound`` for an unknown one."""
    if customer_id is None:
        cart.customer_id, cart.customer = None, FINAL_CONSUMER
        return
    found = read_customers(session, [customer_id])
    if customer_id not in found:
        raise NotFound
    cart.customer_id, cart.customer = customer_id, found[customer_id]
