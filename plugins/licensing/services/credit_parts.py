"""The part of an upgrade's invoice (R14) that lies in periods which never begin (A-11)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from core import plugins
from core.contracts.sales import InvoiceLineDraft
from core.contracts.services import InvoiceIssuing
from core.domain.money import percent, total


@dataclass(frozen=True, slots=True)
class Part:
    """What a note credits: the line, its first day, and what it comes to with IVA (USD)."""

    line: InvoiceLineDraft
    first: date
    total: Decimal


def read_part(
    session: Session, invoice_id: UUID, *, since: date, undone: Collection[date] | None = None
) -> Part | None:
    """Of the upgrade's days from ``since`` on, what they were charged above the old plan; None: there are
    none, or one of their periods is not undone (``undone``: the first days of those that are).

    From 30.00 to 45.00 with the bridge of 20 days still to come: 30.00 - 20.00 = 10.00.
    """
    invoice = plugins.service(InvoiceIssuing).snapshots(session, [invoice_id], lines=True)[
        invoice_id
    ]
    [line, *others] = invoice.lines
    rows = [
        one
        for one in (line.derivation or {}).get("rows", ())
        if date.fromisoformat(one["from"]) >= since
    ]
    firsts = [date.fromisoformat(one["from"]) for one in rows]
    if others or not rows or (undone is not None and not set(firsts) <= set(undone)):
        return None
    net = total(Decimal(one["charge"]) - Decimal(one["credit"]) for one in rows)
    first, last = min(firsts), max(date.fromisoformat(one["to"]) for one in rows)
    rate = next(one.rate for one in invoice.taxes if one.tax_code == line.tax_code)
    return Part(
        InvoiceLineDraft(
            code=line.code,
            description=f"Cambio de plan, del {first:%d/%m/%Y} al {last:%d/%m/%Y}",
            quantity=Decimal(1),
            unit_price=net,
            tax_code=line.tax_code,
        ),
        first,
        net + percent(net, rate),
    )
