"""A customer's credit pays the next invoice on its own (A-19: excess becomes credit for the next run)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.sales import PaymentAllocation, PaymentData
from core.db.arrays import among
from core.domain.money import ZERO
from core.services import settings
from plugins.sales.models import Credit
from plugins.sales.services.record_payment import CREDIT, record_payment

COUNTER = "till"


def cover_from_credit(
    session: Session, owed: Sequence[tuple[UUID, UUID, Decimal, str]], *, now: datetime
) -> None:
    """Pay new invoices ``(invoice, customer, total, source)`` with credit that their customers have.

    Counter sales are left alone: the customer stands there with the money. One query where nobody has
    credit.
    """
    customers = {customer for _, customer, _, source in owed if source != COUNTER}
    if not customers:
        return
    left = {
        row[0]: row[1]
        for row in session.execute(
            select(Credit.customer_id, func.sum(Credit.remaining))
            .where(among(Credit.customer_id, customers), Credit.remaining > ZERO)
            .group_by(Credit.customer_id)
        )
    }
    if not left or not settings.read(session, "sales.use_credit"):
        return
    for invoice_id, customer_id, total, source in owed:
        amount = min(total, left.get(customer_id, ZERO))
        if source == COUNTER or amount <= ZERO:
            continue
        record_payment(
            session,
            PaymentData(
                customer_id=customer_id,
                method=CREDIT,
                amount=amount,
                value_on=to_local_date(now),
                allocations=(PaymentAllocation(invoice_id, amount),),
                idempotency_key=f"credit:{invoice_id}",
            ),
            now=now,
        )
        left[customer_id] -= amount
