"""Proving who one is: the same rules for the form and for the JSON sign-in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from flask import has_request_context, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.contracts.hooks import Tenancy
from core.db.scope import NOBODY, Scope
from core.db.session import unit_of_work
from core.domain import tax_ids
from core.errors import DomainError
from core.i18n import gettext as _
from core.security import guard, passwords
from core.security.guard import Counter
from core.security.identity import read_tenancies
from core.security.models import Person

ACCOUNT_LIMIT = 5
ADDRESS_LIMIT = 20  # an office behind one address has more than one forgetful person


def account_name(typed: str) -> str:
    """How an account is written: e-mail in lower case; identification in upper case, no spaces or
    hyphens (SM-15).
    """
    return typed.strip().lower() if "@" in typed else tax_ids.normalise(typed)


def counters(typed: str) -> tuple[Counter, Counter]:
    """What an attempt is counted on: the account, known or not, and the network address."""
    return (
        Counter("account", account_name(typed)[:200], ACCOUNT_LIMIT),
        address_counter("address"),
    )


def address_counter(kind: str, limit: int = ADDRESS_LIMIT) -> Counter:
    """The counter of the caller's network address."""
    return Counter(kind, (request.remote_addr or "") if has_request_context() else "", limit)


def find(session: Session, typed: str) -> Person | None:
    """The person of an identification or of a verified e-mail address; both are always looked up."""
    name = account_name(typed)[:320]
    by_number = session.scalar(select(Person).where(Person.username == name.upper()))
    by_mail = session.scalar(
        select(Person).where(
            func.lower(Person.email) == name.lower(), Person.email_verified_at.is_not(None)
        )
    )
    return by_number or by_mail


def authenticate(username: str, password: str, *, now: datetime) -> Person | None:
    """The person whose password this is, or None; takes as long for people who do not exist.

    Raises ``TooMany`` while the account or the address is locked (5 failures, 15 minutes).
    """
    counted = counters(username)
    guard.take(counted, now)
    with unit_of_work(NOBODY) as session:
        person = find(session, username)
        stored = person.password if person is not None and person.active else None
    if not passwords.is_right(stored, password) or person is None:
        ends = guard.lock_if_spent(counted, now)
        if ends is not None:
            raise guard.too_many(ends, now)
        return None
    guard.forgive(
        counted[1:],
        wipe=[*counted[:1], *counters(person.username)[:1], *counters(person.email)[:1]],
    )
    return person


def tenancies_of(user_id: int) -> tuple[Tenancy, ...]:
    """The companies a person works for."""
    with unit_of_work(Scope(user_id=user_id)) as session:
        return read_tenancies(session, user_id)


def choose(tenancies: Sequence[Tenancy], company: str) -> UUID | None:
    """The tenant meant by a typed RUC; the only one when nothing was typed; None: ask.

    Raises ``DomainError`` (the same words as for a wrong password) for a RUC that is not one of his.
    """
    wanted = tax_ids.normalise(company)
    if not wanted:
        return tenancies[0].tenant_id if len(tenancies) == 1 else None
    for one in tenancies:
        if one.tax_id == wanted:
            return one.tenant_id
    raise wrong()


def wrong() -> DomainError:
    """The one refusal of sign-in: it does not tell which part was wrong (SE-29)."""
    return DomainError(
        _(
            "The combination is not correct. Check identification, password and company; the password"
            " distinguishes capital letters (Caps Lock?). If it persists, ask whoever invited you."
        ),
        code="credentials",
        field="username",
    )
