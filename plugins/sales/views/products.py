"""Products and services: list and form."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from core.errors import NotFound
from core.i18n import _
from core.services import tax_rates
from core.web.context import Context
from core.web.paging import count_capped, page_by_key
from core.web.typed import read_fine
from core.web.views import Pages, form, page
from plugins.sales.models import Product
from plugins.sales.services import find_sales
from plugins.sales.services.keep_products import ProductData, save_product

IVA = "2"


class ProductPages(Pages):
    """What is sold."""

    route_base = "/sales/products"
    permission = "sales.product"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """The list with search."""
        query = ctx.args.get("q", "")[:100]
        found = find_sales.products(query)
        rows = page_by_key(
            ctx.session, found, [Product.name, Product.id], after=ctx.args.get("after")
        )
        return ctx.render(
            "sales/products.html",
            page=rows,
            count=count_capped(ctx.session, found),
            query=query,
            rates=_rates(ctx),
        )

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Create a product."""
        if ctx.submitted:
            save_product(ctx.session, _typed(ctx), today=ctx.today)
            ctx.flash(_("The product is saved."))
            return ctx.go("sales.product.index")
        return ctx.render(
            "sales/product_form.html",
            product=None,
            rates=_rates(ctx),
            usual=tax_rates.usual_iva(ctx.session, ctx.today),
        )

    @form("/<uuid:product_id>", action="write")
    def edit(self, ctx: Context, product_id: UUID) -> Any:
        """Change a product; invoices issued before keep what they show."""
        product = ctx.session.get(Product, product_id)
        if product is None:
            raise NotFound
        if ctx.submitted:
            save_product(ctx.session, _typed(ctx), today=ctx.today, product_id=product_id)
            ctx.flash(_("The product is saved."))
            return ctx.go("sales.product.index")
        return ctx.render("sales/product_form.html", product=product, rates=_rates(ctx))


def _rates(ctx: Context) -> dict[str, tuple[str, Decimal]]:
    """IVA codes in force today with their label and rate."""
    return {
        one.code: (one.label, one.rate) for one in tax_rates.current(ctx.session, IVA, ctx.today)
    }


def _typed(ctx: Context) -> ProductData:
    return ProductData(
        code=ctx.form.get("code", ""),
        name=ctx.form.get("name", ""),
        kind=ctx.form.get("kind", "good"),
        unit_price=read_fine(ctx.form.get("unit_price", ""), "unit_price"),
        tax_code=ctx.form.get("tax_code", ""),
        is_active=ctx.form.get("is_active") == "1",
    )
