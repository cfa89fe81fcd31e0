"""Support hours: the client asks and accepts, the distributor quotes and works, the operator charges."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import at_local, to_local_date
from core.contracts.events import SupportTicketChanged, SupportWalletChanged
from core.contracts.licences import SupportTicket
from core.db.events import emit
from core.errors import Conflict, DomainError, NotFound, TryLater
from core.i18n import _
from core.ids import new_id
from core.models import Tenant
from core.services import settings, tax_rates
from plugins.licensing.domain.support import (
    PER_DAY,
    SupportCharge,
    charge_ticket,
    charged_so_far,
)
from plugins.licensing.models import Licence, PortfolioClient, Ticket, Wallet
from plugins.licensing.services.parties import operator_id
from plugins.licensing.services.standing import find_licence

IVA, GENERAL_RATE = "2", "4"
FIELDS = {
    "client": ("subject", "accepted_at"),
    "distributor": ("quoted_minutes", "quoted_at", "running_since", "seconds", "closed_at"),
    "operator": ("from_wallet", "charged_hours", "charged_net"),
}
LONGEST_QUOTE = 40 * 60  # minutes


def open_ticket(session: Session, subject: str, *, now: datetime) -> Ticket:
    """A client asks for support hours."""
    licence = _licence(session)
    if not subject.strip():
        raise DomainError(_("Say in a few words what you need."), code="subject", field="subject")
    client = session.get_one(Tenant, licence.tenant_id)
    row = Ticket(
        ticket_id=new_id(),
        client_tenant_id=client.id,
        client_name=client.name,
        distributor_id=licence.distributor_id,
        subject=subject.strip()[:300],
        opened_at=now,
        seconds=0,
    )
    session.add(row)
    session.flush()
    _tell(session, row, by="client", now=now)
    return row


def quote_ticket(session: Session, ticket_id: UUID, minutes: int, *, now: datetime) -> Ticket:
    """The distributor says how long it will take at most; nothing is charged beyond it."""
    row = find_ticket(session, ticket_id)
    if not 0 < minutes <= LONGEST_QUOTE:
        raise DomainError(
            _("Write the minutes it will take, between 1 and 2400."),
            code="minutes",
            field="minutes",
        )
    if row.closed_at is not None or row.running_since is not None:
        raise Conflict(_("This ticket is closed or its timer runs."), code="ticket_quote_refused")
    row.quoted_minutes, row.quoted_at, row.accepted_at = minutes, now, None
    _tell(session, row, by="distributor", now=now)
    return row


def accept_quote(session: Session, ticket_id: UUID, *, now: datetime) -> Ticket:
    """The client accepts: only now the timer may run."""
    row = find_ticket(session, ticket_id)
    if row.quoted_minutes is None or row.accepted_at is not None or row.closed_at is not None:
        raise Conflict(_("There is no quote to accept."), code="ticket_accept_refused")
    row.accepted_at = now
    _tell(session, row, by="client", now=now)
    return row


def switch_timer(session: Session, ticket_id: UUID, *, now: datetime) -> Ticket:
    """The distributor starts or pauses the timer; both sides see it."""
    row = find_ticket(session, ticket_id)
    if row.closed_at is not None or row.accepted_at is None:
        raise Conflict(
            _("The timer runs once the client has accepted the quote."), code="ticket_timer_refused"
        )
    if row.running_since is None:
        row.running_since = now
    else:
        row.seconds += max(int((now - row.running_since).total_seconds()), 0)
        row.running_since = None
    _tell(session, row, by="distributor", now=now)
    return row


def close_ticket(session: Session, ticket_id: UUID, *, now: datetime) -> Ticket:
    """The work is done: the operator takes it from the wallet and charges the rest on the next run."""
    row = find_ticket(session, ticket_id)
    if row.closed_at is not None:
        raise Conflict(_("This ticket is closed already."), code="ticket_closed")
    if row.running_since is not None:
        switch_timer(session, ticket_id, now=now)
    row.closed_at = now
    _tell(session, row, by="distributor", now=now)
    return row


def billed_minutes(row: Ticket) -> int:
    """Started minutes, at most what was quoted and accepted: 61 s are 2 minutes."""
    minutes = -(-row.seconds // 60)
    return min(minutes, row.quoted_minutes or 0) if row.accepted_at else 0


def estimate(session: Session, row: Ticket, wallet_minutes: int, *, now: datetime) -> SupportCharge:
    """What the quote costs at most, with the minutes of the wallet that no earlier acceptance holds."""
    rate = tax_rates.rate(session, IVA, GENERAL_RATE, to_local_date(now))
    left = max(wallet_minutes - _held_minutes(session, row), 0)
    return charge_ticket(row.quoted_minutes or 0, left, tax_rate=rate)


def minutes_so_far(row: Ticket, *, now: datetime) -> int:
    """Started minutes of the timer, at most what was quoted: beyond it nothing counts."""
    running = int((now - row.running_since).total_seconds()) if row.running_since else 0
    minutes = -(-(row.seconds + max(running, 0)) // 60)
    return minutes if row.quoted_minutes is None else min(minutes, row.quoted_minutes)


def _held_minutes(session: Session, row: Ticket) -> int:
    """Minutes that tickets accepted before this one may still take from the wallet: what a client accepts
    is what he pays at most, whichever ticket is closed first.
    """
    others = session.scalars(
        select(Ticket).where(
            Ticket.client_tenant_id == row.client_tenant_id,
            Ticket.id != row.id,
            Ticket.accepted_at.is_not(None),
            Ticket.from_wallet.is_(None),
        )
    )
    return sum(
        billed_minutes(one) if one.closed_at else one.quoted_minutes or 0
        for one in others
        if row.accepted_at is None or (one.accepted_at or one.opened_at) < row.accepted_at
    )


def hear_ticket(session: Session, event: SupportTicketChanged, *, now: datetime) -> None:
    """Another side filled its part. At the operator a closed ticket is settled, once."""
    told = event.ticket
    row = session.scalars(
        select(Ticket).where(Ticket.ticket_id == told.ticket_id).with_for_update()
    ).one_or_none()
    if row is None:
        row = Ticket(
            ticket_id=told.ticket_id,
            client_tenant_id=told.client_tenant_id,
            client_name=told.client_name,
            distributor_id=told.distributor_id,
            subject=told.subject,
            opened_at=told.opened_at,
            seconds=0,
            heard={},
        )
        session.add(row)
    spoken_at = event.changed_at.isoformat()
    if row.heard.get(event.by, "") > spoken_at:  # its side has said something newer since
        return
    row.heard = {**row.heard, event.by: spoken_at}
    for field in FIELDS[event.by]:
        setattr(row, field, getattr(told, field))
    if event.by == "distributor" and told.quoted_at and row.accepted_at:
        row.accepted_at = row.accepted_at if row.accepted_at >= told.quoted_at else None
    session.flush()
    is_settled = row.from_wallet is not None
    if row.closed_at is not None and not is_settled and _is_operator(session, row):
        settle_ticket(session, row, now=now)


def settle_ticket(session: Session, row: Ticket, *, now: datetime) -> None:
    """Wallet first; the rest is invoiced by the next run (US$ 25 per hour or fraction)."""
    wallet = session.scalars(
        select(Wallet).where(Wallet.client_tenant_id == row.client_tenant_id).with_for_update()
    ).one_or_none()
    left = wallet.granted - wallet.used if wallet else 0
    rate = tax_rates.rate(session, IVA, GENERAL_RATE, to_local_date(now))
    so_far = _charged_that_day(session, row)
    free = max(left - _held_minutes(session, row), 0)
    charge = charge_ticket(billed_minutes(row), free, tax_rate=rate, so_far=so_far)
    if wallet is not None:
        wallet.used += charge.from_wallet
        left = wallet.granted - wallet.used
    row.from_wallet, row.charged_hours, row.charged_net = (
        charge.from_wallet,
        charge.hours,
        charge.net,
    )
    session.flush()
    _tell(session, row, by="operator", now=now)
    turn = wallet.granted + wallet.used if wallet else 0
    told = SupportWalletChanged(row.client_tenant_id, left, changed_at=now, revision=turn)
    for party in {row.client_tenant_id, row.distributor_id} - {None}:
        emit(session, told, to=party, now=now)


def _charged_that_day(session: Session, row: Ticket) -> tuple[int, int]:
    """Minutes and hours charged to the client on the day the ticket was closed, where hours accumulate
    per day (A-25); nothing where each ticket counts alone.
    """
    rounding = str(settings.read(session, "billing.support_rounding"))
    if row.closed_at is None or rounding != PER_DAY:  # then nothing is looked up
        return 0, 0
    begin = at_local(to_local_date(row.closed_at))
    others = session.scalars(
        select(Ticket).where(
            Ticket.client_tenant_id == row.client_tenant_id,
            Ticket.id != row.id,
            Ticket.from_wallet.is_not(None),
            Ticket.closed_at >= begin,
            Ticket.closed_at < begin + timedelta(days=1),
        )
    ).all()
    return charged_so_far(
        rounding,
        [(billed_minutes(one) - (one.from_wallet or 0), one.charged_hours or 0) for one in others],
    )


def hear_wallet(session: Session, event: SupportWalletChanged) -> None:
    """The minutes left, at the client and at its distributor.

    Raises ``TryLater`` while the licence itself has not arrived.
    """
    licence = session.scalars(
        select(Licence).where(Licence.tenant_id == event.client_tenant_id).with_for_update()
    ).one_or_none()
    client = session.scalars(
        select(PortfolioClient)
        .where(PortfolioClient.client_tenant_id == event.client_tenant_id)
        .with_for_update()
    ).one_or_none()
    if licence is None and client is None:
        raise TryLater("the licence has not arrived yet", seconds=5)
    for row in (licence, client):
        if row is not None and event.revision >= row.wallet_revision:
            row.wallet_minutes, row.wallet_revision = event.minutes_left, event.revision


def find_ticket(session: Session, ticket_id: UUID) -> Ticket:
    """A ticket of the scope at hand. Raises ``NotFound``."""
    found = session.scalars(
        select(Ticket).where(Ticket.ticket_id == ticket_id).with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def read_tickets(session: Session) -> list[Ticket]:
    """The tickets of the scope at hand, open ones first."""
    rows = select(Ticket).order_by(Ticket.closed_at.desc().nulls_first(), Ticket.opened_at.desc())
    return list(session.scalars(rows.limit(100)))


def _tell(session: Session, row: Ticket, *, by: str, now: datetime) -> None:
    ticket = SupportTicket(
        ticket_id=row.ticket_id,
        client_tenant_id=row.client_tenant_id,
        client_name=row.client_name,
        distributor_id=row.distributor_id,
        subject=row.subject,
        opened_at=row.opened_at,
        **{
            field: getattr(row, field)
            for part in FIELDS.values()
            for field in part
            if field != "subject"
        },
    )
    event = SupportTicketChanged(ticket, by=by, changed_at=now)
    parties: dict[str, Any] = {
        "client": row.client_tenant_id,
        "distributor": row.distributor_id,
        "operator": operator_id(session),
    }
    for side, party in parties.items():
        if side != by and party is not None:
            emit(session, event, to=party, now=now)


def _is_operator(session: Session, row: Ticket) -> bool:
    return row.tenant_id == operator_id(session)


def _licence(session: Session) -> Licence:
    licence = find_licence(session)
    if licence is None:
        raise NotFound(_("This company has no licence."))
    return licence
