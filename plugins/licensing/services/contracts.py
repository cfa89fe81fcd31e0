"""Contracts in the operator's scope: order of payment, enabling, cancellation, transfer, return."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.events import (
    ClientReleased,
    LicenceCancelled,
    LicenceEnabling,
    LicenceOrdered,
    LicenceStandingChanged,
    LicenceTransferAsked,
    SupportWalletChanged,
)
from core.contracts.sales import CustomerData, InvoiceSnapshot, PaymentAllocation, PaymentData
from core.contracts.services import (
    CustomerDirectory,
    InvoiceIssuing,
    PaymentRecording,
    Subscribing,
)
from core.db.events import emit
from core.domain.money import ZERO
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.services.audit import write_audit
from plugins.licensing.domain.orders import lapses_on, payment_code
from plugins.licensing.models import Contract, Wallet
from plugins.licensing.services.credit_drafts import draft_for_cancelled
from plugins.licensing.services.first_money import missing_of_first
from plugins.licensing.services.follow_plan import follow_subscription
from plugins.licensing.services.order_answers import tell_answers
from plugins.licensing.services.publish import plan_offers, publish_contract

RUC = "04"


def place_order(session: Session, order: LicenceOrdered, *, now: datetime) -> Contract:
    """Write the order of payment and tell it. The same order twice is one.

    Raises ``DomainError`` for a plan that is not on offer, ``Conflict`` when the client has a
    contract that runs.
    """
    before = session.get(Contract, order.contract_id)
    if before is not None:
        return before
    offer = plan_offers(session).get(order.plan_id)
    if offer is None:
        raise DomainError(
            _("This plan is no longer on offer: choose another."), code="plan", field="plan_id"
        )
    _refuse_second_contract(session, order)
    contract = Contract(
        id=order.contract_id,
        kind=order.kind,
        client_tenant_id=order.client_tenant_id,
        client_tax_id=order.client_tax_id,
        client_name=order.client_name,
        client_email=order.client_email,
        distributor_id=order.distributor_id,
        plan_id=order.plan_id,
        plan_name=offer.name,
        price=offer.price,
        payment_code=payment_code(order.contract_id),
        ordered_on=order.ordered_on,
        lapses_on=lapses_on(order.ordered_on),
        owner=dict(order.owner) or _known_owner(session, order.client_tenant_id),
        renews=order.renews or order.kind == "first",
    )
    session.add(contract)
    session.flush()
    write_audit(session, action="licensing.order", subject_id=contract.id)
    publish_contract(session, contract, now=now)
    return contract


def _known_owner(session: Session, client_tenant_id: UUID) -> dict[str, str]:
    """Who was named for the first access by the client's contract of before: a return names nobody."""
    before = session.scalars(
        select(Contract.owner)
        .where(Contract.client_tenant_id == client_tenant_id)
        .order_by(Contract.ordered_on.desc(), Contract.id.desc())
    ).first()
    return dict(before or {})


def hear_order(session: Session, order: LicenceOrdered, *, now: datetime) -> Contract | None:
    """A distributor's or client's order arrives. One that cannot be is given back to its distributor
    and answers None.
    """
    try:
        return place_order(session, order, now=now)
    except DomainError as refusal:
        write_audit(
            session,
            action="licensing.order_refused",
            reason=refusal.code,
            subject_id=order.contract_id,
        )
        if order.distributor_id is not None and order.kind == "first":
            released = ClientReleased(
                order.client_tenant_id,
                released_on=order.ordered_on,
                contract_id=order.contract_id,
            )
            emit(session, released, to=order.distributor_id, now=now)
    return None


def hear_enabling(session: Session, event: LicenceEnabling, *, now: datetime) -> None:
    """A distributor enables an order, which may still be on its way: the event brings it along, so
    that no enabling waits for its order (or is lost with one that was refused).
    """
    known = session.scalar(select(Contract.id).where(Contract.id == event.contract_id))
    if (
        known is None
        and event.order is not None
        and hear_order(session, event.order, now=now) is None
    ):
        return
    enable_contract(session, event, now=now)


def enable_contract(
    session: Session, order: LicenceEnabling, *, now: datetime, is_reported: bool = False
) -> UUID | None:
    """The order's day S: subscribe from it, invoice 1, and put the confirmed money on that invoice; that
    payment, if there is one.

    On credit the invoice stays due (A-10), and so it does where the money is too little: what is missing
    is credit. ``is_reported``: no money is confirmed, so it stays open and due on its own day, and a
    rejected report suspends (A-26). A re-entry renews only where the client chose it (R12). A second time
    changes nothing.
    """
    contract = session.get(Contract, order.contract_id, with_for_update=True)
    if contract is None:
        raise NotFound(_("This order of payment does not exist."))
    if contract.state != "order":
        return None
    start_on = to_local_date(order.enabled_at)
    is_paid = not order.on_credit and not is_reported
    on_credit = order.on_credit or (
        is_paid and missing_of_first(session, contract.plan_id, order.amount, on=start_on) > ZERO
    )
    [customer_id] = plugins.service(CustomerDirectory).ensure(session, [customer_of(contract)])
    contract.customer_id = customer_id
    contract.subscription_id = plugins.service(Subscribing).subscribe(
        session,
        plan_id=contract.plan_id,
        customer_id=customer_id,
        start_on=start_on,
        now=now,
        on_credit=on_credit,
        renews=contract.renews,
        due_on=max(start_on, to_local_date(now)) if is_reported else None,
        tells_turns=False,  # the letters of the licence do
    )
    contract.state, contract.started_on, contract.on_credit = "enabled", start_on, on_credit
    for invoice in open_of(session, contract, customer_id)[:1]:
        tell_answers(session, contract, invoice.id, now=now)
    payment_id = None
    if is_paid:
        payment_id = _record_first_payment(session, contract, order, now=now)
    wallet = grant_minutes(session, contract)
    session.flush()
    write_audit(session, action="licensing.enable", subject_id=contract.id)
    publish_contract(session, contract, now=now)
    left = SupportWalletChanged(
        contract.client_tenant_id,
        wallet.granted - wallet.used,
        changed_at=now,
        revision=wallet.granted + wallet.used,
    )
    for party in {contract.client_tenant_id, contract.distributor_id} - {None}:
        emit(session, left, to=party, now=now)
    return payment_id


def withdraw_order(session: Session, contract_id: UUID, *, now: datetime) -> None:
    """Take an order of payment back. Raises ``Conflict`` once it is enabled."""
    contract = session.get(Contract, contract_id, with_for_update=True)
    if contract is None:
        raise NotFound
    if contract.state != "order":
        raise Conflict(
            _("Only an order of payment can be withdrawn; this licence already runs."),
            code="licence_withdraw_refused",
        )
    contract.state = "withdrawn"
    publish_contract(session, contract, now=now)


def hear_cancellation(session: Session, event: LicenceCancelled, *, now: datetime) -> None:
    """No invoice after this: the subscription ends after what is invoiced (R10). What is invoiced of a
    period that had not begun, and unpaid, gets the draft of a credit note (A-11).
    """
    contract = session.get(Contract, event.contract_id, with_for_update=True)
    if contract is None or contract.subscription_id is None:
        return
    if contract.cancel_heard_at is not None and event.cancelled_at <= contract.cancel_heard_at:
        return  # heard before; it may have been taken back since
    contract.cancel_heard_at = event.cancelled_at
    if contract.cancelled_on is not None:
        return
    plugins.service(Subscribing).cancel(session, contract.subscription_id, now=event.cancelled_at)
    contract.cancelled_on = event.received_on or to_local_date(event.cancelled_at)
    follow_subscription(session, contract, on=to_local_date(now))
    write_audit(session, action="licensing.cancel", subject_id=contract.id)
    publish_contract(session, contract, now=now)
    draft_for_cancelled(session, contract, received_on=contract.cancelled_on, now=now)


def hear_standing(session: Session, event: LicenceStandingChanged) -> None:
    """A client's licence turned: what the operator's lists show. An older turn that arrives late
    changes nothing.
    """
    contract = session.get(Contract, event.contract_id, with_for_update=True)
    if contract is not None and event.revision > contract.standing_revision:
        contract.standing, contract.standing_since = event.state, event.since
        contract.paid_through_on = event.paid_through_on
        contract.standing_revision = event.revision


def ask_transfer(session: Session, event: LicenceTransferAsked, *, now: datetime) -> None:
    """Note the distributor a client wants, and tell it; it changes at the next day-25 run. Who asks for
    the one he has takes the wish back.
    """
    own = select(Contract).where(Contract.client_tenant_id == event.client_tenant_id)
    for contract in session.scalars(own.order_by(Contract.id).with_for_update()):
        is_own = contract.distributor_id == event.to_distributor_id
        wanted = None if is_own else event.to_distributor_id
        if contract.transfer_to_id != wanted:
            contract.transfer_to_id = wanted
            publish_contract(session, contract, now=now)


def carry_out_transfers(session: Session, *, on: date, now: datetime) -> int:
    """The day-25 run of transfers: clients go to the distributor they asked for.

    Reports that wait stay with the old one, who sees that the client left and cannot veto.
    """
    wanted = select(Contract).where(Contract.transfer_to_id.is_not(None)).order_by(Contract.id)
    moved = list(session.scalars(wanted.with_for_update()))
    for contract in moved:
        if contract.distributor_id is not None:
            released = ClientReleased(
                contract.client_tenant_id,
                released_on=on,
                contract_id=contract.id,
                revision=contract.revision + 1,
            )
            emit(session, released, to=contract.distributor_id, now=now)
        contract.distributor_id, contract.transfer_to_id = contract.transfer_to_id, None
        session.flush()
        publish_contract(session, contract, now=now)
        write_audit(session, action="licensing.transfer", subject_id=contract.id)
    return len(moved)


def grant_minutes(session: Session, contract: Contract) -> Wallet:
    """The plan's included minutes, once per contract, in the client's wallet."""
    offer = plan_offers(session).get(contract.plan_id)
    wallet = session.scalars(
        select(Wallet).where(Wallet.client_tenant_id == contract.client_tenant_id).with_for_update()
    ).one_or_none()
    if wallet is None:
        wallet = Wallet(client_tenant_id=contract.client_tenant_id, granted=0, used=0)
        session.add(wallet)
    wallet.granted += offer.included_minutes if offer else 0
    session.flush()
    return wallet


def _refuse_second_contract(session: Session, order: LicenceOrdered) -> None:
    """A first contract wants a client without one; a re-entry a client whose licence has run out (A-22).

    The same order, placed by another worker a moment ago, is no second one: writing it again fails
    and is tried again.
    """
    for one in session.scalars(
        select(Contract).where(
            Contract.client_tenant_id == order.client_tenant_id,
            Contract.id != order.contract_id,
            Contract.state != "withdrawn",
        )
    ):
        is_open_order = one.state == "order" and order.ordered_on <= one.lapses_on
        has_run_out = one.state == "order" or (
            order.kind == "reentry" and one.standing == "expired"
        )
        if is_open_order or not has_run_out:
            raise Conflict(
                _("This company already has a licence or an order: ask for a transfer instead."),
                code="licence_exists",
                field="tax_id",
            )


def open_of(session: Session, contract: Contract, customer_id: UUID) -> list[InvoiceSnapshot]:
    """What the customer has to pay, in the order in which money of this contract pays it: its own
    invoices, those of other charges, then support hours, which block nobody (R8); the oldest due first.
    """
    found = plugins.service(InvoiceIssuing).open_for(session, customer_id)
    charged = plugins.service(Subscribing).subscriptions_of(session, [one.id for one in found])
    return sorted(
        found,
        key=lambda one: (
            contract.subscription_id not in charged.get(one.id, ()),
            one.id not in charged,
        ),
    )


def _record_first_payment(
    session: Session, contract: Contract, order: LicenceEnabling, *, now: datetime
) -> UUID:
    if contract.customer_id is None:
        raise RuntimeError("an enabled contract has a customer")
    left, allocations = order.amount, []
    for invoice in open_of(session, contract, contract.customer_id):
        share = min(left, invoice.balance)
        if share > Decimal(0):
            allocations.append(PaymentAllocation(invoice.id, share))
            left -= share
    return plugins.service(PaymentRecording).record(
        session,
        PaymentData(
            customer_id=contract.customer_id,
            method="transfer",
            amount=order.amount,
            value_on=order.value_on,
            allocations=tuple(allocations),
            idempotency_key=f"order:{contract.id}",
            bank=order.bank,
            reference=order.reference,
        ),
        now=now,
    )


def customer_of(contract: Contract) -> CustomerData:
    """The client of a contract as the books know it."""
    return CustomerData(
        tax_id_type=RUC,
        tax_id=contract.client_tax_id,
        legal_name=contract.client_name,
        email=contract.client_email,
    )
