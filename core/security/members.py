"""Who belongs to the company in scope: invite, change the role, let go."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.domain import tax_ids
from core.errors import Conflict, DomainError, NotFound
from core.i18n import gettext as _
from core.models import Membership
from core.security import links
from core.security.models import Person
from core.services import people
from core.services.audit import write_audit

# the first role of each kind of company is the one that may never be left without a person
ROLES_OF_KIND = {
    "operator": ("operator", "salesperson", "accountant", "integrator"),
    "distributor": ("distributor", "adviser", "salesperson", "accountant", "integrator"),
    "company": ("owner", "salesperson", "accountant", "integrator"),
}


def list_members(session: Session) -> list[tuple[Membership, Person]]:
    """Memberships of the company in scope with their people, by name."""
    rows = session.execute(
        select(Membership, Person)
        .join(Person, Person.id == Membership.user_id)
        .order_by(Membership.is_active.desc(), Person.first_name, Person.last_name)
    )
    return [(row[0], row[1]) for row in rows]


def invite_member(
    session: Session,
    *,
    kind: str,
    identification: str,
    first_name: str,
    last_name: str,
    email: str,
    role: str,
    now: datetime,
) -> str:
    """Make a person a member; a person new to Yupana is mailed an activation link after the commit.

    The short code that the person needs besides the link; empty for somebody who has a password.

    Raises:
        DomainError: role, identification or e-mail is not right, or the person has another e-mail.
        Conflict: the person belongs to the company already.
    """
    _check_role(kind, role)
    found = session.scalar(
        select(Person).where(Person.username == tax_ids.normalise(identification))
    )
    if found is not None and found.email.lower() != email.strip().lower():
        raise DomainError(
            _("This person uses another e-mail address here. Ask for it and correct it."),
            code="member.email",
            field="email",
        )
    if not first_name.strip() or not last_name.strip():
        raise DomainError(
            _("Write names and surnames."),
            code="member.name",
            field="last_name" if first_name.strip() else "first_name",
        )
    user_id = (
        found.id
        if found is not None
        else people.create_person(
            session,
            identification=identification,
            first_name=first_name,
            last_name=last_name,
            email=email,
            now=now,
        )
    )
    member = session.scalar(select(Membership).where(Membership.user_id == user_id))
    if member is not None and member.is_active:
        raise Conflict(
            _("This person belongs to the company already: change the role in the list."),
            code="member.exists",
            field="identification",
        )
    people.add_member(session, user_id, role)
    if found is not None and found.password_changed_at is not None:
        return ""
    return links.request_link(session, user_id, "activation", now=now)


def change_role(session: Session, member_id: UUID, role: str, *, kind: str) -> None:
    """Give a member another role; audited. The last person in charge keeps it."""
    _check_role(kind, role)
    member = _get(session, member_id)
    if member.role == role:
        return
    _keep_one_in_charge(session, member, kind)
    write_audit(
        session,
        action="member.role",
        subject_id=member.id,
        details={"user_id": member.user_id, "from": member.role, "to": role},
    )
    member.role = role


def set_active(session: Session, member_id: UUID, *, is_active: bool, kind: str) -> None:
    """Let a member go, or take back; audited. The last person in charge stays."""
    member = _get(session, member_id)
    if member.is_active == is_active:
        return
    if not is_active:
        _keep_one_in_charge(session, member, kind)
    member.is_active = is_active
    write_audit(
        session,
        action="member.activate" if is_active else "member.deactivate",
        subject_id=member.id,
        details={"user_id": member.user_id},
    )


def invite_again(session: Session, member_id: UUID, *, now: datetime) -> str:
    """Mail a fresh activation link to somebody who never chose a password; the new short code."""
    member = _get(session, member_id)
    person = session.get_one(Person, member.user_id)
    if person.password_changed_at is not None:
        raise Conflict(
            _("This person has a password already; “Forgot your password?” makes a new one."),
            code="member.active",
        )
    write_audit(session, action="member.invite", subject_id=member.id)
    return links.request_link(session, person.id, "activation", now=now)


def _get(session: Session, member_id: UUID) -> Membership:
    found = session.scalar(select(Membership).where(Membership.id == member_id))
    if found is None:
        raise NotFound
    return found


def _check_role(kind: str, role: str) -> None:
    if role not in ROLES_OF_KIND[kind]:
        raise DomainError(
            _("This role does not exist in this kind of company: choose one of the list."),
            code="member.role",
            field="role",
        )


def _keep_one_in_charge(session: Session, member: Membership, kind: str) -> None:
    charge = ROLES_OF_KIND[kind][0]
    if member.role != charge or not member.is_active:
        return
    in_charge = session.scalars(
        select(Membership.id)
        .where(Membership.role == charge, Membership.is_active)
        .order_by(Membership.id)
        .with_for_update()
    )
    if not set(in_charge) - {member.id}:
        raise Conflict(
            _("Somebody must stay in charge of the company: name another person first."),
            code="member.last",
        )
