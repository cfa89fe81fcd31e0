"""Sign-ins of receivers and what they may read."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.session import also_as_receivers
from core.errors import DomainError, NotFound
from core.i18n import _
from core.security.passwords import check_policy
from plugins.customer_portal.domain.identities import canonical, identity_of
from plugins.customer_portal.models import Account, Grant
from plugins.customer_portal.services.links import Invitation

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's smaller profile
_NOBODYS_HASH = _HASHER.hash("nobody has this one")


def find_account(session: Session, email: str) -> Account | None:
    """The account of an address, in any case of letters."""
    return session.scalar(select(Account).where(Account.email == email.strip().lower()))


def sign_in(session: Session, typed: str, password: str, *, now: datetime) -> Account | None:
    """The account whose password this is; None otherwise. As slow for addresses nobody has.

    ``typed`` is an e-mail address. Whoever calls counts the attempts.
    """
    account = find_account(session, typed)
    try:
        _HASHER.verify(account.password_hash if account else _NOBODYS_HASH, password)
    except (VerificationError, InvalidHashError):
        return None
    if account is not None:
        account.last_seen_at = now
    return account


def set_password(session: Session, account: Account, password: str, again: str) -> None:
    """Choose a password; every open session and every mailed link of the account ends.

    Raises ``DomainError`` naming what the password lacks (SE-37, CF-13).
    """
    check_policy(password, again=again)
    account.password_hash = _HASHER.hash(password)
    account.stamp = secrets.token_hex(8)


def open_account(session: Session, email: str, password: str, again: str) -> Account:
    """Make the account of an address that has been proved. Raises ``DomainError``."""
    if find_account(session, email) is not None:
        raise DomainError(
            _("This address has a password already: sign in with it, or ask for a new one."),
            code="portal.known",
            field="email",
        )
    account = Account(email=email.strip().lower(), password_hash="", stamp="")
    set_password(session, account, password, again)
    session.add(account)
    session.flush()
    return account


def accept(session: Session, account: Account, invitation: Invitation) -> None:
    """Let the account read what the invitation is about, if it was written to its address.

    Raises ``DomainError`` when the mail went to somebody else.
    """
    if invitation.email != account.email:
        raise DomainError(
            _(
                "This link was mailed to another address. Sign in with that one, or ask for a new link."
            ),
            code="portal.not_yours",
        )
    receiver_id = identity_of(invitation.tax_id)
    number = canonical(invitation.tax_id)
    if receiver_id is None or number is None:
        return
    known = {grant.receiver_id for grant in grants_of(session, account.id)}
    if receiver_id not in known:
        with also_as_receivers(session, (receiver_id,)):
            session.add(
                Grant(
                    receiver_id=receiver_id,
                    account_id=account.id,
                    tax_id=number,
                    via=invitation.via,
                )
            )


def grants_of(session: Session, account_id: UUID) -> list[Grant]:
    """What the account in scope may read, oldest first."""
    return list(
        session.scalars(
            select(Grant).where(Grant.account_id == account_id).order_by(Grant.created_at)
        )
    )


def readers_of(session: Session, receiver_id: UUID) -> list[tuple[UUID, str, datetime]]:
    """(account id, address, since) of everybody who reads an identity in scope."""
    rows = session.execute(
        select(Account.id, Account.email, Grant.created_at)
        .join(Grant, Grant.account_id == Account.id)
        .where(Grant.receiver_id == receiver_id)
        .order_by(Grant.created_at)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def revoke(session: Session, receiver_id: UUID, account_id: UUID) -> None:
    """Take one reader's right away; the last reader stays. Raises ``DomainError``, ``NotFound``."""
    readers = readers_of(session, receiver_id)
    if account_id not in {reader[0] for reader in readers}:
        raise NotFound
    if len(readers) <= 1:
        raise DomainError(
            _("You are the only person who reads these documents: invite somebody else first."),
            code="portal.last_reader",
        )
    for grant in session.scalars(
        select(Grant).where(Grant.receiver_id == receiver_id, Grant.account_id == account_id)
    ):
        session.delete(grant)
