"""Who is asking the database: the scope of the code that runs now.

Nobody is the default and sees no tenant's row. The edges (web, jobs, commands) set the scope;
``core.db.session`` hands it to PostgreSQL at the start of every transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Scope:
    """A tenant (or distributor), a person (``ab_user.id``), a receiver's account and identities."""

    tenant_id: UUID | None = None
    user_id: int | None = None
    receiver_ids: tuple[UUID, ...] = ()
    account_id: UUID | None = None
    platform: bool = False  # only inside core.db.session.platform_scope


NOBODY = Scope()
_current: ContextVar[Scope] = ContextVar("scope", default=NOBODY)


def current_scope() -> Scope:
    """The scope of the code that runs now."""
    return _current.get()


@contextmanager
def in_scope(scope: Scope) -> Iterator[None]:
    """Run the block in ``scope``; transactions opened inside carry it."""
    token = _current.set(scope)
    try:
        yield
    finally:
        _current.reset(token)
