"""Licence invoices and contracts, told by the operator to those who may see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.events import (
    ClientInvoicePublished,
    InvoiceBalanceChanged,
    InvoiceCancelled,
    InvoicePaid,
    InvoicesIssued,
    LicenceChanged,
    PaymentReceived,
    PlansOffered,
)
from core.contracts.licences import (
    ClientInvoice,
    LicenceContract,
    NextPlan,
    PlanOffer,
    UpcomingInvoice,
)
from core.contracts.sales import InvoiceSnapshot
from core.contracts.services import InvoiceIssuing, Subscribing
from core.db.events import emit
from core.domain.money import ZERO, to_cents
from core.services import settings
from plugins.licensing.models import Contract, DistributorRow, PlanTerms, Ticket
from plugins.licensing.settings import ON_REPORT, ORDER_ENABLED

SOURCES = ("billing", "licensing")  # what the calendar charges, and support hours
Ahead = Mapping[UUID, tuple[UpcomingInvoice, ...]]  # by contract
STRICT, REPORT = "strict", "on_report"  # values of billing.overdue and billing.lift_block


def publish_issued(session: Session, event: InvoicesIssued, *, now: datetime) -> None:
    """Invoices of the operator were issued: of those that are a licence's, client and distributor hear."""
    if event.source in SOURCES:
        publish_invoices(session, event.invoice_ids, now=now)


def publish_invoices(
    session: Session,
    invoice_ids: Sequence[UUID],
    *,
    now: datetime,
    report_id: UUID | None = None,
) -> int:
    """Tell licence invoices as they stand; others are left out. Returns how many were told."""
    events = _invoice_events(session, invoice_ids, now=now, report_id=report_id)
    for event, contract in events:
        for party in {contract.client_tenant_id, contract.distributor_id} - {None}:
            emit(session, event, to=party, now=now)
        left_out, told = contract.left_out_on, event.invoice
        is_new = told.period_start is not None and told.is_period
        if left_out is not None and is_new and told.issued_on >= left_out:
            session.refresh(contract, with_for_update=True)  # invoiced again: R15 is over
            contract.left_out_on = None
            publish_contract(session, contract, now=now)
    return len(events)


def _invoice_events(
    session: Session, invoice_ids: Sequence[UUID], *, now: datetime, report_id: UUID | None
) -> list[tuple[ClientInvoicePublished, Contract]]:
    contracts = contracts_behind(session, invoice_ids)
    ahead = read_upcoming(session, contracts.values(), now=now)
    snapshots = plugins.service(InvoiceIssuing).snapshots(session, [*contracts], lines=True)
    found = []
    for invoice_id, snapshot in snapshots.items():
        contract = contracts[invoice_id]
        invoice = _client_invoice(snapshot, contract, _period(snapshot))
        event = ClientInvoicePublished(invoice, now, report_id, ahead[contract.id])
        found.append((event, contract))
    return found


def contracts_behind(session: Session, invoice_ids: Iterable[UUID]) -> dict[UUID, Contract]:
    """The contract of each of these invoices that is a licence's, or of a licence's support hours."""
    invoice_ids = list(invoice_ids)
    charged = plugins.service(Subscribing).subscriptions_of(session, invoice_ids)
    subscriptions = {one for some in charged.values() for one in some}
    rows = session.scalars(select(Contract).where(Contract.subscription_id.in_(subscriptions)))
    contracts = {row.subscription_id: row for row in rows}
    found = {
        invoice_id: contracts[one]
        for invoice_id, some in charged.items()
        for one in some
        if one in contracts
    }
    others = [one for one in invoice_ids if one not in found]
    return found | _behind_tickets(session, others) if others else found


def _behind_tickets(session: Session, invoice_ids: Sequence[UUID]) -> dict[UUID, Contract]:
    """The last contract of the client of each invoice of support hours."""
    billed = {
        row.invoice_id: row.client_tenant_id
        for row in session.execute(
            select(Ticket.invoice_id, Ticket.client_tenant_id).where(
                Ticket.invoice_id.in_(invoice_ids)
            )
        )
    }
    rows = session.scalars(
        select(Contract)
        .where(Contract.client_tenant_id.in_(billed.values()), Contract.customer_id.is_not(None))
        .order_by(Contract.ordered_on, Contract.id)
    )
    contracts = {row.client_tenant_id: row for row in rows}
    return {key: contracts[client] for key, client in billed.items() if client in contracts}


def publish_settled(
    session: Session,
    event: InvoicePaid | InvoiceCancelled | InvoiceBalanceChanged,
    *,
    now: datetime,
) -> int:
    """An invoice of the operator was paid or cancelled, or owes another amount."""
    return publish_invoices(session, [event.invoice_id], now=now)


def publish_customer(session: Session, event: PaymentReceived, *, now: datetime) -> int:
    """Money or a retención arrived from a customer: its open licence invoices as they stand now."""
    known = select(Contract.id).where(Contract.customer_id == event.customer_id).limit(1)
    if session.scalar(known) is None:
        return 0
    still_open = plugins.service(InvoiceIssuing).open_for(session, event.customer_id)
    return publish_invoices(session, [one.id for one in still_open], now=now)


def publish_contract(
    session: Session, contract: Contract, *, now: datetime, ahead: Ahead | None = None
) -> None:
    """Tell a contract as it stands to its client and distributor. The caller holds its row.

    ``ahead``: the next invoices of many contracts, where they were read at once.
    """
    contract.revision += 1
    session.flush()
    event = contract_event(session, contract, now=now, ahead=ahead)
    for party in {contract.client_tenant_id, contract.distributor_id} - {None}:
        emit(session, event, to=party, now=now)


def contract_event(
    session: Session, contract: Contract, *, now: datetime, ahead: Ahead | None = None
) -> LicenceChanged:
    """What is told of a contract as it stands."""
    found = read_upcoming(session, [contract], now=now) if ahead is None else ahead
    told = replace(_snapshot(session, contract), upcoming=found[contract.id])
    return LicenceChanged(contract=told, changed_at=now)


def read_upcoming(session: Session, contracts: Iterable[Contract], *, now: datetime) -> Ahead:
    """The next invoices of each of these contracts, as billing will make them; an order has none."""
    keys = {one.id: one.subscription_id for one in contracts}
    ids = [one for one in keys.values() if one is not None]
    found = (
        plugins.service(Subscribing).upcoming(session, ids, today=to_local_date(now)) if ids else {}
    )
    return {key: tuple(found.get(one, ())) if one is not None else () for key, one in keys.items()}


def open_events(
    session: Session, contract: Contract, *, now: datetime
) -> list[ClientInvoicePublished]:
    """What is told of a customer's open licence invoices."""
    if contract.customer_id is None:
        return []
    ids = [
        one.id for one in plugins.service(InvoiceIssuing).open_for(session, contract.customer_id)
    ]
    return [event for event, _contract in _invoice_events(session, ids, now=now, report_id=None)]


def publish_offers(session: Session, *, now: datetime, to: Iterable[UUID] = ()) -> int:
    """Tell every distributor (and ``to``) which plans are on offer. Returns the number of plans."""
    offers = plan_offers(session)
    parties = set(session.scalars(select(DistributorRow.distributor_id))) | set(to)
    for party in parties:
        emit(session, PlansOffered(tuple(offers.values()), offered_at=now), to=party, now=now)
    return len(offers)


def plan_offers(session: Session) -> Mapping[UUID, PlanOffer]:
    """The plans of billing with what licensing adds, in the operator's scope."""
    terms = {row.plan_id: row for row in session.scalars(select(PlanTerms))}
    return {
        plan_id: PlanOffer(
            plan_id,
            name,
            to_cents(price),
            included_minutes=terms[plan_id].included_minutes if plan_id in terms else 0,
            entitlements=terms[plan_id].entitlements if plan_id in terms else {},
        )
        for plan_id, name, price in plugins.service(Subscribing).plans(session)
    }


def _snapshot(session: Session, contract: Contract) -> LicenceContract:
    terms = session.scalars(
        select(PlanTerms).where(PlanTerms.plan_id == contract.plan_id)
    ).one_or_none()
    distributor = _distributor(session, contract.distributor_id)
    return LicenceContract(
        contract_id=contract.id,
        kind=contract.kind,
        state=contract.state,
        client_tenant_id=contract.client_tenant_id,
        client_tax_id=contract.client_tax_id,
        client_name=contract.client_name,
        client_email=contract.client_email,
        distributor_id=contract.distributor_id,
        distributor_name=distributor.name if distributor else "",
        plan_id=contract.plan_id,
        plan_name=contract.plan_name,
        price=contract.price,
        payment_code=contract.payment_code,
        ordered_on=contract.ordered_on,
        lapses_on=contract.lapses_on,
        started_on=contract.started_on,
        cancelled_on=contract.cancelled_on,
        left_out_on=contract.left_out_on,
        on_credit=contract.on_credit,
        renews=contract.renews,
        next_plan=_next_plan(contract),
        plan_asked_at=contract.plan_asked_at,
        cancel_heard_at=contract.cancel_heard_at,
        plan_refusal=contract.plan_refusal,
        first_total=_first_total(session, contract),
        included_minutes=terms.included_minutes if terms else 0,
        entitlements=terms.entitlements if terms else {},
        accounts=tuple(read_accounts(session)),
        policy=_policy(session),
        contact=_contact(session, distributor),
        owner=contract.owner,
        revision=contract.revision,
        transfer_to_name=_transfer_to_name(session, contract),
    )


def _transfer_to_name(session: Session, contract: Contract) -> str:
    coming = _distributor(session, contract.transfer_to_id) if contract.transfer_to_id else None
    return coming.name if coming else ""


def _next_plan(contract: Contract) -> NextPlan | None:
    if (
        contract.next_plan_id is None
        or contract.next_price is None
        or contract.next_plan_on is None
    ):
        return None
    return NextPlan(
        contract.next_plan_id, contract.next_plan_name, contract.next_price, contract.next_plan_on
    )


def _first_total(session: Session, contract: Contract) -> Decimal:
    """What an order comes to with IVA, were it enabled on the day it was made; 0.00 afterwards."""
    if contract.state != "order":
        return ZERO
    return plugins.service(Subscribing).first_total(
        session, plan_id=contract.plan_id, start_on=contract.ordered_on
    )


def read_accounts(session: Session) -> list[str]:
    """The vendor's bank accounts, one line each (setting ``licensing.vendor_accounts``)."""
    text = str(settings.read(session, "licensing.vendor_accounts") or "")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _policy(session: Session) -> dict[str, Any]:
    """What billing's choices (A-15, A-16) mean for access, and our tolerance (A-19)."""
    values = settings.read_many(
        session,
        ("billing.overdue", "billing.lift_block", "billing.tolerance", ORDER_ENABLED),
    )
    return {
        "strict_day_six": values["billing.overdue"] == STRICT,
        "report_lifts": values["billing.lift_block"] == REPORT,
        "tolerance": str(values["billing.tolerance"]),
        "order_on_report": values[ORDER_ENABLED] == ON_REPORT,
    }


def _contact(session: Session, distributor: DistributorRow | None) -> dict[str, str]:
    """Who helps the client, and where the vendor's tutorials and group training are."""
    words = settings.read_many(session, ("licensing.tutorials_url", "licensing.training"))
    found = {
        "tutorials": str(words["licensing.tutorials_url"]),
        "training": str(words["licensing.training"]),
    }
    if distributor is not None:
        found |= {"name": distributor.name, "email": distributor.email, "phone": distributor.phone}
    return found


def _distributor(session: Session, distributor_id: UUID | None) -> DistributorRow | None:
    return session.scalars(
        select(DistributorRow).where(DistributorRow.distributor_id == distributor_id)
    ).one_or_none()


def _period(snapshot: InvoiceSnapshot) -> tuple[date, date] | None:
    """The days that the lines of an invoice cover, from their derivations; None: support hours."""
    whys = [line.derivation for line in snapshot.lines if line.derivation]
    spans = [
        (date.fromisoformat(why["from"]), date.fromisoformat(why["to"]))
        for why in whys
        if "from" in why and "to" in why
    ]
    if not spans:
        return None
    return min(first for first, _last in spans), max(last for _first, last in spans)


def _client_invoice(
    snapshot: InvoiceSnapshot, contract: Contract, period: tuple[date, date] | None
) -> ClientInvoice:
    return ClientInvoice(
        invoice_id=snapshot.id,
        contract_id=contract.id,
        client_tenant_id=contract.client_tenant_id,
        number=snapshot.number,
        period_start=period[0] if period else None,
        period_end=period[1] if period else None,
        issued_on=snapshot.issued_on,
        due_on=snapshot.due_on,
        subtotal=snapshot.subtotal,
        total=snapshot.total,
        balance=snapshot.balance,
        state={"issued": "open"}.get(snapshot.state, snapshot.state),
        description="; ".join(_explain(line) for line in snapshot.lines)[:600],
        is_period=not any((line.derivation or {}).get("rule") == "R14" for line in snapshot.lines),
    )


def _explain(line: Any) -> str:
    details = dict(line.details)
    sum_ = details.get("Cálculo", "")
    return f"{line.description} ({sum_})" if sum_ else str(line.description)
