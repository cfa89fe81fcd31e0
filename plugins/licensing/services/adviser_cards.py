"""The card of who helps a client: its own adviser when one looks after it, else its distributor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.contracts.events import AdviserAssigned
from core.db.events import emit
from core.db.tenancy import scope_of
from core.errors import TryLater
from plugins.licensing.models import Adviser, Licence, PortfolioClient
from plugins.licensing.services.keep_portfolio import assign_adviser
from plugins.licensing.services.standing import find_licence


@dataclass(frozen=True, slots=True)
class Card:
    """Whom to ask; ``is_adviser``: a person of the distributor, not the distributor itself."""

    name: str
    phone: str
    email: str
    is_adviser: bool

    @property
    def dial(self) -> str:
        """The number as a telephone wants it."""
        return "".join(sign for sign in self.phone if sign.isdigit() or sign == "+")


def put_in_care(
    session: Session, client: PortfolioClient, adviser_id: UUID | None, *, now: datetime
) -> None:
    """Put a client of the distributor in scope into an adviser's care; the client gets the card.

    Raises ``NotFound`` for an adviser of others.
    """
    assign_adviser(session, client, adviser_id)
    adviser = session.get(Adviser, adviser_id) if adviser_id is not None else None
    own = scope_of(session).tenant_id
    if own is None:
        raise RuntimeError("a distributor is in scope")
    told = AdviserAssigned(
        client_tenant_id=client.client_tenant_id,
        distributor_id=own,
        name=adviser.name if adviser else "",
        email=adviser.email if adviser else "",
        phone=adviser.phone if adviser else "",
        told_at=now,
    )
    emit(session, told, to=client.client_tenant_id, now=now)


def hear_adviser(session: Session, event: AdviserAssigned) -> None:
    """The distributor tells the adviser; what is older than known is left out.

    Raises ``TryLater`` while the licence has not arrived.
    """
    licence = find_licence(session, lock=True)
    if licence is None:
        raise TryLater("the licence has not arrived yet", seconds=5)
    if licence.adviser_told_at is not None and licence.adviser_told_at > event.told_at:
        return
    licence.adviser_told_at = event.told_at
    licence.adviser = {
        "distributor_id": str(event.distributor_id),
        "name": event.name,
        "email": event.email,
        "phone": event.phone,
    }


def read_card(licence: Licence) -> Card | None:
    """Who helps the client; an adviser of an earlier distributor no longer does. None: nobody is known."""
    adviser = licence.adviser or {}
    if adviser.get("name") and adviser.get("distributor_id") == str(licence.distributor_id):
        return Card(adviser["name"], adviser["phone"], adviser["email"], is_adviser=True)
    contact = licence.contact or {}
    if not any(contact.get(part) for part in ("name", "phone", "email")):
        return None
    return Card(
        contact.get("name", ""),
        contact.get("phone", ""),
        contact.get("email", ""),
        is_adviser=False,
    )
