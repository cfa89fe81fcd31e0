"""Support hours beyond the wallet, invoiced to each client by the day-25 run."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.sales import InvoiceDraft, InvoiceLineDraft
from core.contracts.services import InvoiceIssuing, Subscribing
from core.domain.money import ZERO
from core.i18n import _
from core.models import IssuePoint
from plugins.licensing.domain.support import HOUR_PRICE
from plugins.licensing.models import Contract, Ticket
from plugins.licensing.services.support_tickets import GENERAL_RATE

BATCH = 200


def bill_tickets(session: Session, *, now: datetime) -> int:
    """Invoice what is charged and not yet invoiced, one invoice per client; how many there were.

    Due as the licence itself (R6, A-17). The same tickets twice make one invoice.
    """
    tickets = list(
        session.scalars(
            select(Ticket)
            .where(Ticket.charged_net > ZERO, Ticket.invoice_id.is_(None))
            .order_by(Ticket.client_tenant_id, Ticket.closed_at)
            .with_for_update()
        )
    )
    customers = _customers(session, {row.client_tenant_id for row in tickets})
    by_client: dict[UUID, list[Ticket]] = {}
    for row in tickets:
        if row.client_tenant_id in customers:
            by_client.setdefault(row.client_tenant_id, []).append(row)
    clients = list(by_client)
    for start in range(0, len(clients), BATCH):
        chunk = clients[start : start + BATCH]
        drafts = [_draft(session, customers[one], by_client[one], now=now) for one in chunk]
        for one, ref in zip(
            chunk, plugins.service(InvoiceIssuing).issue(session, drafts, now=now), strict=True
        ):
            for row in by_client[one]:
                row.invoice_id = ref.id
    session.flush()
    return len(clients)


def _draft(
    session: Session, customer_id: UUID, tickets: list[Ticket], *, now: datetime
) -> InvoiceDraft:
    today = to_local_date(now)
    due_on = plugins.service(Subscribing).due_on(session, today)
    return InvoiceDraft(
        customer_id=customer_id,
        issue_point_id=run_point(session),
        issued_on=today,
        lines=tuple(_line(row) for row in tickets),
        source="licensing",
        source_key=f"tickets:{tickets[0].ticket_id}",
        due_on=due_on,
        payment_term_days=(due_on - today).days,
        by_run=True,
    )


def _line(row: Ticket) -> InvoiceLineDraft:
    hours = "hora" if row.charged_hours == 1 else "horas"
    return InvoiceLineDraft(
        code="SOPORTE",
        description=f"Soporte por horas: {row.subject}"[:300],
        quantity=Decimal(row.charged_hours or 0),
        unit_price=HOUR_PRICE,
        tax_code=GENERAL_RATE,
        details=(
            ("Cálculo", f"{row.charged_hours} {hours} o fracción x {HOUR_PRICE}".replace(".", ",")),
        ),
        derivation={
            "rule": "PW-33",
            "minutes": -(-row.seconds // 60),
            "from_wallet": row.from_wallet,
            "hours": row.charged_hours,
        },
    )


def run_point(session: Session) -> UUID:
    """The emission point for invoices that nobody sells at a till. Raises ``RuntimeError`` without any."""
    points = list(session.scalars(select(IssuePoint).where(IssuePoint.is_active)))
    points.sort(key=lambda one: (one.purpose != "run", one.code))
    if not points:
        raise RuntimeError(_("The operator has no emission point: add one first."))
    return points[0].id


def _customers(session: Session, clients: set[UUID]) -> dict[UUID, UUID]:
    rows = session.execute(
        select(Contract.client_tenant_id, Contract.customer_id)
        .where(Contract.client_tenant_id.in_(clients), Contract.customer_id.is_not(None))
        .order_by(Contract.ordered_on)
    )
    return {row.client_tenant_id: row.customer_id for row in rows}
