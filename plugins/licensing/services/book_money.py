"""Confirmed money goes into the operator's books, once: what a bank statement brought is not counted again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.contracts.sales import PaymentAllocation, PaymentData
from core.contracts.services import InvoiceIssuing, PaymentRecording
from core.domain.money import ZERO
from core.services.audit import write_audit
from plugins.licensing.models import ClientInvoiceRow, Contract, QueuedReport
from plugins.licensing.services import order_reports
from plugins.licensing.services.contracts import open_of
from plugins.licensing.services.parties import is_operator
from plugins.licensing.services.publish import publish_invoices


def record_money(
    session: Session, row: QueuedReport, *, now: datetime, is_seen: bool = False
) -> UUID | None:
    """Put the confirmed money into the operator's books, over the invoices as reported; the payment. Of
    an order of payment it is the day S (A-26).

    Only money: what was withheld is covered when the retención itself is recorded. What no longer
    fits stays as the customer's credit. Money that is in the books already makes no second payment,
    unless the statement at hand shows it (``is_seen``).
    """
    enabled = order_reports.enable_by_report(session, row, now=now)
    if enabled is not None:
        return enabled
    customer_id = _customer_of(session, row)
    if customer_id is None or row.amount == ZERO:
        return None
    payment = _payment(session, row, customer_id)
    ids = [UUID(key) for key in row.allocations] or [one.invoice_id for one in payment.allocations]
    payment_id = None if is_seen else _booked(session, row, payment)
    if payment_id is None:
        payment_id = plugins.service(PaymentRecording).record(session, payment, now=now)
    else:
        write_audit(
            session,
            action="licensing.booked",
            subject_id=row.report_id,
            details={"payment": str(payment_id)},
        )
    publish_invoices(session, ids, now=now, report_id=row.report_id)
    return payment_id


def names_of_booked(session: Session, report_ids: Sequence[UUID]) -> list[str]:
    """The clients among these waiting reports whose money is in the books already, as far as the tenant
    in scope can see: a distributor knows only which invoices are paid.
    """
    rows = session.scalars(
        select(QueuedReport)
        .where(QueuedReport.report_id.in_(report_ids), QueuedReport.state == "waiting")
        .order_by(QueuedReport.reported_at, QueuedReport.id)
    )
    return [row.client_name for row in rows if _is_booked(session, row)]


def _is_booked(session: Session, row: QueuedReport) -> bool:
    if row.amount == ZERO:
        return False
    if is_operator(session):
        customer_id = _customer_of(session, row)
        if customer_id is None:
            return False
        return _booked(session, row, _payment(session, row, customer_id)) is not None
    told = [UUID(key) for key in row.allocations]
    states = session.scalars(
        select(ClientInvoiceRow.state).where(ClientInvoiceRow.invoice_id.in_(told))
    ).all()
    return bool(told) and states == ["paid"] * len(told)


def _booked(session: Session, row: QueuedReport, payment: PaymentData) -> UUID | None:
    """The payment that this money is in the books as: by its reference, or, where everything that the
    report names is paid, by customer and amount. A second transfer is other money and becomes credit.
    """
    recording = plugins.service(PaymentRecording)
    return recording.find_booked(session, payment, any_reference=_are_paid(session, row))


def _are_paid(session: Session, row: QueuedReport) -> bool:
    """Every invoice that the report names is paid: another payment has covered them."""
    told = [UUID(key) for key in row.allocations]
    known = plugins.service(InvoiceIssuing).snapshots(session, told)
    return bool(told) and all(one in known and known[one].state == "paid" for one in told)


def _customer_of(session: Session, row: QueuedReport) -> UUID | None:
    return session.scalars(
        select(Contract.customer_id)
        .where(Contract.client_tenant_id == row.client_tenant_id, Contract.customer_id.is_not(None))
        .order_by(Contract.ordered_on.desc())
        .limit(1)
    ).one_or_none()


def _payment(session: Session, row: QueuedReport, customer_id: UUID) -> PaymentData:
    told = {UUID(key): Decimal(share) for key, share in row.allocations.items()}
    if row.contract_id is not None and not told:  # an order that was enabled otherwise meanwhile
        contract = session.get_one(Contract, row.contract_id)
        told = {one.id: one.balance for one in open_of(session, contract, customer_id)}
    snapshots = plugins.service(InvoiceIssuing).snapshots(session, list(told))
    left, allocations = row.amount, []
    for invoice_id, wanted in told.items():
        if invoice_id not in snapshots or snapshots[invoice_id].state == "cancelled":
            continue
        share = min(left, wanted, snapshots[invoice_id].balance)
        if share > 0:
            allocations.append(PaymentAllocation(invoice_id, share))
            left -= share
    return PaymentData(
        customer_id=customer_id,
        method="transfer",
        amount=row.amount,
        value_on=row.value_on,
        allocations=tuple(allocations),
        idempotency_key=f"report:{row.report_id}",
        bank=row.bank,
        reference=row.reference,
    )
