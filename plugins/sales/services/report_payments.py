"""Reported payments: the customer's word first, the money's confirmation later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.adapters.images import MAX_BYTES
from core.contracts.events import PaymentConfirmed, PaymentRejected, PaymentReported
from core.contracts.sales import MONEY_LOCK, PaymentData
from core.db.events import emit
from core.db.locks import wait_for
from core.domain.money import ZERO, to_cents
from core.errors import DomainError, NotFound, Overtaken
from core.i18n import _
from core.ids import new_id
from core.services import blobs, holidays
from plugins.sales.adapters.pdf_slips import written_anew
from plugins.sales.domain import lifecycle, reports
from plugins.sales.domain.allocation import Owed, spread
from plugins.sales.domain.slips import check_pdf
from plugins.sales.models import BankAccount, Customer, Invoice, Payment, PaymentReport
from plugins.sales.services.find_booked import find_booked
from plugins.sales.services.mail_rejections import defer_rejection
from plugins.sales.services.receive_withholdings import waiting_for
from plugins.sales.services.record_payment import record_payment


@dataclass(frozen=True, slots=True)
class ReportData:
    """What a customer says of a payment. ``reference`` may be empty with a slip and a payer's name."""

    customer_id: UUID
    bank: str
    amount: Decimal
    value_on: date
    invoice_ids: Sequence[UUID] = field(default_factory=tuple)
    reference: str = ""
    payer_name: str = ""
    account_id: UUID | None = None
    slip: bytes = b""


@dataclass(frozen=True, slots=True)
class ReportRef:
    """A report that exists. ``is_twin``: a payment or report like it was there before (A-31)."""

    id: UUID
    is_twin: bool
    is_late: bool
    created: bool


def report_payment(
    session: Session, report: ReportData, *, report_key: str, now: datetime
) -> ReportRef:
    """Store what a customer says; the same ``report_key`` returns the first report.

    A twin (same account, bank, reference, day and amount) warns and is never refused; a payment after
    the next business day of the due date is accepted and flagged late (A-18). Raises ``DomainError``.
    """
    wait_for(session, f"report/{report_key}")
    known = session.execute(
        select(PaymentReport.id, PaymentReport.is_twin, PaymentReport.is_late).where(
            PaymentReport.report_key == report_key
        )
    ).one_or_none()
    if known is not None:
        return ReportRef(known.id, known.is_twin, known.is_late, created=False)
    reports.check_report(
        bank=report.bank,
        reference=report.reference,
        payer_name=report.payer_name,
        has_slip=bool(report.slip),
        amount=to_cents(report.amount),
        value_on=report.value_on,
        today=to_local_date(now),
    )
    _check_own(session, report)
    slip_id = None
    if report.slip:
        slip_id = blobs.store(session, _safe(report.slip), "", "comprobante", field="slip")
    due_on = session.scalar(
        select(Invoice.due_on)
        .where(Invoice.id.in_(list(report.invoice_ids)), Invoice.due_on.is_not(None))
        .order_by(Invoice.due_on)
        .limit(1)
    )
    stored = PaymentReport(
        id=new_id(),
        customer_id=report.customer_id,
        account_id=report.account_id,
        bank=" ".join(report.bank.split())[:80],
        reference=report.reference.strip()[:80],
        payer_name=" ".join(report.payer_name.split())[:200],
        value_on=report.value_on,
        amount=to_cents(report.amount),
        invoice_ids=[str(one) for one in report.invoice_ids],
        slip_id=slip_id,
        reported_at=now,
        is_late=reports.is_late(
            report.value_on, due_on, lambda day: holidays.next_business_day(session, day)
        ),
        is_twin=_has_twin(session, report),
        report_key=report_key,
    )
    session.add(stored)
    session.flush()
    _tell_report(session, stored, now=now)
    return ReportRef(stored.id, stored.is_twin, stored.is_late, created=True)


def _safe(slip: bytes) -> bytes:
    """The slip as it may be kept; pictures are drawn anew where they are stored."""
    if not slip.startswith(b"%PDF-") or len(slip) > MAX_BYTES:
        return slip
    check_pdf(slip)
    return written_anew(slip)


def _check_own(session: Session, report: ReportData) -> None:
    if session.scalar(select(Customer.id).where(Customer.id == report.customer_id)) is None:
        raise NotFound
    if report.account_id is not None and (
        session.scalar(select(BankAccount.id).where(BankAccount.id == report.account_id)) is None
    ):
        raise NotFound
    found = set(
        session.scalars(
            select(Invoice.id).where(
                Invoice.id.in_(list(report.invoice_ids)),
                Invoice.customer_id == report.customer_id,
            )
        )
    )
    if set(report.invoice_ids) - found:
        raise NotFound


def _has_twin(session: Session, report: ReportData) -> bool:
    reference = report.reference.strip()
    if not reference:
        return False
    bank = " ".join(report.bank.split()).lower()
    amount = to_cents(report.amount)
    for model, states in ((PaymentReport, ("reported", "confirmed")), (Payment, ("recorded",))):
        for other in session.execute(
            select(model.bank, model.account_id).where(
                model.reference == reference,
                model.value_on == report.value_on,
                model.amount == amount,
                model.state.in_(states),
            )
        ):
            if other.bank.lower() == bank and other.account_id == report.account_id:
                return True
    return False


def confirm_report(
    session: Session,
    report_id: UUID,
    *,
    user_id: int | None,
    now: datetime,
    is_seen: bool = False,
) -> UUID:
    """The money is there: record the payment over the reported invoices; the payment's id. Money that a
    bank statement booked before is that payment, unless the statement at hand shows it (``is_seen``).

    Raises ``Conflict`` when it was decided before, ``NotFound``.
    """
    wait_for(session, MONEY_LOCK)
    report = _open(session, report_id, "confirm")
    ids = [UUID(one) for one in report.invoice_ids]
    rows = session.execute(
        select(Invoice.id, Invoice.balance, Invoice.due_on)
        .where(Invoice.customer_id == report.customer_id, Invoice.state == "issued")
        .order_by(Invoice.due_on.nulls_last(), Invoice.id)
    )
    owed = [Owed(*row) for row in rows if not ids or row.id in ids]
    allocations, _rest = spread(report.amount, owed)
    payment = PaymentData(
        customer_id=report.customer_id,
        method="transfer",
        amount=report.amount,
        value_on=report.value_on,
        allocations=allocations,
        idempotency_key=payment_key(report_id),
        bank=report.bank,
        reference=report.reference,
        note=report.payer_name,
    )
    booked = None if is_seen else find_booked(session, payment)
    payment_id = booked or record_payment(session, payment, now=now, account_id=report.account_id)
    _decide(session, report, "confirm", user_id=user_id, now=now, payment_id=payment_id)
    told = _as_told(session, report)
    emit(session, PaymentConfirmed(report_id, confirmed_at=now, report=told), now=now)
    return payment_id


def reject_report(
    session: Session, report_id: UUID, *, reason: str, user_id: int | None, now: datetime
) -> None:
    """The money is not there: say why; the customer reads it in a mail. Raises ``DomainError`` without a
    reason, ``Conflict``.
    """
    if not reason.strip():
        raise DomainError(
            _("Say why the report is rejected; the customer reads it."),
            code="reason_missing",
            field="reason",
        )
    report = _open(session, report_id, "reject")
    defer_rejection(session, report_id)
    said = reason.strip()[:300]
    _decide(session, report, "reject", user_id=user_id, now=now, reason=said)
    told = _as_told(session, report)
    emit(session, PaymentRejected(report_id, said, rejected_at=now, report=told), now=now)


def payment_key(report_id: UUID) -> str:
    """The idempotency key of the payment of a report: whoever confirms it, it is one payment."""
    return f"report:{report_id}"


def _tell_report(session: Session, report: PaymentReport, *, now: datetime) -> None:
    """Reminders stop and access comes back because of a customer's word (R9)."""
    emit(session, _as_told(session, report), now=now)


def _as_told(session: Session, report: PaymentReport) -> PaymentReported:
    ids = [UUID(one) for one in report.invoice_ids]
    invoices = session.scalars(
        select(Invoice).where(Invoice.id.in_(ids)).order_by(Invoice.due_on.nulls_last(), Invoice.id)
    ).all()
    withheld = sum((waiting_for(session, one) for one in invoices), ZERO)
    left, shares = report.amount + withheld, []
    for one in invoices:
        share = min(left, one.balance)
        if share > ZERO:
            shares.append((one.id, share))
            left -= share
    return PaymentReported(
        report_id=report.id,
        client_tenant_id=None,
        invoice_ids=tuple(one.id for one in invoices),
        amount=report.amount,
        value_on=report.value_on,
        bank=report.bank,
        reference=report.reference,
        reported_at=report.reported_at,
        withheld=withheld,
        allocations=tuple(shares),
        numbers=tuple(one.number for one in invoices),
        payer=report.payer_name,
        has_slip=report.slip_id is not None,
        is_late=report.is_late,
    )


def _open(session: Session, report_id: UUID, action: str) -> PaymentReport:
    report = session.scalars(
        select(PaymentReport).where(PaymentReport.id == report_id).with_for_update()
    ).one_or_none()
    if report is None:
        raise NotFound
    if not lifecycle.may(lifecycle.REPORT, report.state, action):
        raise Overtaken(_("Somebody decided on this report already."), code="report_decided")
    return report


def _decide(
    session: Session,
    report: PaymentReport,
    action: str,
    *,
    user_id: int | None,
    now: datetime,
    payment_id: UUID | None = None,
    reason: str = "",
) -> None:
    session.execute(
        update(PaymentReport)
        .where(PaymentReport.id == report.id)
        .values(
            state=lifecycle.step(lifecycle.REPORT, report.state, action),
            decided_at=now,
            decided_by=user_id,
            payment_id=payment_id,
            reason=reason,
        )
    )
