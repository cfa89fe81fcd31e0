"""The own PIN of a person who can sign in, chosen at the first access (``SellerPins``)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from plugins.sales.models import Salesperson
from plugins.sales.services.check_pins import check_new_pin, create_salesperson, set_pin

NAME_LENGTH = 120


def lacks_pin(session: Session, user_id: int) -> bool:
    """Whether no salesperson of this person has a PIN in the company in scope."""
    has_one = exists().where(Salesperson.user_id == user_id, Salesperson.pin_set_at.is_not(None))
    return not session.scalar(select(has_one))


def choose_pin(
    session: Session, user_id: int, pin: str, *, name: str, email: str, now: datetime
) -> None:
    """Give the person a PIN; who sells and was not there yet becomes a salesperson.

    The row that the owner made beforehand is taken when name and e-mail are the person's. Raises
    ``DomainError`` (field ``pin``) before anything is written.
    """
    check_new_pin(pin)
    tidy = " ".join(name.split())[: NAME_LENGTH - 4].strip() or email[: NAME_LENGTH - 4]
    seller = session.scalars(
        select(Salesperson).where(Salesperson.user_id == user_id).order_by(Salesperson.id).limit(1)
    ).one_or_none() or _made_beforehand(session, tidy, email)
    if seller is None:
        made = create_salesperson(
            session, name=_free_name(session, tidy), email=email, user_id=user_id
        )
    else:
        made = seller.id
        seller.user_id = user_id
        session.flush()
    set_pin(session, made, pin, now=now)


def _made_beforehand(session: Session, name: str, email: str) -> Salesperson | None:
    """A salesperson of nobody who signs in yet, with this name and e-mail, still without a PIN."""
    return session.scalars(
        select(Salesperson).where(
            Salesperson.name == name,
            Salesperson.email == email,
            Salesperson.email != "",
            Salesperson.user_id.is_(None),
            Salesperson.pin_set_at.is_(None),
        )
    ).one_or_none()


def _free_name(session: Session, name: str) -> str:
    taken = set(session.scalars(select(Salesperson.name).where(Salesperson.name.startswith(name))))
    numbered = (name, *(f"{name} {number}" for number in range(2, 1000)))
    return next(one for one in numbered if one not in taken)
