"""Two companies with one of everything: what the isolation tests ask for, and may not see.

Each component adds its objects in ``tests/isolation/objects_<component>.py``: a function
``add(side, make)`` that fills ``side.objects`` with ids by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db.scope import Scope
from core.db.session import unit_of_work
from core.models import Branch, CompanyProfile, IssuePoint, Membership, Tenant
from core.security.models import Person


@dataclass
class Side:
    """One company, its objects by name, and who signs in for it (user id by role)."""

    tenant_id: UUID
    tax_id: str
    name: str
    branch_id: UUID
    till_id: UUID
    run_id: UUID
    now: datetime
    letter: str  # "a" or "b": makes names of the two sides differ
    objects: dict[str, Any] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    actors: dict[str, tuple[UUID, int]] = field(
        default_factory=dict
    )  # of other tenants of the side

    def who(self, actor: str) -> tuple[UUID, int]:
        """The tenant and the person (``ab_user.id``) of an actor; a role is one of the company."""
        return self.actors.get(actor) or (self.tenant_id, self.people[actor])

    @property
    def scope(self) -> Scope:
        """The scope of the company."""
        return Scope(tenant_id=self.tenant_id)

    def __getitem__(self, name: str) -> Any:
        return self.objects[name]


@dataclass
class World:
    """Both sides; ``kind`` of the first one is operator so that platform pages have an owner."""

    a: Side
    b: Side

    def swap(self, value: Any) -> Any:
        """The other side's object for one of A's ids; None when ``value`` is no id of A's."""
        for name, mine in self.a.objects.items():
            if str(mine) == str(value) and isinstance(mine, UUID):
                return self.b.objects[name]
        return None


Fields = Callable[[Side], dict[str, Any]]


def nothing(_side: Side) -> dict[str, Any]:
    """No ids, no fields."""
    return {}


@dataclass(frozen=True)
class Case:
    """How the owner of the objects uses a route with success.

    ``ids`` fill the address; ``form`` or ``json`` the body; ``query`` the query. Every id among them is
    replaced, one at a time, by the other company's: the answer must be 404. ``answers`` are the
    statuses of success. ``actor`` is a role of the company, a name of ``Side.actors``, or ``reader``
    for the portal's own cookie. ``stranger`` asks from the other side (default: the same actor there)
    and is answered with one of ``refusals``.
    """

    actor: str = "owner"
    ids: Fields = nothing
    form: Fields | None = None
    json: Fields | None = None
    query: Fields = nothing
    answers: tuple[int, ...] = (200, 201, 202, 204, 303)
    method: str = ""
    files: Fields = nothing
    stranger: str = ""
    refusals: tuple[int, ...] = (404,)


def found_company(tax_id: str, name: str, kind: str = "company") -> tuple[UUID, UUID, UUID, UUID]:
    """A company with a branch and two points: ids of tenant, branch, till and run."""
    with unit_of_work(Scope()) as session:
        row = Tenant(tax_id=tax_id, name=name, kind=kind)
        session.add(row)
        session.flush()
    with unit_of_work(Scope(tenant_id=row.id)) as session:
        branch = Branch(code="001", name="Matriz", address="Quito")
        session.add_all([branch, CompanyProfile(legal_name=name, head_office_address="Quito")])
        session.flush()
        till = IssuePoint(branch_id=branch.id, code="001", purpose="till")
        run = IssuePoint(branch_id=branch.id, code="002", purpose="run")
        session.add_all([till, run])
        session.flush()
    return row.id, branch.id, till.id, run.id


def employ(tenant_id: UUID, role: str, name: str) -> int:
    """A person of a tenant; ``ab_user.id``."""
    with unit_of_work(Scope()) as session:
        person = add_person(session, name)
    with unit_of_work(Scope(tenant_id=tenant_id)) as session:
        session.add(Membership(user_id=person.id, role=role))
    return person.id


def add_person(session: Session, name: str) -> Person:
    """Somebody who may sign in once he is a member somewhere."""
    person = Person(
        first_name=name, last_name="P", username=name.upper(), active=True,
        email=f"{name}@example.com", password="!", session_stamp=name,
    )  # fmt: skip
    session.add(person)
    session.flush()
    return person
