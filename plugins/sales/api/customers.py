"""``/api/v1/sales/customers``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.contracts.sales import CustomerData
from core.errors import NotFound
from core.web import body
from core.web.api import Api, endpoint
from core.web.context import Context
from core.web.paging import page_by_key
from plugins.sales.models import Customer
from plugins.sales.services import find_sales
from plugins.sales.services.keep_customers import change_customer, create_customer


class CustomerApi(Api):
    """Customers."""

    route_base = "/api/v1/sales/customers"
    permission = "sales.customer"

    @endpoint("/", "GET", action="read")
    def index(self, ctx: Context) -> Any:
        """The customers, by ``?q=`` and ``?after=``."""
        found = find_sales.customers(ctx.args.get("q", "")[:100])
        page = page_by_key(
            ctx.session, found, [Customer.id], after=ctx.args.get("after"), size=body.size(ctx)
        )
        return body.page_body(page, "customers", show)

    @endpoint("/<uuid:customer_id>", "GET", action="read")
    def show(self, ctx: Context, customer_id: UUID) -> Any:
        """One customer."""
        return show(_one(ctx, customer_id))

    @endpoint("/", "POST", action="write")
    def create(self, ctx: Context) -> Any:
        """Create a customer, once per ``Idempotency-Key``."""
        made, is_new = body.once(
            ctx,
            "sales/customers",
            lambda _key: create_customer(ctx.session, _data(ctx.json), **_extra(ctx.json)),
        )
        return show(_one(ctx, made)), 201 if is_new else 200

    @endpoint("/<uuid:customer_id>", "PUT", action="write")
    def change(self, ctx: Context, customer_id: UUID) -> Any:
        """Replace what is known of a customer."""
        change_customer(ctx.session, customer_id, _data(ctx.json), **_extra(ctx.json))
        ctx.session.expire_all()
        return show(_one(ctx, customer_id))


def _one(ctx: Context, customer_id: UUID) -> Customer:
    found = ctx.session.get(Customer, customer_id)
    if found is None:
        raise NotFound
    return found


def show(one: Customer) -> dict[str, Any]:
    """A customer as JSON."""
    return {
        "id": one.id,
        "tax_id_type": one.tax_id_type,
        "tax_id": one.tax_id,
        "legal_name": one.legal_name,
        "email": one.email,
        "address": one.address,
        "phone": one.phone,
        "is_withholding_agent": one.is_withholding_agent,
        "payment_term_days": one.payment_term_days,
    }


def _data(given: Any) -> CustomerData:
    return CustomerData(
        tax_id_type=body.text(given, "tax_id_type"),
        tax_id=body.text(given, "tax_id"),
        legal_name=body.text(given, "legal_name"),
        email=body.text(given, "email", ""),
        address=body.text(given, "address", ""),
        phone=body.text(given, "phone", ""),
    )


def _extra(given: Any) -> dict[str, Any]:
    return {
        "is_withholding_agent": body.flag(given, "is_withholding_agent"),
        "payment_term_days": body.whole(given, "payment_term_days", 0),
    }
