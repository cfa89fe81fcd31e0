"""The PIN of a salesperson: set, check, lock. The PIN itself is never stored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.services import secrets as vault
from core.services.audit import write_audit
from plugins.sales.domain.pins import (
    FREE_TRIES,
    LINK_LIFE,
    check_new_pin,
    lock_after,
    pepper_pin,
)
from plugins.sales.models import Salesperson

PEPPER = "sales.pin_pepper"
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@dataclass(frozen=True, slots=True)
class PinAnswer:
    """Did the PIN fit? ``locked_until`` says when the next attempt is possible."""

    is_right: bool
    has_pin: bool = True
    locked_until: datetime | None = None
    tries_left: int = 0


def check_pin(session: Session, salesperson_id: UUID, pin: str, *, now: datetime) -> PinAnswer:
    """Check ``pin`` and count a wrong one. Does not raise for a wrong PIN: the count must be
    committed, so the caller answers and lets the transaction end well. ``NotFound`` for a foreign id.
    """
    row = session.execute(
        select(Salesperson.pin_hash, Salesperson.failures, Salesperson.locked_until)
        .where(Salesperson.id == salesperson_id, Salesperson.is_active)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound
    if row.locked_until is not None and row.locked_until > now:
        return PinAnswer(is_right=False, locked_until=row.locked_until)
    if not row.pin_hash:
        return PinAnswer(is_right=False, has_pin=False)
    if _fits(row.pin_hash, pepper_pin(pin, _pepper(session))):
        if row.failures or row.locked_until:
            _count(session, salesperson_id, 0, None)
        return PinAnswer(is_right=True)
    failures = row.failures + 1
    until = lock_after(failures, now)
    _count(session, salesperson_id, failures, until)
    if until is not None:
        write_audit(
            session, action="sales.pin_locked", reason="wrong PIN", subject_id=salesperson_id
        )
    return PinAnswer(is_right=False, locked_until=until, tries_left=max(0, FREE_TRIES - failures))


def _fits(stored: str, given: str) -> bool:
    try:
        return _hasher.verify(stored, given)
    except VerifyMismatchError:
        return False


def _count(session: Session, salesperson_id: UUID, failures: int, until: datetime | None) -> None:
    session.execute(
        update(Salesperson)
        .where(Salesperson.id == salesperson_id)
        .values(failures=failures, locked_until=until)
    )


def _pepper(session: Session) -> bytes:
    pepper = vault.get(session, PEPPER)
    if pepper is None:
        pepper = secrets.token_bytes(32)
        vault.put(session, PEPPER, pepper)
    return pepper


def create_salesperson(
    session: Session, *, name: str, email: str = "", user_id: int | None = None
) -> UUID:
    """Add a salesperson without a PIN. Raises ``DomainError``, ``Conflict`` for a name in use."""
    tidy = " ".join(name.split())
    if not 0 < len(tidy) <= 120:
        raise DomainError(
            _("The name takes 1 to 120 characters. Write it as the screen should show it."),
            code="bad_name",
            field="name",
        )
    if session.scalar(select(Salesperson.id).where(Salesperson.name == tidy)) is not None:
        raise Conflict(
            _("Another salesperson has this name. Add a surname or an initial."),
            code="name_taken",
            field="name",
        )
    stored = Salesperson(id=new_id(), name=tidy, email=email.strip()[:200], user_id=user_id)
    session.add(stored)
    session.flush()
    return stored.id


def set_pin(
    session: Session, salesperson_id: UUID, pin: str, *, now: datetime, is_demo: bool = False
) -> None:
    """Give the salesperson a PIN and lift a lock. A literal demo PIN such as ``01`` needs ``is_demo``.

    Raises ``DomainError`` for a PIN that is too short or too easy.
    """
    if not is_demo:
        check_new_pin(pin)
    changed = session.execute(
        update(Salesperson)
        .where(Salesperson.id == salesperson_id)
        .values(
            pin_hash=_hasher.hash(pepper_pin(pin, _pepper(session))),
            pin_set_at=now,
            failures=0,
            locked_until=None,
            link_hash="",
            link_expires_at=None,
        )
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound
    write_audit(session, action="sales.pin_set", subject_id=salesperson_id)


def make_pin_link(session: Session, salesperson_id: UUID, *, now: datetime) -> str:
    """A one-time token with which the salesperson sets the own PIN within 48 hours."""
    token = secrets.token_urlsafe(24)
    changed = session.execute(
        update(Salesperson)
        .where(Salesperson.id == salesperson_id)
        .values(link_hash=_digest(token), link_expires_at=now + LINK_LIFE)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound
    return token


def open_pin_link(session: Session, salesperson_id: UUID, token: str, *, now: datetime) -> str:
    """The name behind a one-time link. Raises ``NotFound`` when used, expired or forged."""
    row = session.execute(
        select(Salesperson.name, Salesperson.link_hash, Salesperson.link_expires_at).where(
            Salesperson.id == salesperson_id
        )
    ).one_or_none()
    if (
        row is None
        or not row.link_hash
        or row.link_expires_at is None
        or row.link_expires_at <= now
        or not secrets.compare_digest(row.link_hash, _digest(token))
    ):
        raise NotFound(_("This link was used or has expired. Ask for a new one."))
    return str(row.name)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
