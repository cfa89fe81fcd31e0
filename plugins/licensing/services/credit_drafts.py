"""Credit notes that may undo licence invoices: drafted, confirmed, issued (A-11, R15).

The operator's books hold the invoice, so he issues the note; the distributor decides in one click.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.events import CreditNoteDrafted
from core.contracts.licences import ClientInvoice, CreditNoteDraft
from core.contracts.services import InvoiceCrediting, InvoiceIssuing
from core.db.events import emit
from core.db.tenancy import scope_of
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.services import holidays
from core.services.audit import write_audit
from plugins.licensing.domain.credits import PRINTED, annulment_day, check_step, is_newer
from plugins.licensing.models import Contract, CreditDraft, QueuedReport
from plugins.licensing.services.credit_parts import read_part
from plugins.licensing.services.parties import is_operator, operator_id
from plugins.licensing.services.publish import contracts_behind, open_events

SHOWN = 200


def last_annulment_day(session: Session, issued_on: date) -> date:
    """Until when SRI's portal annuls a document: day 7 of the month after, or the next business day."""
    return holidays.next_business_day(session, annulment_day(issued_on))


def draft_for_cancelled(
    session: Session, contract: Contract, *, received_on: date, now: datetime
) -> int:
    """A-11, in the operator's scope: draft a note over each unpaid invoice whose period had not begun
    when the client left, and over an upgrade's share of such periods. Returns how many.
    """
    unpaid = _unpaid(session, contract, now=now)
    undone = [one for one in unpaid if one.begins_on > received_on]
    firsts, since = {one.begins_on for one in undone}, received_on + timedelta(days=1)
    for one in unpaid:
        if not one.is_period and one.begins_on <= received_on:
            part = read_part(session, one.invoice_id, since=since, undone=firsts)
            if part is not None:
                undone.append(replace(one, period_start=part.first, total=part.total))
    return _draft(session, contract, undone, reason="cancelled", now=now)


def draft_for_unpaid(session: Session, contract: Contract, *, on: date, now: datetime) -> int:
    """R15, in the operator's scope: draft a note over each overdue invoice that SRI no longer annuls."""
    return _draft(
        session,
        contract,
        [
            one
            for one in _unpaid(session, contract, now=now)
            if (one.due_on or one.begins_on) < on
            and last_annulment_day(session, one.issued_on) < on
        ],
        reason="unpaid",
        now=now,
    )


def prepare_draft(session: Session, invoice: ClientInvoice, name: str, *, now: datetime) -> None:
    """A distributor or the operator drafts the note over an overdue invoice.

    Raises ``Conflict`` while SRI still annuls it, or when the client reported its payment.
    """
    until = last_annulment_day(session, invoice.issued_on)
    if to_local_date(now) <= until:
        raise Conflict(
            _(
                "SRI still annuls this invoice until %(day)s, which costs no document: do that instead.",
                day=f"{until:%d/%m/%Y}",
            ),
            code="credit_too_early",
        )
    _refuse_reported(session, invoice.invoice_id)
    if _find(session, invoice.invoice_id) is None:
        row = _write(session, invoice, name, reason="unpaid", now=now)
        _tell(session, row, now=now)


def confirm_draft(session: Session, invoice_id: UUID, *, now: datetime) -> CreditDraft:
    """One click: the operator issues the note at once, a distributor asks him to.

    Raises ``NotFound``, ``Conflict`` when it was decided or the client reported a payment meanwhile.
    """
    row = _find(session, invoice_id)
    if row is None:
        raise NotFound
    check_step(row.state, "confirm")
    _refuse_reported(session, invoice_id)
    row.state, row.decided_at, row.decided_by = "confirmed", now, scope_of(session).user_id
    write_audit(session, action="licensing.credit", subject_id=row.contract_id)
    if is_operator(session):
        _issue(session, row, now=now)
    _tell(session, row, now=now)
    return row


def dismiss_draft(session: Session, invoice_id: UUID, *, now: datetime) -> None:
    """No note: the invoice stays due. Raises ``NotFound``, ``Conflict`` when it was decided."""
    row = _find(session, invoice_id)
    if row is None:
        raise NotFound
    check_step(row.state, "dismiss")
    row.state, row.decided_at, row.decided_by = "dismissed", now, scope_of(session).user_id
    _tell(session, row, now=now)


def hear_draft(session: Session, event: CreditNoteDrafted, *, now: datetime) -> None:
    """What another side says of a draft. A distributor's confirmation is carried out by the operator."""
    told = event.draft
    if is_operator(session):
        contract = contracts_behind(session, [told.invoice_id]).get(told.invoice_id)
        if contract is None or contract.id != told.contract_id:
            return
    row = _find(session, told.invoice_id)
    if row is None:
        row = CreditDraft(invoice_id=told.invoice_id, drafted_at=event.at)
        session.add(row)
    elif not is_newer((event.at, told.state), (row.decided_at or row.drafted_at, row.state)):
        return
    row.contract_id, row.client_tenant_id = told.contract_id, told.client_tenant_id
    row.client_name, row.number = told.client_name, told.number
    row.period_start, row.total, row.reason = told.period_start, told.total, told.reason
    row.state, row.note = told.state, told.note
    row.decided_at = None if told.state == "draft" else event.at
    session.flush()
    if is_operator(session):
        if row.state == "confirmed":
            _issue(session, row, now=now)
        _tell(session, row, now=now)


def forget_settled(session: Session, invoice_id: UUID, *, now: datetime) -> None:
    """The invoice was paid, annulled or credited in another way: its draft has nothing to undo."""
    row = _find(session, invoice_id)
    if row is not None and row.state in ("draft", "refused"):
        row.state, row.decided_at = "dismissed", now
        _tell(session, row, now=now)


def forget_cancelled(session: Session, contract: Contract, *, now: datetime) -> None:
    """The cancellation was taken back: its drafts that nobody decided undo nothing any more."""
    drafts = select(CreditDraft).where(
        CreditDraft.contract_id == contract.id,
        CreditDraft.reason == "cancelled",
        CreditDraft.state.in_(("draft", "refused")),
    )
    for row in session.scalars(drafts.with_for_update()):
        row.state, row.decided_at = "dismissed", now
        _tell(session, row, now=now)


def read_drafts(session: Session, *, client: UUID | None = None) -> list[CreditDraft]:
    """The drafts of the scope at hand, those that wait first; ``client``: of that company only."""
    waits = case((CreditDraft.state.in_(("draft", "refused")), 0), else_=1)
    rows = select(CreditDraft).order_by(waits, CreditDraft.drafted_at.desc(), CreditDraft.id)
    if client is not None:
        rows = rows.where(CreditDraft.client_tenant_id == client)
    return list(session.scalars(rows.limit(SHOWN)))


def reported_invoices(session: Session) -> set[UUID]:
    """The invoices that a payment report in the queue at hand speaks of, not answered yet."""
    rows = session.scalars(select(QueuedReport.allocations).where(QueuedReport.state == "waiting"))
    return {UUID(key) for one in rows for key in one}


def _unpaid(session: Session, contract: Contract, *, now: datetime) -> list[ClientInvoice]:
    """Open invoices of a contract without any payment or report; not those of support hours, which are
    worked already.
    """
    told = [one.invoice for one in open_events(session, contract, now=now)]
    reported = reported_invoices(session) if told else set()
    return [
        one
        for one in told
        if one.contract_id == contract.id
        and one.period_start is not None
        and one.balance == one.total
        and one.invoice_id not in reported
    ]


def _draft(
    session: Session,
    contract: Contract,
    invoices: Iterable[ClientInvoice],
    *,
    reason: str,
    now: datetime,
) -> int:
    made = 0
    for one in invoices:
        if _find(session, one.invoice_id) is None:
            row = _write(session, one, contract.client_name, reason=reason, now=now)
            _tell(session, row, now=now)
            made += 1
    return made


def _write(
    session: Session, invoice: ClientInvoice, name: str, *, reason: str, now: datetime
) -> CreditDraft:
    row = CreditDraft(
        invoice_id=invoice.invoice_id,
        contract_id=invoice.contract_id,
        client_tenant_id=invoice.client_tenant_id,
        client_name=name,
        number=invoice.number,
        period_start=invoice.begins_on,
        total=invoice.total,
        reason=reason,
        state="draft",
        drafted_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _issue(session: Session, row: CreditDraft, *, now: datetime) -> None:
    """The fiscal document; why there is none when it cannot be."""
    check_step(row.state, "issue")
    try:
        _refuse_reported(session, row.invoice_id)
        _refuse_paid(session, row.invoice_id)
        with session.begin_nested():
            row.note = _credit(session, row, now=now)
    except DomainError as refusal:
        row.state, row.note = "refused", refusal.sentence[:300]
    else:
        row.state = "issued"
    row.decided_at = now
    session.flush()


def _credit(session: Session, row: CreditDraft, *, now: datetime) -> str:
    """The note over the invoice, or over an upgrade's share; its number."""
    crediting = plugins.service(InvoiceCrediting)
    reason, key = PRINTED[row.reason], f"licensing.credit:{row.invoice_id}"
    part = read_part(session, row.invoice_id, since=row.period_start)
    if part is not None and part.total == row.total:
        return crediting.credit_part(
            session, row.invoice_id, [part.line], reason=reason, source_key=key, now=now
        )
    return crediting.credit_in_full(session, row.invoice_id, reason=reason, source_key=key, now=now)


def _refuse_reported(session: Session, invoice_id: UUID) -> None:
    if invoice_id in reported_invoices(session):
        raise Conflict(
            _("The client reported the payment of this invoice: answer the report first."),
            code="credit_reported",
        )


def _refuse_paid(session: Session, invoice_id: UUID) -> None:
    """Only what nobody has paid anything of is undone without giving money back."""
    found = plugins.service(InvoiceIssuing).snapshots(session, [invoice_id]).get(invoice_id)
    if found is None or found.balance != found.total:
        raise Conflict(
            _("The invoice was paid or credited meanwhile: there is nothing to undo."),
            code="credit_paid",
        )


def _tell(session: Session, row: CreditDraft, *, now: datetime) -> None:
    """The operator tells client and distributor, a distributor the operator. A client hears of an unpaid
    invoice's note only when there is one: until then he may still pay.
    """
    draft = CreditNoteDraft(
        invoice_id=row.invoice_id,
        contract_id=row.contract_id,
        client_tenant_id=row.client_tenant_id,
        client_name=row.client_name,
        number=row.number,
        period_start=row.period_start,
        total=row.total,
        reason=row.reason,
        state=row.state,
        note=row.note,
    )
    event = CreditNoteDrafted(draft, at=row.decided_at or row.drafted_at)
    if not is_operator(session):
        emit(session, event, to=operator_id(session), now=now)
        return
    contract = session.get(Contract, row.contract_id)
    parties = {contract.distributor_id if contract else None}
    if row.reason == "cancelled" or row.state == "issued":
        parties.add(row.client_tenant_id)
    for party in parties - {None}:
        emit(session, event, to=party, now=now)


def _find(session: Session, invoice_id: UUID) -> CreditDraft | None:
    return session.scalars(
        select(CreditDraft).where(CreditDraft.invoice_id == invoice_id).with_for_update()
    ).one_or_none()
