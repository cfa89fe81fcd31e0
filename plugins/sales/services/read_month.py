"""The month in figures, for the home page: sold today and this month, paid, owed; twelve months of sales."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.domain.money import ZERO
from core.domain.periods import add_months, end_of_month

MONTHS = 12

_SOLD = text(
    "SELECT date_trunc('month', issued_on)::date AS first, sum(total) AS total, count(*) AS invoices,"
    " coalesce(sum(total) FILTER (WHERE issued_on = :today), 0) AS today,"
    " count(*) FILTER (WHERE issued_on = :today) AS invoices_today"
    " FROM sales_invoice i WHERE tenant_id = :tenant AND issued_on BETWEEN :since AND :until"
    " AND environment <> 3 AND (state <> 'cancelled' OR EXISTS (SELECT FROM sales_credit_note n"
    "  WHERE n.tenant_id = i.tenant_id AND n.invoice_id = i.id AND n.state <> 'cancelled'))"
    " GROUP BY 1"
)
_CREDITED = text(
    "SELECT date_trunc('month', issued_on)::date AS first, sum(total) AS total FROM sales_credit_note"
    " WHERE tenant_id = :tenant AND issued_on BETWEEN :since AND :until AND state <> 'cancelled'"
    " AND environment <> 3"
    " GROUP BY 1"
)
_PAID = text(
    "SELECT coalesce(sum(amount), 0) FROM sales_payment WHERE tenant_id = :tenant"
    " AND value_on BETWEEN :first AND :until AND state = 'recorded'"
)
_OWED = text(
    "SELECT coalesce(sum(balance), 0) AS total,"
    " coalesce(sum(balance) FILTER (WHERE due_on < :today), 0) AS overdue"
    " FROM sales_invoice WHERE tenant_id = :tenant AND state = 'issued' AND environment <> 3"
)


@dataclass(frozen=True, slots=True)
class Sold:
    """One month: its first day, what was sold (USD with IVA, credit notes taken off), invoices."""

    first: date
    total: Decimal
    invoices: int


@dataclass(frozen=True, slots=True)
class Month:
    """Figures of a day and its month in USD with IVA; ``months`` oldest first, twelve of them."""

    today: Decimal
    invoices_today: int
    paid: Decimal
    owed: Decimal
    overdue: Decimal
    months: tuple[Sold, ...]

    @property
    def sold(self) -> Sold:
        """The month at hand."""
        return self.months[-1]


def read_month(session: Session, *, today: date) -> Month:
    """The figures of the tenant in scope; an annulled invoice counts nowhere.

    A credit note is taken off in its own month; the invoice that it credits stays in the other.
    """
    this = today.replace(day=1)
    firsts = [add_months(this, -n) for n in range(MONTHS - 1, -1, -1)]
    values = {
        "tenant": scope_of(session).tenant_id,
        "since": firsts[0],
        "until": end_of_month(this),
        "first": this,
        "today": today,
    }
    sold = {row.first: row for row in session.execute(_SOLD, values)}
    credited = {row.first: row.total for row in session.execute(_CREDITED, values)}
    owed = session.execute(_OWED, values).one()
    now = sold.get(this)
    return Month(
        today=now.today if now else ZERO,
        invoices_today=now.invoices_today if now else 0,
        paid=session.execute(_PAID, values).scalar_one(),
        owed=owed.total,
        overdue=owed.overdue,
        months=tuple(
            Sold(
                first,
                (sold[first].total if first in sold else ZERO) - credited.get(first, ZERO),
                sold[first].invoices if first in sold else 0,
            )
            for first in firsts
        ),
    )
