"""Is this money in the books already? One transfer reaches them by a report, by hand or by the statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.sales import PaymentData
from core.domain.money import ZERO
from plugins.sales.domain.statements import Credit, plain_reference, same_reference
from plugins.sales.models import Payment, StatementRow

TRANSFERS = ("transfer", "deposit")
BY_REPORT = "report:"  # how the keys of payments begin that a confirmed report has made
APART = timedelta(days=10)  # the day somebody reports and the day the bank books; codes come again


def find_booked(session: Session, payment: PaymentData) -> UUID | None:
    """The payment of the same customer and amount whose statement row, or itself, has the reference."""
    rows = session.execute(
        select(Payment.id, Payment.reference, StatementRow.reference)
        .join(StatementRow, StatementRow.payment_id == Payment.id)
        .where(
            Payment.customer_id == payment.customer_id,
            Payment.amount == payment.amount,
            Payment.state == "recorded",
            Payment.idempotency_key != payment.idempotency_key,
            StatementRow.value_on.between(payment.value_on - APART, payment.value_on + APART),
        )
        .order_by(Payment.id)
    )
    for payment_id, *references in rows:
        if any(same_reference(one, payment.reference) for one in references):
            return payment_id
    return None


def find_alike(session: Session, payment: PaymentData) -> UUID | None:
    """A transfer of the same customer and amount, whatever its reference, that no report has made."""
    return session.scalar(
        select(Payment.id)
        .where(
            Payment.customer_id == payment.customer_id,
            Payment.amount == payment.amount,
            Payment.state == "recorded",
            Payment.method.in_(TRANSFERS),
            Payment.value_on.between(payment.value_on - APART, payment.value_on + APART),
            ~Payment.idempotency_key.startswith(BY_REPORT),
        )
        .order_by(Payment.id)
        .limit(1)
    )


def find_unseen(
    session: Session, customer_id: UUID, *, amount: Decimal, value_on: date
) -> list[tuple[UUID, str]]:
    """The transfers of this customer and amount (id, reference) that no statement has shown yet."""
    seen = select(StatementRow.payment_id).where(StatementRow.payment_id == Payment.id)
    rows = session.execute(
        select(Payment.id, Payment.reference)
        .where(
            Payment.customer_id == customer_id,
            Payment.amount == amount,
            Payment.state == "recorded",
            Payment.method.in_(TRANSFERS),
            Payment.value_on.between(value_on - APART, value_on + APART),
            ~seen.exists(),
        )
        .order_by(Payment.id)
    )
    return [(row.id, row.reference) for row in rows]


class Unseen:
    """The transfers in the books that no statement has shown yet, around the days of a file."""

    def __init__(self, session: Session, credits_: Sequence[Credit]) -> None:
        days = [one.value_on for one in credits_]
        self._by_reference: dict[str, list[tuple[UUID, Decimal, int]]] = {}
        seen = select(StatementRow.payment_id).where(StatementRow.payment_id == Payment.id)
        for row in session.execute(
            select(Payment.id, Payment.amount, Payment.value_on, Payment.reference)
            .where(
                Payment.value_on.between(min(days) - APART, max(days) + APART),
                Payment.reference != "",
                Payment.state == "recorded",
                Payment.method.in_(TRANSFERS),
                ~seen.exists(),
            )
            .order_by(Payment.id)
        ):
            self._by_reference.setdefault(plain_reference(row.reference), []).append(
                (row.id, row.amount, row.value_on.toordinal())
            )

    def take(self, credit: Credit) -> UUID | None:
        """The payment that this credit is: exactly its reference and amount, or the first of several
        that one transfer was recorded as. The next credit does not find it again.
        """
        plain = plain_reference(credit.reference)
        day = credit.value_on.toordinal()
        near = [
            one
            for one in self._by_reference.get(plain, ())
            if plain and abs(one[2] - day) <= APART.days
        ]
        exact = [one for one in near if one[1] == credit.amount][:1]
        if not exact and sum((one[1] for one in near), ZERO) == credit.amount:
            exact = near
        for one in exact:
            self._by_reference[plain].remove(one)
        return exact[0][0] if exact else None
