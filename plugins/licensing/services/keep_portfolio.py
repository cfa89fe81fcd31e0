"""The distributor's portfolio: what the operator and the clients tell, written into his scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import (
    ClientReleased,
    CreditLimitSet,
    LicenceChanged,
    LicenceStandingChanged,
    PlansOffered,
)
from core.contracts.licences import LicenceContract
from core.domain.money import ZERO
from core.errors import Conflict, DomainError, NotFound, TryLater
from core.i18n import _
from core.services.audit import write_audit
from plugins.licensing.domain.lights import ClientFacts, lights
from plugins.licensing.models import (
    Adviser,
    CreditLimit,
    Licence,
    Offer,
    PortfolioClient,
    QueuedReport,
)
from plugins.licensing.services import read_ahead


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """A client with the lights that are on."""

    client: PortfolioClient
    lights: Sequence[str]


def read_portfolio(
    session: Session, *, now: datetime, light: str = "", search: str = ""
) -> list[PortfolioRow]:
    """The clients of the distributor in scope by name; only those with ``light`` on, when given."""
    query = select(PortfolioClient).where(PortfolioClient.released_on.is_(None))
    if search.strip():
        query = query.where(
            PortfolioClient.client_name.icontains(search.strip(), autoescape=True)
            | PortfolioClient.client_tax_id.startswith(search.strip(), autoescape=True)
            | (PortfolioClient.payment_code == search.strip().upper())
        )
    rows = session.scalars(query.order_by(PortfolioClient.client_name, PortfolioClient.id))
    today = to_local_date(now)
    waiting = set(session.scalars(_waiting(QueuedReport.client_tenant_id)))
    found = [
        PortfolioRow(row, lights_of(row, today, waits=row.client_tenant_id in waiting))
        for row in rows
    ]
    return [row for row in found if not light or light in row.lights]


def is_order_reported(session: Session, client: PortfolioClient) -> bool:
    """The client says that it paid its order, and waits for an answer (A-26)."""
    return client.contract_state == "order" and client.contract_id in set(
        session.scalars(_waiting(QueuedReport.contract_id))
    )


def waits_for_answer(session: Session, client: PortfolioClient) -> bool:
    """A payment report of the client stands in the queue of the distributor in scope."""
    return client.client_tenant_id in set(session.scalars(_waiting(QueuedReport.client_tenant_id)))


def find_gone(session: Session) -> set[UUID]:
    """The clients who went to another distributor: their reports of before are still answered here."""
    rows = select(PortfolioClient.client_tenant_id).where(PortfolioClient.released_on.is_not(None))
    return set(session.scalars(rows))


def _waiting(column: Any) -> Select[Any]:
    return select(column).where(QueuedReport.state == "waiting")


def lights_of(client: PortfolioClient, today: date, *, waits: bool = False) -> list[str]:
    """The traffic lights of a client on a day; ``waits``: a payment report of his is to be answered."""
    return lights(
        ClientFacts(
            state=client.state,
            started_on=client.started_on,
            cancelled_on=client.cancelled_on,
            next_due_on=client.next_due_on,
            suspends_on=client.suspends_on,
            last_document_on=client.last_document_on,
            rejected_documents=client.rejected_documents,
            certificate_until=client.certificate_until,
            left_out_on=client.left_out_on,
            report_waits=waits,
        ),
        today,
    )


def hear_contract(session: Session, event: LicenceChanged) -> None:
    """The operator tells a contract; what is older than known is left out."""
    told = event.contract
    row = _find(session, told.client_tenant_id)
    if row is None:
        row = PortfolioClient(client_tenant_id=told.client_tenant_id, balance=ZERO, state="order")
        session.add(row)
    elif is_older(told, row):
        return
    is_new = row.contract_id != told.contract_id
    if (
        is_new or row.contract_state != told.state
    ):  # afterwards only money changes it (hear_standing)
        row.on_credit = told.on_credit
    row.contract_id, row.contract_state = told.contract_id, told.state
    row.client_tax_id, row.client_name = told.client_tax_id, told.client_name
    row.client_email, row.owner = told.client_email, dict(told.owner)
    row.plan_id, row.plan_name, row.price = told.plan_id, told.plan_name, told.price
    write_next_plan(row, told)
    row.payment_code = told.payment_code
    row.ordered_on, row.lapses_on = told.ordered_on, told.lapses_on
    row.started_on, row.cancelled_on = told.started_on, told.cancelled_on
    row.left_out_on, row.transfer_to_name = told.left_out_on, told.transfer_to_name
    row.released_on, row.contract_revision = None, told.revision
    read_ahead.keep(row, told.upcoming, told_at=event.changed_at, is_new=is_new)
    session.flush()


def hear_standing(session: Session, event: LicenceStandingChanged) -> None:
    """A client's licence turned. An older turn that arrives late changes nothing.

    Raises ``TryLater`` while the client itself has not arrived.
    """
    row = _find(session, event.client_tenant_id)
    if row is None:
        raise TryLater("the client has not arrived yet", seconds=5)
    if event.revision <= row.standing_revision:
        return
    row.standing_revision = event.revision
    row.state, row.state_since = event.state, event.since
    row.next_due_on, row.suspends_on = event.next_due_on, event.suspends_on
    row.paid_through_on, row.balance = event.paid_through_on, event.balance
    row.last_document_on = event.last_document_on
    row.rejected_documents = event.rejected_documents
    row.certificate_until = event.certificate_until
    if row.on_credit and not event.balance and event.paid_through_on is not None:
        row.on_credit = False  # the credit is paid back


def hear_release(session: Session, event: ClientReleased) -> None:
    """The client went to another distributor: the row stays, out of sight of the lights."""
    row = _find(session, event.client_tenant_id)
    if row is None or (
        row.contract_id == event.contract_id and event.revision < row.contract_revision
    ):
        return
    row.released_on = event.released_on
    if row.contract_id == event.contract_id:
        row.contract_revision = event.revision


def hear_offers(session: Session, event: PlansOffered) -> None:
    """The plans on offer, as told last; others are no longer offered."""
    known = {row.plan_id: row for row in session.scalars(select(Offer))}
    for row in known.values():
        if row.offered_at > event.offered_at:
            return
        row.is_offered = False
    for offer in event.offers:
        row = known.get(offer.plan_id) or Offer(plan_id=offer.plan_id)
        row.name, row.price = offer.name, offer.price
        row.included_minutes, row.entitlements = offer.included_minutes, dict(offer.entitlements)
        row.offered_at, row.is_offered = event.offered_at, True
        session.add(row)


def hear_credit_limit(session: Session, event: CreditLimitSet) -> None:
    """The operator sets the limit; the latest one holds."""
    row = session.scalars(select(CreditLimit)).one_or_none() or CreditLimit(set_at=event.set_at)
    if row.set_at <= event.set_at:
        row.amount, row.set_at = event.limit, event.set_at
        session.add(row)


def read_offers(session: Session) -> list[Offer]:
    """The plans on offer in the scope at hand, cheapest first."""
    return list(
        session.scalars(select(Offer).where(Offer.is_offered).order_by(Offer.price, Offer.name))
    )


def find_offer(session: Session, plan_id: UUID) -> Offer:
    """A plan on offer in the scope at hand. Raises ``NotFound`` for what never was one,
    ``DomainError`` (field ``plan_id``) for one that is no longer offered.
    """
    found = session.scalars(select(Offer).where(Offer.plan_id == plan_id)).one_or_none()
    if found is None:
        raise NotFound
    if not found.is_offered:
        raise DomainError(_("Choose a plan of the list."), code="plan", field="plan_id")
    return found


def add_adviser(session: Session, *, name: str, email: str, phone: str) -> Adviser:
    """An adviser of the distributor in scope; his card is shown to the clients he looks after."""
    address = email.strip().lower()
    if not name.strip():
        raise DomainError(_("Write the adviser's name."), code="adviser_name", field="name")
    if address.count("@") != 1:
        raise DomainError(
            _("The e-mail address is not one: correct it."), code="email", field="email"
        )
    if session.scalar(select(Adviser.id).where(Adviser.email == address)) is not None:
        raise Conflict(
            _("There is an adviser with this e-mail already."), code="adviser", field="email"
        )
    row = Adviser(name=name.strip()[:200], email=address[:200], phone=phone.strip()[:40])
    session.add(row)
    session.flush()
    write_audit(session, action="licensing.adviser", subject_id=row.id)
    return row


def assign_adviser(session: Session, client: PortfolioClient, adviser_id: UUID | None) -> None:
    """Put a client into an adviser's care."""
    if adviser_id is not None and session.get(Adviser, adviser_id) is None:
        raise NotFound
    client.adviser_id = adviser_id


def read_advisers(session: Session) -> list[Adviser]:
    """The advisers of the distributor in scope."""
    return list(session.scalars(select(Adviser).where(Adviser.is_active).order_by(Adviser.name)))


def count_lights(rows: Sequence[PortfolioRow]) -> dict[str, int]:
    """How many clients show each light."""
    counts: dict[str, int] = {}
    for row in rows:
        for name in row.lights:
            counts[name] = counts.get(name, 0) + 1
    return counts


def is_older(told: LicenceContract, row: Licence | PortfolioClient) -> bool:
    """Whether a telling of a contract is out of date: of an earlier contract of the same client, or
    not newer than what is known of this one. Events of two workers arrive in any order.
    """
    if row.contract_id == told.contract_id:
        return told.revision <= row.contract_revision
    return (told.ordered_on, told.contract_id) < (row.ordered_on, row.contract_id)


def write_next_plan(row: Licence | PortfolioClient, told: LicenceContract) -> None:
    """The plan that the licence goes to, and from when; none: nothing is to come."""
    coming = told.next_plan
    row.next_plan_name = coming.name if coming else ""
    row.next_price = coming.price if coming else None
    row.next_plan_on = coming.on if coming else None


def _find(session: Session, client_tenant_id: UUID) -> Any:
    """The row of a client, held to the end of the transaction."""
    return session.scalars(
        select(PortfolioClient)
        .where(PortfolioClient.client_tenant_id == client_tenant_id)
        .with_for_update()
    ).one_or_none()
