"""Customers: list, page with statement of account and ages of the debt, form."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import update

from core.contracts.sales import CustomerData
from core.domain.payment_codes import payment_code
from core.errors import NotFound
from core.i18n import _
from core.web.context import Context
from core.web.paging import count_capped, page_by_key
from core.web.typed import read_whole
from core.web.views import Pages, command, form, page
from plugins.sales.models import Customer
from plugins.sales.services import find_sales
from plugins.sales.services.keep_customers import change_customer, create_customer
from plugins.sales.services.read_invoices import open_for
from plugins.sales.views.words import BUCKET_WORDS, MOVEMENT_WORDS, TYPE_WORDS


class CustomerPages(Pages):
    """Who buys."""

    route_base = "/sales/customers"
    permission = "sales.customer"

    @page("/", action="read")
    def index(self, ctx: Context) -> Any:
        """The list with search."""
        query = ctx.args.get("q", "")[:100]
        found = find_sales.customers(query)
        rows = page_by_key(
            ctx.session, found, [Customer.legal_name, Customer.id], after=ctx.args.get("after")
        )
        return ctx.render(
            "sales/customers.html", page=rows, count=count_capped(ctx.session, found), query=query
        )

    @page("/ageing", action="read")
    def ageing(self, ctx: Context) -> Any:
        """Who owes, and since when."""
        rows = find_sales.ageing(ctx.session, today=ctx.today)
        return ctx.render("sales/ageing.html", rows=rows, buckets=BUCKET_WORDS)

    @form("/new", action="write")
    def new(self, ctx: Context) -> Any:
        """Create a customer."""
        if ctx.submitted:
            made = create_customer(ctx.session, _typed(ctx), **_extra(ctx))
            ctx.flash(_("The customer is saved."))
            return ctx.go("sales.customer.show", customer_id=made)
        return ctx.render("sales/customer_form.html", customer=None, types=TYPE_WORDS)

    @page("/<uuid:customer_id>", action="read")
    def show(self, ctx: Context, customer_id: UUID) -> Any:
        """What is known, what is owed, what happened."""
        customer = _customer(ctx, customer_id)
        return ctx.render(
            "sales/customer.html",
            customer=customer,
            owing=find_sales.owing(ctx.session, customer_id, today=ctx.today),
            open_invoices=open_for(ctx.session, customer_id),
            history=find_sales.history(ctx.session, customer_id),
            buckets=BUCKET_WORDS,
            movements=MOVEMENT_WORDS,
            types=dict(TYPE_WORDS),
            code=payment_code(customer_id),
        )

    @form("/<uuid:customer_id>/edit", action="write")
    def edit(self, ctx: Context, customer_id: UUID) -> Any:
        """Change a customer."""
        customer = _customer(ctx, customer_id)
        if ctx.submitted:
            change_customer(ctx.session, customer_id, _typed(ctx), **_extra(ctx))
            ctx.flash(_("The customer is saved."))
            return ctx.go("sales.customer.show", customer_id=customer_id)
        return ctx.render("sales/customer_form.html", customer=customer, types=TYPE_WORDS)

    @command("/<uuid:customer_id>/hide", action="write")
    def hide(self, ctx: Context, customer_id: UUID) -> Any:
        """Take a customer out of the lists; the documents stay."""
        _customer(ctx, customer_id)
        ctx.session.execute(
            update(Customer).where(Customer.id == customer_id).values(is_active=False)
        )
        ctx.flash(_("The customer is out of the lists."))
        return ctx.go("sales.customer.index")


def _customer(ctx: Context, customer_id: UUID) -> Customer:
    customer = ctx.session.get(Customer, customer_id)
    if customer is None:
        raise NotFound
    return customer


def _typed(ctx: Context) -> CustomerData:
    form_ = ctx.form
    return CustomerData(
        tax_id_type=form_.get("tax_id_type", ""),
        tax_id=form_.get("tax_id", ""),
        legal_name=form_.get("legal_name", ""),
        email=form_.get("email", ""),
        address=form_.get("address", ""),
        phone=form_.get("phone", ""),
    )


def _extra(ctx: Context) -> dict[str, Any]:
    return {
        "is_withholding_agent": ctx.form.get("is_withholding_agent") == "1",
        "payment_term_days": min(
            read_whole(ctx.form.get("payment_term_days", ""), "payment_term_days", empty=0), 365
        ),
        "note": ctx.form.get("note", "")[:2000],
    }
