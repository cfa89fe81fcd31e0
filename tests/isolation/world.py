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

from core.db.scope import Scope


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
    statuses of success. ``actor`` is a role, or ``reader`` for the portal's own cookie.
    """

    actor: str = "owner"
    ids: Fields = nothing
    form: Fields | None = None
    json: Fields | None = None
    query: Fields = nothing
    answers: tuple[int, ...] = (200, 201, 202, 204, 303)
    method: str = ""
    files: Fields = nothing
