"""How the reports of a client's orders were answered, told to billing once there is an invoice (A-15)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.events import PaymentConfirmed, PaymentRejected, PaymentReported
from core.db.events import emit
from core.db.tenancy import scope_of
from plugins.licensing.models import Contract, QueuedReport


def tell_answers(session: Session, contract: Contract, invoice_id: UUID, *, now: datetime) -> None:
    """In the operator's scope, when an order becomes a contract with its first invoice: billing heard of
    the order's reports without knowing whose they are, and counts their rejections from now on.
    """
    answered = select(QueuedReport).where(
        QueuedReport.client_tenant_id == contract.client_tenant_id,
        QueuedReport.contract_id.is_not(None),
        QueuedReport.state != "waiting",
    )
    own = scope_of(session).tenant_id
    for row in session.scalars(answered.order_by(QueuedReport.id)):
        at = row.decided_at or now
        told = _as_of(row, invoice_id)
        emit(
            session,
            PaymentRejected(row.report_id, row.reason, rejected_at=at, report=told)
            if row.state == "rejected"
            else PaymentConfirmed(row.report_id, confirmed_at=at, report=told),
            to=own,
            now=now,
        )


def _as_of(row: QueuedReport, invoice_id: UUID) -> PaymentReported:
    return PaymentReported(
        report_id=row.report_id,
        client_tenant_id=row.client_tenant_id,
        invoice_ids=(invoice_id,),
        amount=row.amount,
        value_on=row.value_on,
        bank=row.bank,
        reference=row.reference,
        reported_at=row.reported_at,
        allocations=((invoice_id, row.amount),),
        contract_id=row.contract_id,
    )
