"""The confirmation queue of a distributor, and the operator's copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import PaymentConfirmed, PaymentRejected, PaymentReported
from core.contracts.sales import MONEY_LOCK
from core.db.events import emit
from core.db.locks import wait_for
from core.db.tenancy import scope_of
from core.errors import DomainError, NotFound, Overtaken, TryLater
from core.i18n import _
from core.services import holidays
from core.services.audit import write_audit
from plugins.licensing.models import Contract, QueuedReport
from plugins.licensing.services import book_money, order_reports
from plugins.licensing.services.first_money import refuse_short_reports
from plugins.licensing.services.parties import is_operator, operator_id
from plugins.licensing.services.publish import contracts_behind
from plugins.licensing.services.report_payment import has_twin

BUSINESS_DAYS_TO_ANSWER = 3


def hear_report(session: Session, event: PaymentReported, *, now: datetime) -> None:
    """A report arrives at the operator. One that sales took in (the signed link of a reminder, a call)
    names no client: the contract behind its invoices does, and client and distributor are told. One
    that is about no licence is no business of ours.
    """
    if event.client_tenant_id is None:
        known = _of_licence(session, event)
        if known is None or _find(session, event.report_id) is not None:
            return
        event, distributor_id = known
        for party in {event.client_tenant_id, distributor_id} - {None}:
            emit(session, event, to=party, now=now)
    queue_report(session, event)
    order_reports.hear_order_report(session, event, now=now)


def queue_report(session: Session, event: PaymentReported) -> None:
    """A report of a client arrives; a second time it only names the invoice that an order became."""
    if event.client_tenant_id is None:
        return
    known = _find(session, event.report_id)
    if known is not None:
        if event.allocations and not known.allocations:
            known.allocations = {str(key): str(share) for key, share in event.allocations}
            known.numbers = list(event.numbers)
        return
    transferred = event.amount if event.transferred is None else event.transferred
    is_twin = has_twin(
        session,
        QueuedReport,
        bank=event.bank,
        reference=event.reference,
        value_on=event.value_on,
        transferred=transferred,
        account=event.account,
        group_id=event.group_id,
    )
    session.add(
        QueuedReport(
            report_id=event.report_id,
            contract_id=event.contract_id,
            group_id=event.group_id,
            client_tenant_id=event.client_tenant_id,
            client_name=event.client_name,
            numbers=list(event.numbers),
            allocations={str(key): str(share) for key, share in event.allocations},
            amount=event.amount,
            transferred=transferred,
            account=event.account[:200],
            withheld=event.withheld,
            value_on=event.value_on,
            bank=event.bank,
            reference=event.reference,
            payer=event.payer,
            has_slip=event.has_slip,
            expects_withheld=event.expects_withheld,
            is_late=event.is_late,
            is_duplicate=is_twin,
            reported_at=event.reported_at,
        )
    )
    session.flush()


def confirm_reports(session: Session, report_ids: Sequence[UUID], *, now: datetime) -> int:
    """The money of these reports has arrived: told to the clients and, by a distributor, to the
    operator, whose books take the payment. Returns how many were confirmed.

    Raises ``NotFound`` for a report of somebody else, ``Conflict`` for one that was answered, and
    ``DomainError`` for those of an order that they do not cover (R2).
    """
    wait_for(session, MONEY_LOCK)
    rows = _waiting(session, report_ids)
    refuse_short_reports(session, rows, on=to_local_date(now))
    for row in rows:
        _confirm(session, row, now=now)
        if is_operator(session):
            book_money.record_money(session, row, now=now)
    return len(report_ids)


def confirm_seen(session: Session, report_ids: Sequence[UUID], *, now: datetime) -> list[UUID]:
    """Confirm reports whose money the vendor's own bank statement shows; the payments, as far as there
    are any. Raises as ``confirm_reports`` does.
    """
    payments = []
    for row in _waiting(session, report_ids):
        _confirm(session, row, now=now)
        payments.append(book_money.record_money(session, row, now=now, is_seen=True))
    return [one for one in payments if one is not None]


def _confirm(session: Session, row: QueuedReport, *, now: datetime) -> None:
    row.state, row.decided_at, row.decided_by = "confirmed", now, scope_of(session).user_id
    write_audit(session, action="licensing.confirm", subject_id=row.report_id)
    event = PaymentConfirmed(row.report_id, confirmed_at=now, report=_as_told(row))
    for party in {row.client_tenant_id} | _others(session, row):
        emit(session, event, to=party, now=now)


def reject_report(session: Session, report_id: UUID, *, reason: str, now: datetime) -> None:
    """The money is not there: the client reads the reason. Raises ``DomainError`` without one."""
    if not reason.strip():
        raise DomainError(
            _("Say why the payment is rejected: the client reads it."),
            code="reason",
            field="reason",
        )
    [row] = _waiting(session, [report_id])
    row.state, row.decided_at, row.decided_by = "rejected", now, scope_of(session).user_id
    row.reason = reason.strip()[:300]
    write_audit(session, action="licensing.reject", reason=row.reason, subject_id=row.report_id)
    event = PaymentRejected(row.report_id, row.reason, rejected_at=now, report=_as_told(row))
    emit(session, event, to=row.client_tenant_id, now=now)
    for other in _others(session, row):
        emit(session, event, to=other, now=now)


def hear_answer(
    session: Session, event: PaymentConfirmed | PaymentRejected, *, now: datetime
) -> None:
    """The distributor's answer reaches the operator's copy; confirmed money goes into the books.

    An answer that sales gave at the operator names no client either: it is passed on to both.
    """
    report = event.report
    if report is not None and report.client_tenant_id is None:
        known = _of_licence(session, report)
        if known is None:
            return
        report, distributor_id = known
        event = replace(event, report=report)
        for party in {report.client_tenant_id, distributor_id} - {None}:
            emit(session, event, to=party, now=now)
    wait_for(session, MONEY_LOCK)
    row = _take_answer(session, event)
    if row is not None and row.state == "confirmed":
        book_money.record_money(session, row, now=now)


def hear_other_answer(session: Session, event: PaymentConfirmed | PaymentRejected) -> None:
    """The operator answered a report himself: the distributor's row says so too."""
    _take_answer(session, event)


def _take_answer(
    session: Session, event: PaymentConfirmed | PaymentRejected
) -> QueuedReport | None:
    """Write an answer into the copy at hand; None when it was answered before.

    An answer may overtake its report, which it brings along. Raises ``TryLater`` without it.
    """
    if _find(session, event.report_id) is None and event.report is not None:
        queue_report(session, event.report)
    row = _find(session, event.report_id, lock=True)
    if row is None:
        raise TryLater("the report has not arrived yet", seconds=5)
    if row.state != "waiting":
        return None
    if isinstance(event, PaymentConfirmed):
        row.state, row.decided_at = "confirmed", event.confirmed_at
    else:
        row.state, row.decided_at, row.reason = "rejected", event.rejected_at, event.reason
    return row


def overdue_reports(session: Session, *, now: datetime) -> list[QueuedReport]:
    """Reports that nobody has answered within three business days (A-15): the operator's list."""
    today = to_local_date(now)
    waiting = session.scalars(
        select(QueuedReport)
        .where(QueuedReport.state == "waiting")
        .order_by(QueuedReport.reported_at)
    )
    return [row for row in waiting if answer_by(session, row.reported_at) < today]


def answer_by(session: Session, reported_at: datetime) -> date:
    """The last day to answer a report: three business days after it."""
    return holidays.add_business_days(session, to_local_date(reported_at), BUSINESS_DAYS_TO_ANSWER)


def _others(session: Session, row: QueuedReport) -> set[UUID]:
    """Who else hears the answer: the operator (also his own: sales and billing keep the report too)
    and, when he answers, the client's distributor.
    """
    operator = operator_id(session)
    if not is_operator(session):
        return {operator}
    held = select(Contract.distributor_id).where(
        Contract.client_tenant_id == row.client_tenant_id, Contract.distributor_id.is_not(None)
    )
    return {operator} | {one for one in session.scalars(held) if one is not None}


def _of_licence(
    session: Session, told: PaymentReported
) -> tuple[PaymentReported, UUID | None] | None:
    """A report that names only invoices, with its client; and the distributor. None: no licence's."""
    contracts = contracts_behind(session, told.invoice_ids)
    if not contracts:
        return None
    contract = next(iter(contracts.values()))
    own = {
        key for key, one in contracts.items() if one.client_tenant_id == contract.client_tenant_id
    }
    report = replace(
        told,
        client_tenant_id=contract.client_tenant_id,
        client_name=contract.client_name,
        allocations=tuple(one for one in told.allocations if one[0] in own),
    )
    return report, contract.distributor_id


def _as_told(row: QueuedReport) -> PaymentReported:
    """The report as it arrived, to travel with its answer."""
    shares = tuple((UUID(key), Decimal(share)) for key, share in row.allocations.items())
    return PaymentReported(
        report_id=row.report_id,
        client_tenant_id=row.client_tenant_id,
        invoice_ids=tuple(key for key, _share in shares),
        amount=row.amount,
        value_on=row.value_on,
        bank=row.bank,
        reference=row.reference,
        reported_at=row.reported_at,
        client_name=row.client_name,
        withheld=row.withheld,
        allocations=shares,
        numbers=tuple(row.numbers),
        payer=row.payer,
        has_slip=row.has_slip,
        expects_withheld=row.expects_withheld,
        group_id=row.group_id,
        is_late=row.is_late,
        contract_id=row.contract_id,
        account=row.account,
        transferred=row.transferred,
    )


def _find(session: Session, report_id: UUID, *, lock: bool = False) -> QueuedReport | None:
    query = select(QueuedReport).where(QueuedReport.report_id == report_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def _waiting(session: Session, report_ids: Sequence[UUID]) -> list[QueuedReport]:
    rows = list(
        session.scalars(
            select(QueuedReport).where(QueuedReport.report_id.in_(report_ids)).with_for_update()
        )
    )
    if len(rows) != len(set(report_ids)):
        raise NotFound
    if any(row.state != "waiting" for row in rows):
        raise Overtaken(
            _("One of the reports has been answered already: reload the page."), code="answered"
        )
    return rows
