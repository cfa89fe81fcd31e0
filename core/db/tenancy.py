"""The first of two fences between tenants; the second is row-level security (``rls.py``).

Every SELECT on a tenant's table is filtered by the session's scope; every flush stamps new rows and
refuses rows of another tenant.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint, event, inspect
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    with_loader_criteria,
)

from core.db.scope import Scope, current_scope
from core.db.types import UtcDateTime
from core.ids import new_id


class ForeignTenantError(RuntimeError):
    """Code tried to write a row of a tenant that is not in scope: a bug, never user input."""


def utc_now() -> datetime:
    """Default of ``created_at``: when the row was written, by the machine's clock."""
    return datetime.now(UTC)


class TenantMixin:
    """Columns of every row that belongs to one tenant.

    Every class lists ``*tenant_args()`` first in ``__table_args__`` and refers to other
    tenant tables with ``tenant_ref``: composite foreign keys ``(tenant_id, x_id)``. One whose rows
    cannot be without such a reference lists ``*child_args()``, or nothing where nobody refers to it.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


def scope_of(session: Session) -> Scope:
    """The scope a session's transaction was begun with."""
    scope: Scope = session.info.get("scope") or current_scope()
    return scope


@event.listens_for(Session, "do_orm_execute")
def _read_only_own_rows(state: ORMExecuteState) -> None:
    if not state.is_select or state.is_column_load or state.is_relationship_load:
        return
    scope = scope_of(state.session)
    if scope.platform:
        return
    tenant = scope.tenant_id
    state.statement = state.statement.options(
        with_loader_criteria(TenantMixin, lambda cls: cls.tenant_id == tenant, include_aliases=True)
    )


@event.listens_for(Session, "before_flush")
def _write_only_own_rows(session: Session, *_: Any) -> None:
    scope = scope_of(session)
    for row in session.new:
        if isinstance(row, TenantMixin):
            if row.tenant_id is None:
                if scope.tenant_id is None:
                    raise ForeignTenantError(
                        f"{type(row).__name__} written with no tenant in scope"
                    )
                row.tenant_id = scope.tenant_id
            elif row.tenant_id != scope.tenant_id:
                raise ForeignTenantError(f"new {type(row).__name__} of another tenant")
    for row in (*session.dirty, *session.deleted):
        if isinstance(row, TenantMixin):
            before = inspect(row).attrs.tenant_id.history
            owners = {*before.unchanged, *before.added, *before.deleted} - {None}
            if owners - {scope.tenant_id}:
                raise ForeignTenantError(f"changed {type(row).__name__} of another tenant")


def tenant_args() -> tuple[UniqueConstraint, ForeignKeyConstraint]:
    """What every tenant table has: the key that composite foreign keys point at, and its tenant."""
    return (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id"], ["core_tenant.id"]),
    )


def child_args() -> tuple[UniqueConstraint]:
    """``tenant_args`` of a table whose rows always refer to another row of the tenant (and are
    referred to themselves): that row has proved the tenant, and a second foreign key would be checked for every row all the same.
    """
    return (UniqueConstraint("tenant_id", "id"),)


def tenant_ref(column: str, table: str, **options: Any) -> ForeignKeyConstraint:
    """A reference to a row of the same tenant: ``(tenant_id, column) -> table(tenant_id, id)``.

    Foreign-key checks bypass row-level security, so the tenant is part of the key.
    """
    return ForeignKeyConstraint(
        ["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], **options
    )
