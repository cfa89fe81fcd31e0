"""People: one ``ab_user`` each, with a membership in every company they work in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from core.domain import tax_ids
from core.errors import Conflict, DomainError
from core.i18n import _
from core.ids import new_id
from core.models import ROLES, Membership
from core.security.models import OneTimeLink, Person
from core.services import limits
from core.services.audit import write_audit

INVITATION_LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is told to an invited person, by two channels: the link's token and a short code."""

    token: str
    code: str
    expires_at: datetime


def find_person(session: Session, name: str) -> Person | None:
    """By identification or by e-mail, whatever the case and the spaces."""
    wanted = or_(
        Person.username == tax_ids.normalise(name), func.lower(Person.email) == name.strip().lower()
    )
    return session.scalar(select(Person).where(wanted))


def create_person(
    session: Session,
    *,
    identification: str,
    first_name: str,
    last_name: str,
    email: str,
    now: datetime,
    password: str | None = None,
) -> int:
    """Create a person; the ``ab_user`` id. Without a password nobody can sign in until one is set
    through an invitation.

    Raises:
        DomainError: the identification or the e-mail is not one.
        Conflict: somebody has this identification or e-mail.
    """
    number, address = _names(session, identification, email)
    person = Person(
        first_name=first_name.strip()[:64],
        last_name=last_name.strip()[:64],
        username=number,
        email=address,
        active=True,
        password=generate_password_hash(password) if password else "",
        password_changed_at=now if password else None,
        email_verified_at=now if password else None,
        session_stamp=secrets.token_hex(8),
    )
    session.add(person)
    session.flush()
    return int(person.id)


def rename_person(session: Session, user_id: int, *, identification: str, email: str) -> None:
    """Change what a person signs in with: identification and e-mail (PW-27); audited.

    A new e-mail opens the door once a link that was sent to it has been used.

    Raises:
        DomainError: the identification or the e-mail is not one.
        Conflict: somebody else has this identification or e-mail.
    """
    number, address = _names(session, identification, email, but=user_id)
    session.execute(
        update(Person)
        .where(Person.id == user_id)
        .values(
            username=number,
            email=address,
            email_verified_at=case((Person.email == address, Person.email_verified_at)),
        ),
        execution_options={"synchronize_session": False},
    )
    write_audit(session, action="person.rename", details={"user_id": user_id})


def _names(
    session: Session, identification: str, email: str, *, but: int | None = None
) -> tuple[str, str]:
    """Identification and e-mail as they are kept, right and nobody's (of others than ``but``)."""
    number = tax_ids.normalise(identification)
    if tax_ids.type_of(number) in (None, tax_ids.FINAL_CONSUMER):
        raise DomainError(
            _("The identification is no cédula, RUC or passport: correct it."),
            code="identification",
            field="identification",
        )
    address = email.strip().lower()
    if address.count("@") != 1 or not all(address.split("@")) or any(c.isspace() for c in address):
        raise DomainError(
            _("The e-mail address is not one: correct it."), code="email", field="email"
        )
    taken = select(Person.id).where(
        or_(Person.username == number, func.lower(Person.email) == address),
        Person.id.is_distinct_from(but),
    )
    if session.scalar(taken) is not None:
        raise Conflict(
            _("There is a person with this identification or e-mail already."),
            code="person_exists",
            field="identification",
        )
    return number, address


def membership(session: Session, user_id: int) -> Membership | None:
    """What a person is in the company in scope, also when the company has closed the access."""
    return session.scalar(select(Membership).where(Membership.user_id == user_id))


def add_member(session: Session, user_id: int, role: str) -> UUID:
    """Make a person a member of the company in scope, or change the role; audited.

    Raises:
        DomainError: there is no such role, or the plan holds no more people.
    """
    if role not in ROLES:
        raise DomainError(
            _("There is no role %(role)s: choose one of the list.", role=role),
            code="role",
            field="role",
        )
    found = membership(session, user_id)
    if found is None or not found.is_active:
        limits.require_room(session, "users")
    if found is None:
        found = Membership(id=new_id(), user_id=user_id, role=role)
        session.add(found)
    found.role, found.is_active = role, True
    session.flush()
    write_audit(session, action="member.add", reason=role, details={"user_id": user_id})
    return found.id


def invite(session: Session, user_id: int, *, now: datetime) -> Invitation:
    """A link with which the person sets the first password: single use, seven days, and a short code.

    Only hashes are stored. Earlier links of the person end.
    """
    open_links = select(OneTimeLink).where(
        OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None)
    )
    for link in session.scalars(open_links):
        link.used_at = now
    token, code = secrets.token_urlsafe(32), f"{secrets.randbelow(1_000_000):06d}"
    made = OneTimeLink(
        user_id=user_id,
        purpose="activation",
        token_hash=hashlib.sha256(token.encode()).hexdigest(),
        code_hash=hashlib.sha256(f"{token}:{code}".encode()).hexdigest(),
        expires_at=now + INVITATION_LASTS,
    )
    session.add(made)
    session.flush()
    return Invitation(token, code, made.expires_at)
