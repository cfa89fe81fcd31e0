"""The client's licence: what the operator tells, and what the client decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import (
    ClientInvoicePublished,
    LicenceCancelled,
    LicenceChanged,
    LicenceTransferAsked,
)
from core.contracts.licences import ClientInvoice, LicenceContract
from core.db.events import emit
from core.db.tenancy import scope_of
from core.domain.money import ZERO
from core.errors import Conflict, DomainError, NotFound, TryLater
from core.i18n import _
from core.jobs import defer
from core.services import companies, holidays
from core.services.audit import write_audit
from plugins.licensing.domain.access import is_reported
from plugins.licensing.domain.lifecycle import after
from plugins.licensing.models import (
    ClientInvoiceRow,
    FirstAccess,
    Licence,
    PaymentReportRow,
)
from plugins.licensing.services import read_ahead
from plugins.licensing.services.keep_portfolio import is_older, write_next_plan
from plugins.licensing.services.parties import is_withholding_agent, operator_id
from plugins.licensing.services.standing import Standing, find_licence, read_standing, refresh
from plugins.licensing.services.trainings import ask_for_trainings

OLDEST_MAIL = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Farewell:
    """The answer to a cancellation: the last day, and what remains to pay."""

    ends_on: date | None
    open_numbers: tuple[str, ...]
    not_begun: tuple[str, ...] = ()  # of these, what a credit note may undo


def hear_contract(session: Session, event: LicenceChanged, *, now: datetime) -> None:
    """The operator tells the contract; a newer one (re-entry) takes the place of the old."""
    told = event.contract
    row = find_licence(session, lock=True)
    if row is None:
        row = Licence(operator_id=operator_id(session), state="order")
        session.add(row)
    elif is_older(told, row):
        return
    was_running = row.started_on is not None and row.contract_id == told.contract_id
    is_new_here = not was_running or row.distributor_id != told.distributor_id
    is_new = row.contract_id != told.contract_id
    is_cancelled = was_running and told.cancelled_on is not None and row.cancelled_on is None
    row.contract_id, row.is_reentry = told.contract_id, told.kind == "reentry"
    row.renews = told.renews or told.kind == "first"
    row.is_withdrawn = told.state == "withdrawn"
    row.distributor_id, row.distributor_name = told.distributor_id, told.distributor_name
    row.transfer_to_name, row.contact = told.transfer_to_name, dict(told.contact)
    row.plan_id, row.plan_name, row.price = told.plan_id, told.plan_name, told.price
    write_next_plan(row, told)
    _hear_answer(row, told, is_new=is_new)
    row.first_total = told.first_total
    row.payment_code, row.accounts = told.payment_code, list(told.accounts)
    row.entitlements, row.policy = dict(told.entitlements), dict(told.policy)
    row.ordered_on, row.started_on = told.ordered_on, told.started_on
    asked, heard = row.cancel_asked_at, told.cancel_heard_at
    is_pending = was_running and asked is not None and (heard is None or heard < asked)
    row.cancelled_on = told.cancelled_on or (row.cancelled_on if is_pending else None)
    row.contract_revision = told.revision
    read_ahead.keep(row, told.upcoming, told_at=event.changed_at, is_new=is_new)
    if told.started_on is not None and not row.wallet_revision:
        row.wallet_minutes = told.included_minutes  # until the wallet itself is told
    session.flush()
    if told.started_on is not None and is_new_here:
        ask_for_trainings(session, row, now=now)
    if told.started_on is not None and not was_running:
        _welcome(session, row, now=now)
    elif told.state == "order" and told.kind == "first" and is_new:
        _mail(session, row, "order", key=str(told.contract_id))
    refresh(session, now=now)
    if is_cancelled:  # in billing; who cancels here has the answer already
        _mail(session, row, "farewell", key=f"{told.contract_id}:{told.revision}")  # as below


def _hear_answer(row: Licence, told: LicenceContract, *, is_new: bool) -> None:
    """What became of the plan that was asked: it is answered, or the contract is another one."""
    asked, answered = row.asked_plan_at, told.plan_asked_at
    if is_new or (asked and answered and answered >= asked):
        row.asked_plan_name, row.asked_plan_at = "", None
        row.plan_refusal = told.plan_refusal


def hear_invoice(session: Session, event: ClientInvoicePublished, *, now: datetime) -> None:
    """An invoice arrives in the scope of its payer, or of the payer's distributor.

    Raises ``TryLater`` at a payer whose licence has not arrived.
    """
    told = event.invoice
    row = session.scalars(
        select(ClientInvoiceRow)
        .where(ClientInvoiceRow.invoice_id == told.invoice_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        row = ClientInvoiceRow(invoice_id=told.invoice_id, published_at=event.published_at)
        session.add(row)
    if row.published_at <= event.published_at:  # an older telling that comes late says nothing new
        _write_invoice(row, told, event.published_at)
    read_ahead.hear_invoice(session, event)
    session.flush()
    if scope_of(session).tenant_id != told.client_tenant_id:
        return
    if find_licence(session, lock=True) is None:  # another worker is writing it: then all is told
        raise TryLater("the licence has not arrived yet", seconds=2)
    if event.report_id is not None:
        _apply_report(session, row, event.report_id)
    refresh(session, now=now)


def cancel_licence(session: Session, *, now: datetime, received_on: date | None = None) -> Farewell:
    """One click: no invoice after this one (R10). The answer says the last day and what stays due.

    ``received_on``: the day of the client's mail, where the distributor enters it. Raises ``Conflict``
    when the licence does not run or is cancelled already, ``DomainError`` for a wrong day.
    """
    standing = _standing(session, now)
    _check_received(standing, received_on)
    if standing.licence.cancelled_on is not None:
        raise Conflict(_("The licence is cancelled already."), code="licence_cancel_refused")
    after(standing.state, "cancel")
    standing.licence.cancelled_on = received_on or standing.today
    standing.licence.cancel_asked_at = now
    event = LicenceCancelled(
        standing.licence.contract_id,
        standing.licence.tenant_id,
        cancelled_at=now,
        received_on=received_on,
    )
    emit(session, event, to=standing.licence.operator_id, now=now)
    write_audit(session, action="licensing.cancel", subject_id=standing.licence.contract_id)
    session.flush()
    numbers = open_numbers(session, standing)
    not_begun = not_begun_numbers(session, standing, on=standing.licence.cancelled_on)
    refresh(session, now=now, reason=_("Cancelled by the client"))
    key = f"{standing.licence.contract_id}:{now.isoformat()}"  # it may be taken back and come again
    _mail(session, standing.licence, "farewell", key=key)
    return Farewell(standing.ends_on, numbers, not_begun)


def ask_for_transfer(session: Session, distributor_tax_id: str, *, now: datetime) -> str:
    """Ask for another distributor from the next day-25 run on; returns its name."""
    licence = _standing(session, now).licence
    wanted = companies.find_tenant(session, distributor_tax_id)
    if wanted is None or wanted.kind != "distributor":
        raise DomainError(
            _("There is no distributor with this RUC: ask for it again."),
            code="distributor",
            field="distributor",
        )
    if wanted.id == licence.distributor_id and not licence.transfer_to_name:
        raise Conflict(_("This is your distributor already."), code="same_distributor")
    event = LicenceTransferAsked(licence.tenant_id, wanted.id, asked_at=now)
    emit(session, event, to=licence.operator_id, now=now)
    write_audit(session, action="licensing.ask_transfer", subject_id=wanted.id)
    return wanted.name


def open_numbers(session: Session, standing: Standing) -> tuple[str, ...]:
    """The numbers of the invoices that are not covered."""
    ids = [one.id for one in standing.open_invoices]
    rows = select(ClientInvoiceRow.number).where(ClientInvoiceRow.invoice_id.in_(ids))
    return tuple(session.scalars(rows.order_by(ClientInvoiceRow.number)))


def not_begun_numbers(session: Session, standing: Standing, *, on: date) -> tuple[str, ...]:
    """The unpaid, unreported invoices of periods after ``on``: a credit note may undo them (A-11)."""
    ids = [
        one.id
        for one in standing.open_invoices
        if one.period.first > on and not one.covered and not is_reported(one, standing.facts, on)
    ]
    rows = select(ClientInvoiceRow.number).where(ClientInvoiceRow.invoice_id.in_(ids))
    return tuple(session.scalars(rows.order_by(ClientInvoiceRow.number)))


def _check_received(standing: Standing, received_on: date | None) -> None:
    begun = standing.licence.started_on
    if received_on is None:
        return
    if received_on > standing.today or received_on < standing.today - OLDEST_MAIL:
        raise DomainError(
            _("The day of the client's mail is today or at most 31 days ago: correct it."),
            code="received_on",
            field="received_on",
        )
    if begun is not None and received_on < begun:
        raise DomainError(
            _(
                "The client's mail cannot be older than the contract of %(day)s: correct its day.",
                day=f"{begun:%d/%m/%Y}",
            ),
            code="received_on",
            field="received_on",
        )


def read_invoices(session: Session) -> list[ClientInvoiceRow]:
    """The licence invoices of the tenant in scope, newest first."""
    own = ClientInvoiceRow.client_tenant_id == scope_of(session).tenant_id
    begins = func.coalesce(ClientInvoiceRow.period_start, ClientInvoiceRow.issued_on)
    rows = select(ClientInvoiceRow).where(own).order_by(begins.desc())
    return list(session.scalars(rows.limit(60)))


def open_invoices(session: Session) -> list[ClientInvoiceRow]:
    """What the tenant in scope still has to pay, oldest first."""
    rows = [row for row in read_invoices(session) if row.state == "open" and row.balance > 0]
    return rows[::-1]


def read_reports(session: Session) -> list[PaymentReportRow]:
    """The payment reports of the tenant in scope, newest first."""
    rows = select(PaymentReportRow).order_by(PaymentReportRow.reported_at.desc())
    return list(session.scalars(rows.limit(60)))


def _welcome(session: Session, row: Licence, *, now: datetime) -> None:
    if session.scalar(select(FirstAccess.id)) is None:
        session.add(FirstAccess(started_at=now))
    _mail(session, row, "welcome", key=str(row.contract_id))


def _mail(session: Session, row: Licence, letter: str, *, key: str) -> None:
    args = {"tenant": str(row.tenant_id), "letter": letter, "key": f"{letter}:{key}"}
    defer(session, "licensing.mail", args)


def _write_invoice(row: ClientInvoiceRow, told: ClientInvoice, published_at: datetime) -> None:
    row.contract_id, row.client_tenant_id = told.contract_id, told.client_tenant_id
    row.number, row.description = told.number, told.description
    row.period_start, row.period_end = told.period_start, told.period_end
    row.issued_on, row.due_on = told.issued_on, told.due_on
    row.subtotal, row.total, row.balance = told.subtotal, told.total, told.balance
    row.is_period = told.is_period
    row.state, row.published_at = told.state, published_at


def _apply_report(session: Session, row: ClientInvoiceRow, report_id: UUID) -> None:
    """This invoice's share of the report is in the balance now; the other shares count as before until
    their invoices are told too. What was withheld may still come while its legal term runs, when the
    client is an agente de retención (A-19).
    """
    report = session.get(PaymentReportRow, report_id, with_for_update=True)
    if report is None or report.state == "rejected":
        return
    report.applied = sorted({*report.applied, str(row.invoice_id)})
    if set(report.allocations) <= set(report.applied):
        report.state, report.decided_at = "applied", report.decided_at or row.published_at
    is_agent = is_withholding_agent(session, to_local_date(report.reported_at))
    if is_agent and report.withheld > ZERO and row.balance > ZERO:
        row.expected_withheld = min(report.withheld, row.balance)
        told_on = to_local_date(report.reported_at)
        row.withholding_until = holidays.add_business_days(
            session, max(told_on, row.issued_on), holidays.WITHHOLDING_DAYS
        )
    session.flush()


def _standing(session: Session, now: datetime) -> Standing:
    standing = read_standing(session, now=now)
    if standing is None:
        raise NotFound(_("This company has no licence."))
    return standing
