"""Licences that a run left out, and unpaid invoices: what SRI still annuls, and until when (R15)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.licences import ClientInvoice
from core.contracts.services import Subscribing
from core.errors import Conflict, NotFound
from core.i18n import _
from plugins.licensing.models import ClientInvoiceRow, Contract, CreditDraft, PortfolioClient
from plugins.licensing.services import credit_drafts
from plugins.licensing.services.keep_licence import Farewell
from plugins.licensing.services.publish import contracts_behind, open_events, publish_contract

SHOWN = 200
LATE = ("due", "suspended", "expired", "cancelled")


@dataclass(frozen=True, slots=True)
class UnpaidRow:
    """An overdue, unreported invoice. ``annul_until``: SRI's portal annuls it up to that day."""

    row_id: UUID  # of the client in the list at hand
    client_name: str
    state: str
    left_out_on: date | None
    invoice: ClientInvoice
    annul_until: date
    is_annullable: bool


def note_left_out(session: Session, *, on: date, now: datetime) -> int:
    """Day 25 at the operator: who gets no invoice is noted and told, its unpaid invoices get the draft
    of a credit note. A second time changes nothing. Returns how many were noted.
    """
    ids = plugins.service(Subscribing).left_out(session, on=on)
    rows = session.scalars(
        select(Contract)
        .where(Contract.subscription_id.in_(ids), Contract.left_out_on.is_distinct_from(on))
        .order_by(Contract.id)
        .with_for_update()
    ).all()
    for contract in rows:
        contract.left_out_on = on
        publish_contract(session, contract, now=now)
        credit_drafts.draft_for_unpaid(session, contract, on=on, now=now)
    return len(rows)


def read_portfolio_unpaid(session: Session, *, now: datetime) -> list[UnpaidRow]:
    """The unpaid invoices of the distributor in scope, by client."""
    rows = session.execute(
        select(PortfolioClient, ClientInvoiceRow)
        .join(
            ClientInvoiceRow,
            ClientInvoiceRow.client_tenant_id == PortfolioClient.client_tenant_id,
        )
        .where(
            PortfolioClient.released_on.is_(None),
            ClientInvoiceRow.state == "open",
            ClientInvoiceRow.period_start.is_not(None),
            func.coalesce(ClientInvoiceRow.due_on, ClientInvoiceRow.period_start)
            < to_local_date(now),
        )
        .order_by(PortfolioClient.client_name, ClientInvoiceRow.period_start)
        .limit(SHOWN)
    )
    return _work_out(
        session,
        [
            (one.id, one.client_name, one.state, one.left_out_on, _as_told(invoice))
            for one, invoice in rows
        ],
        now=now,
    )


def read_operator_unpaid(session: Session, *, now: datetime) -> list[UnpaidRow]:
    """The unpaid invoices of all licences that are late, by client; the first 200 clients."""
    today = to_local_date(now)
    late = session.scalars(
        select(Contract)
        .where(Contract.standing.in_(LATE), Contract.customer_id.is_not(None))
        .order_by(Contract.client_name, Contract.id)
        .limit(SHOWN)
    )
    found = [
        (one.id, one.client_name, one.standing, one.left_out_on, told.invoice)
        for one in late
        for told in open_events(session, one, now=now)
        if told.invoice.contract_id == one.id
        and told.invoice.period_start is not None
        and (told.invoice.due_on or told.invoice.begins_on) < today
    ]
    return _work_out(session, found, now=now)


def prepare_in_portfolio(session: Session, invoice_id: UUID, *, now: datetime) -> None:
    """A distributor drafts the credit note over an unpaid invoice of a client of his.

    Raises ``NotFound``, ``Conflict`` while it is not overdue or SRI still annuls it.
    """
    found = session.execute(
        select(PortfolioClient.client_name, ClientInvoiceRow)
        .join(
            ClientInvoiceRow,
            ClientInvoiceRow.client_tenant_id == PortfolioClient.client_tenant_id,
        )
        .where(
            PortfolioClient.released_on.is_(None),
            ClientInvoiceRow.invoice_id == invoice_id,
            ClientInvoiceRow.period_start.is_not(None),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    _prepare(session, _as_told(found[1]), found[0], now=now)


def prepare_as_operator(session: Session, invoice_id: UUID, *, now: datetime) -> None:
    """The operator drafts the credit note over an unpaid licence invoice; raises as the other."""
    contract = contracts_behind(session, [invoice_id]).get(invoice_id)
    if contract is None:
        raise NotFound
    for told in open_events(session, contract, now=now):
        if told.invoice.invoice_id == invoice_id and told.invoice.period_start is not None:
            _prepare(session, told.invoice, contract.client_name, now=now)
            return
    raise Conflict(_("Nothing is owed of this invoice any more."), code="credit_paid")


def _prepare(session: Session, invoice: ClientInvoice, name: str, *, now: datetime) -> None:
    if invoice.state != "open" or invoice.balance != invoice.total:
        raise Conflict(_("Nothing is owed of this invoice any more."), code="credit_paid")
    last = invoice.due_on or invoice.begins_on
    if to_local_date(now) <= last:
        raise Conflict(
            _("This invoice can be paid until %(day)s: wait until then.", day=f"{last:%d/%m/%Y}"),
            code="credit_not_due",
        )
    credit_drafts.prepare_draft(session, invoice, name, now=now)


def _work_out(
    session: Session,
    found: list[tuple[UUID, str, str, date | None, ClientInvoice]],
    *,
    now: datetime,
) -> list[UnpaidRow]:
    today = to_local_date(now)
    reported = credit_drafts.reported_invoices(session)
    until = {
        month: credit_drafts.last_annulment_day(session, month)
        for month in {one[4].issued_on.replace(day=1) for one in found}
    }
    return [
        UnpaidRow(*one, last, today <= last)
        for one in found
        for last in [until[one[4].issued_on.replace(day=1)]]
        if one[4].invoice_id not in reported
    ]


def read_farewell(session: Session, client: PortfolioClient, *, on: date) -> Farewell:
    """What a cancellation of ``on`` would answer, from the distributor's own copy of the invoices."""
    rows = session.scalars(
        select(ClientInvoiceRow)
        .where(
            ClientInvoiceRow.contract_id == client.contract_id,
            ClientInvoiceRow.client_tenant_id == client.client_tenant_id,
            ClientInvoiceRow.state != "cancelled",
        )
        .order_by(ClientInvoiceRow.number)
    ).all()
    owed = [one for one in rows if one.state == "open"]
    reported = credit_drafts.reported_invoices(session)
    return Farewell(
        ends_on=max((one.period_end for one in rows if one.period_end), default=None),
        open_numbers=tuple(one.number for one in owed),
        not_begun=tuple(
            one.number
            for one in owed
            if one.period_start is not None
            and one.period_start > on
            and one.balance == one.total
            and one.invoice_id not in reported
        ),
    )


def drafts_by_invoice(drafts: Iterable[CreditDraft]) -> dict[UUID, CreditDraft]:
    """The drafts by their invoice."""
    return {one.invoice_id: one for one in drafts}


def _as_told(row: ClientInvoiceRow) -> ClientInvoice:
    return ClientInvoice(
        invoice_id=row.invoice_id,
        contract_id=row.contract_id,
        client_tenant_id=row.client_tenant_id,
        number=row.number,
        period_start=row.period_start,
        period_end=row.period_end,
        issued_on=row.issued_on,
        due_on=row.due_on,
        subtotal=row.subtotal,
        total=row.total,
        balance=row.balance,
        state=row.state,
        description=row.description,
        is_period=row.is_period,
    )
