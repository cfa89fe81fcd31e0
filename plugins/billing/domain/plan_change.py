"""Plan change (R14): upgrade now as credit and charge of the same days at price / 30; downgrade at the next period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from core.domain.money import total
from core.errors import DomainError
from core.i18n import _
from plugins.billing.domain.proration import Share, check_price, prorate

R14_BASIS = "actual_30"  # fixed by the rule, whatever the subscription's own basis
ONE_DAY = timedelta(days=1)


class InvoicedPeriod(NamedTuple):
    """A period that has been invoiced, both ends inclusive, at the price of a month (USD before IVA)."""

    first: date
    last: date
    price: Decimal


class ChangeRow(NamedTuple):
    """The days of one invoiced period that change hands, with both sums."""

    first: date
    last: date
    days: int
    old_price: Decimal
    credit: Share
    charge: Share


class PlanChange(NamedTuple):
    """An upgrade worked out. ``net`` = charges - credits, what the client pays now."""

    on: date
    old_price: Decimal
    new_price: Decimal
    rows: tuple[ChangeRow, ...]
    credit: Decimal
    charge: Decimal
    net: Decimal


def is_upgrade(old_price: Decimal, new_price: Decimal) -> bool:
    """Dearer is an upgrade (now); the same or cheaper waits for the next period."""
    return new_price > old_price


def upgrade_now(
    old_price: Decimal, new_price: Decimal, on: date, invoiced: Sequence[InvoicedPeriod]
) -> PlanChange:
    """Credit the unused days at the price they were invoiced at and charge the same days of the new plan.

    Days that were invoiced at the new price or a dearer one keep what they have. The change day belongs
    to the new plan. Each invoiced period is capped at one price, as when it was invoiced. From 30.00 to
    45.00 on 2026-05-12 in May: 20 days, 20.00 credit, 30.00 charge, 10.00 to pay.
    Raises ``DomainError`` when nothing is left to change or the new plan is not dearer.
    """
    check_price(new_price)
    if not is_upgrade(old_price, new_price):
        raise DomainError(
            _("The new plan is not dearer: the change takes effect with the next period."),
            code="billing.not_an_upgrade",
            field="plan_id",
        )
    rows = tuple(
        _row(new_price, max(on, one.first), one)
        for one in sorted(invoiced)
        if one.last >= on and is_upgrade(one.price, new_price)
    )
    if not rows:
        raise DomainError(
            _("No invoiced day is left on that date: contract again instead."),
            code="billing.nothing_to_change",
            field="on",
        )
    credit = total(row.credit.amount for row in rows)
    charge = total(row.charge.amount for row in rows)
    return PlanChange(on, old_price, new_price, rows, credit, charge, charge - credit)


def _row(new: Decimal, first: date, period: InvoicedPeriod) -> ChangeRow:
    until = period.last + ONE_DAY
    shares = [
        prorate(price, first, until, period_start=period.first, period_end=until, basis=R14_BASIS)
        for price in (period.price, new)
    ]
    return ChangeRow(first, period.last, (until - first).days, period.price, shares[0], shares[1])


def change_json(change: PlanChange) -> dict[str, Any]:
    """The derivation of the upgrade's line as JSON values."""
    return {
        "rule": "R14",
        "from": change.rows[0].first.isoformat(),
        "to": change.rows[-1].last.isoformat(),
        "days": sum(row.days for row in change.rows),
        "old_price": str(change.old_price),
        "price": str(change.new_price),
        "credit": str(change.credit),
        "charge": str(change.charge),
        "flat": False,
        "rows": [
            {
                "from": row.first.isoformat(),
                "to": row.last.isoformat(),
                "days": row.days,
                "old_price": str(row.old_price),
                "credit": str(row.credit.amount),
                "charge": str(row.charge.amount),
            }
            for row in change.rows
        ],
    }
