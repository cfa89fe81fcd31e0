"""Figures behind the charts: recurring revenue, churn, ageing, collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.domain.money import ZERO
from core.domain.periods import add_months, end_of_month

MONTHS = 12
AGES = ("not_due", "1_30", "31_60", "61_90", "over_90")

# What a subscription cost a month at a month's end is what was charged for it then: of the charges that
# overlap the month the one issued last; of one day's, a change of plan. The agreed price is today's: it
# counts only where nothing was charged.
_MONTHS = text(
    "WITH m AS (SELECT * FROM unnest(CAST(:firsts AS date[]), CAST(:lasts AS date[])) AS m(first, last)),"
    " charged AS (SELECT DISTINCT ON (m.first, c.subscription_id) m.first, c.subscription_id,"
    "  CASE WHEN c.kind IN ('first', 'full') THEN c.amount"
    "   ELSE CAST(c.derivation ->> 'price' AS numeric) END AS price"
    "  FROM m JOIN billing_charge c ON c.tenant_id = :tenant AND c.state <> 'cancelled'"
    "   AND c.period_start <= m.last AND c.period_end >= m.first"
    "  ORDER BY m.first, c.subscription_id, c.issued_on DESC, c.kind = 'change' DESC, c.id DESC)"
    " SELECT m.first, coalesce(sum(coalesce(p.price, s.price * s.quantity))"
    "  FILTER (WHERE s.state <> 'ended' OR s.ends_on > m.last), 0)"
    " AS recurring, count(s.id) FILTER (WHERE s.state <> 'ended' OR s.ends_on > m.last) AS active,"
    " count(s.id) FILTER (WHERE s.state = 'ended' AND s.ends_on BETWEEN m.first AND m.last) AS ended,"
    " count(s.id) FILTER (WHERE s.start_on BETWEEN m.first AND m.last) AS started"
    " FROM m LEFT JOIN billing_subscription s ON s.tenant_id = :tenant AND s.start_on <= m.last"
    " LEFT JOIN charged p ON p.first = m.first AND p.subscription_id = s.id"
    " GROUP BY m.first ORDER BY m.first"
)
_AGES = text(
    "SELECT CASE WHEN due_on IS NULL OR due_on >= :today THEN 'not_due' WHEN :today - due_on <= 30 THEN '1_30'"
    " WHEN :today - due_on <= 60 THEN '31_60' WHEN :today - due_on <= 90 THEN '61_90' ELSE 'over_90' END"
    " AS age, sum(amount) AS amount, count(DISTINCT invoice_id) AS invoices FROM billing_charge"
    " WHERE tenant_id = :tenant AND state = 'open' GROUP BY 1"
)
_COLLECTION = text(
    "SELECT date_trunc('month', issued_on)::date AS first, sum(amount) AS issued,"
    " coalesce(sum(amount) FILTER (WHERE state IN ('paid', 'free')), 0) AS paid,"
    " coalesce(sum(amount) FILTER (WHERE state = 'paid' AND"
    "  (due_on IS NULL OR (paid_at AT TIME ZONE 'America/Guayaquil')::date <= due_on)), 0) AS in_time"
    " FROM billing_charge WHERE tenant_id = :tenant AND state <> 'cancelled' AND issued_on >= :since"
    " GROUP BY 1 ORDER BY 1"
)


_PAID = text(
    "SELECT date_trunc('month', issued_on)::date AS first, greatest(0, CASE WHEN state = 'free' THEN 0"
    " ELSE (paid_at AT TIME ZONE 'America/Guayaquil')::date - issued_on END) AS day, sum(amount) AS amount"
    " FROM billing_charge WHERE tenant_id = :tenant AND state IN ('paid', 'free') AND issued_on >= :since"
    " GROUP BY 1, 2"
)
_ISSUED = text(
    "SELECT date_trunc('month', issued_on)::date AS first, sum(amount) AS issued, max(issued_on) AS last_on"
    " FROM billing_charge WHERE tenant_id = :tenant AND state <> 'cancelled' AND issued_on >= :since"
    " GROUP BY 1 HAVING sum(amount) > 0 ORDER BY 1"
)
CURVES, CURVE_DAYS = 3, 45  # months drawn, days after the issue


@dataclass(frozen=True, slots=True)
class Curve:
    """How the money of a month's invoices came in: ``amounts[n]`` is what was collected up to ``n`` days
    after each was issued (before IVA, USD), as far as every invoice of the month is that old.
    """

    first: date
    issued: Decimal
    amounts: tuple[Decimal, ...]

    @property
    def shares(self) -> list[Decimal]:
        """The same as percents of what was invoiced, with one decimal (half up)."""
        return [
            (Decimal(100) * one / self.issued).quantize(Decimal("0.1"), ROUND_HALF_UP)
            for one in self.amounts
        ]


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows of each chart, oldest month first."""

    months: Sequence[Any]
    ages: list[tuple[str, Decimal, int]]
    collection: Sequence[Any]
    curves: list[Curve]


def read_figures(session: Session, *, today: date) -> Figures:
    """The figures of the tenant in scope over the last twelve months."""
    this = today.replace(day=1)
    firsts = [add_months(this, -n) for n in range(MONTHS - 1, -1, -1)]
    tenant = scope_of(session).tenant_id
    months = session.execute(
        _MONTHS,
        {"firsts": firsts, "lasts": [end_of_month(one) for one in firsts], "tenant": tenant},
    ).all()
    found = {
        row.age: (row.amount, row.invoices)
        for row in session.execute(_AGES, {"today": today, "tenant": tenant})
    }
    collection = session.execute(_COLLECTION, {"tenant": tenant, "since": firsts[0]}).all()
    return Figures(
        months,
        [(age, *found.get(age, (ZERO, 0))) for age in AGES],
        collection,
        read_curves(session, today=today),
    )


def read_curves(session: Session, *, today: date) -> list[Curve]:
    """The collection curves of the last months in which something was invoiced, the newest first."""
    given = {
        "tenant": scope_of(session).tenant_id,
        "since": add_months(today.replace(day=1), -MONTHS),
    }
    paid: dict[tuple[date, int], Decimal] = {
        (row.first, row.day): row.amount for row in session.execute(_PAID, given)
    }
    curves = []
    for row in session.execute(_ISSUED, given).all()[-CURVES:]:
        days = min((today - row.last_on).days, CURVE_DAYS)
        so_far, amounts = ZERO, []
        for day in range(max(days, 0) + 1):
            so_far += paid.get((row.first, day), ZERO)
            amounts.append(so_far)
        curves.append(Curve(row.first, row.issued, tuple(amounts)))
    return curves[::-1]


def curve_rows(curves: Sequence[Curve]) -> list[int]:
    """The days of the table: those on which a curve rises, the first and the last."""
    longest = max((len(one.amounts) for one in curves), default=0)
    rises = {
        day
        for one in curves
        for day in range(len(one.amounts))
        if day == 0 or one.amounts[day] != one.amounts[day - 1]
    }
    return sorted(rises | ({longest - 1} if longest else set()))


def churn(row: Any) -> Decimal:
    """Percent of a month's subscriptions that ended in it."""
    before = row.active + row.ended
    if not before:
        return ZERO
    return round(Decimal(100) * int(row.ended) / int(before), 1)


def next_run_day(today: date) -> date:
    """The next 25th, today included."""
    this = today.replace(day=25)
    return this if this >= today else add_months(this, 1)
