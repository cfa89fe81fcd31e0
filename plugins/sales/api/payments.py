"""``/api/v1/sales/payments``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.contracts.sales import PaymentAllocation, PaymentData
from core.errors import NotFound
from core.web import body
from core.web.api import Api, endpoint
from core.web.context import Context
from core.web.paging import page_by_key
from plugins.sales.models import Allocation, Payment
from plugins.sales.services.record_payment import record_payment, spread_over_open


class PaymentApi(Api):
    """Money in."""

    route_base = "/api/v1/sales/payments"
    permission = "sales.payment"

    @endpoint("/", "GET", action="read")
    def index(self, ctx: Context) -> Any:
        """Payments, newest first."""
        page = page_by_key(
            ctx.session,
            select(Payment),
            [Payment.id.desc()],
            after=ctx.args.get("after"),
            size=body.size(ctx),
        )
        return body.page_body(page, "payments", show)

    @endpoint("/<uuid:payment_id>", "GET", action="read")
    def show(self, ctx: Context, payment_id: UUID) -> Any:
        """One payment with what it covers."""
        return _one(ctx, payment_id)

    @endpoint("/", "POST", action="write")
    def create(self, ctx: Context) -> Any:
        """Record a payment, once per ``Idempotency-Key``; without ``allocations`` the oldest
        invoices are covered first.
        """
        made, is_new = body.once(ctx, "sales/payments", lambda key: self._record(ctx, key))
        return _one(ctx, made), 201 if is_new else 200

    @staticmethod
    def _record(ctx: Context, key: str) -> UUID:
        given = ctx.json
        customer_id, amount = body.identifier(given, "customer_id"), body.money(given, "amount")
        parts = tuple(
            PaymentAllocation(body.identifier(one, "invoice_id"), body.money(one, "amount"))
            for one in body.objects(given, "allocations")
        )
        if "allocations" not in given:
            parts = spread_over_open(ctx.session, customer_id, amount)
        return record_payment(
            ctx.session,
            PaymentData(
                customer_id=customer_id,
                method=body.text(given, "method"),
                amount=amount,
                value_on=body.day(given, "value_on", ctx.today),
                allocations=parts,
                idempotency_key=f"api:{key}",
                bank=body.text(given, "bank", ""),
                reference=body.text(given, "reference", ""),
                note=body.text(given, "note", ""),
            ),
            now=ctx.now,
            account_id=body.optional_identifier(given, "account_id"),
        )


def _one(ctx: Context, payment_id: UUID) -> dict[str, Any]:
    payment = ctx.session.get(Payment, payment_id)
    if payment is None:
        raise NotFound
    covers = ctx.session.execute(
        select(Allocation.invoice_id, Allocation.amount).where(Allocation.payment_id == payment_id)
    )
    return show(payment) | {
        "allocations": [{"invoice_id": one.invoice_id, "amount": one.amount} for one in covers]
    }


def show(one: Payment) -> dict[str, Any]:
    """A payment as JSON."""
    return {
        "id": one.id,
        "customer_id": one.customer_id,
        "method": one.method,
        "amount": one.amount,
        "excess": one.excess,
        "value_on": one.value_on,
        "bank": one.bank,
        "reference": one.reference,
        "state": one.state,
    }
