"""``/api/v1/sales/products``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.errors import NotFound
from core.web import body
from core.web.api import Api, endpoint
from core.web.context import Context
from core.web.paging import page_by_key
from plugins.sales.models import Product
from plugins.sales.services import find_sales
from plugins.sales.services.keep_products import ProductData, save_product


class ProductApi(Api):
    """Products and services."""

    route_base = "/api/v1/sales/products"
    permission = "sales.product"

    @endpoint("/", "GET", action="read")
    def index(self, ctx: Context) -> Any:
        """The products on sale, by ``?q=`` and ``?after=``."""
        found = find_sales.products(ctx.args.get("q", "")[:100])
        page = page_by_key(
            ctx.session, found, [Product.id], after=ctx.args.get("after"), size=body.size(ctx)
        )
        return body.page_body(page, "products", show)

    @endpoint("/<uuid:product_id>", "GET", action="read")
    def show(self, ctx: Context, product_id: UUID) -> Any:
        """One product."""
        return show(_one(ctx, product_id))

    @endpoint("/", "POST", action="write")
    def create(self, ctx: Context) -> Any:
        """Create a product, once per ``Idempotency-Key``."""
        made, is_new = body.once(
            ctx,
            "sales/products",
            lambda _key: save_product(ctx.session, _data(ctx.json), today=ctx.today),
        )
        return show(_one(ctx, made)), 201 if is_new else 200

    @endpoint("/<uuid:product_id>", "PUT", action="write")
    def change(self, ctx: Context, product_id: UUID) -> Any:
        """Replace what is known of a product."""
        save_product(ctx.session, _data(ctx.json), today=ctx.today, product_id=product_id)
        ctx.session.expire_all()
        return show(_one(ctx, product_id))


def _one(ctx: Context, product_id: UUID) -> Product:
    found = ctx.session.get(Product, product_id)
    if found is None:
        raise NotFound
    return found


def show(one: Product) -> dict[str, Any]:
    """A product as JSON."""
    return {
        "id": one.id,
        "code": one.code,
        "name": one.name,
        "kind": one.kind,
        "unit_price": one.unit_price,
        "tax_code": one.tax_code,
        "is_active": one.is_active,
    }


def _data(given: Any) -> ProductData:
    return ProductData(
        code=body.text(given, "code"),
        name=body.text(given, "name"),
        unit_price=body.fine(given, "unit_price"),
        tax_code=body.text(given, "tax_code"),
        kind=body.text(given, "kind", "good"),
        is_active=body.flag(given, "is_active", default=True),
    )
