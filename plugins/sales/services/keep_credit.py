"""What a company owes its customers: credit that comes up, is used oldest first, and what is left."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.domain.money import ZERO
from core.errors import DomainError
from core.i18n import _
from plugins.sales.models import Credit


def add_credit(
    session: Session, customer_id: UUID, origin: str, origin_id: UUID, amount: Decimal
) -> None:
    """Owe the customer ``amount`` more."""
    session.add(
        Credit(
            customer_id=customer_id,
            origin=origin,
            origin_id=origin_id,
            amount=amount,
            remaining=amount,
        )
    )
    session.flush()


def use_credit(session: Session, customer_id: UUID, amount: Decimal) -> None:
    """Take ``amount`` off the customer's credit, oldest first. Raises ``DomainError`` when short."""
    left = amount
    rows = session.execute(
        select(Credit.id, Credit.remaining)
        .where(Credit.customer_id == customer_id, Credit.remaining > ZERO)
        .order_by(Credit.id)
        .with_for_update()
    ).all()
    for row in rows:
        part = min(left, row.remaining)
        if part <= ZERO:
            break
        session.execute(
            update(Credit).where(Credit.id == row.id).values(remaining=row.remaining - part)
        )
        left -= part
    if left > ZERO:
        raise DomainError(
            _("The customer's credit is not enough. Use at most what is left of it."),
            code="credit_short",
            field="amount",
        )


def credit_of(session: Session, customer_id: UUID) -> Decimal:
    """What the tenant owes the customer (USD)."""
    parts = session.scalars(
        select(Credit.remaining).where(Credit.customer_id == customer_id, Credit.remaining > ZERO)
    )
    return sum(parts, ZERO)
