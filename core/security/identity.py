"""Who is asking: the person, the active membership and what it permits, read once per request.

Permissions come from one place only: the role rows (``ab_role`` → ``ab_permission_view``) of the role
that the membership of the *active tenant* names. FAB's user-role table stays empty and is not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    ViewMenu,
    assoc_permissionview_role,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.hooks import Tenancy
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.models import Membership, Tenant
from core.security.models import Person


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in person (or the software that holds one of the person's keys)."""

    user_id: int
    name: str
    email: str
    username: str
    stamp: str
    tenancy: Tenancy | None
    tenancies: tuple[Tenancy, ...]
    permissions: frozenset[str]
    via: str = "session"  # session, token, key

    @property
    def scope(self) -> Scope:
        """The database scope of what this identity does."""
        return Scope(
            tenant_id=self.tenancy.tenant_id if self.tenancy else None, user_id=self.user_id
        )


def read_tenancies(session: Session, user_id: int) -> tuple[Tenancy, ...]:
    """The active memberships of the person in scope, by company name.

    Core tables on purpose: the rows belong to many tenants, and row-level security lets a person
    read exactly his or her own.
    """
    member, tenant = Membership.__table__, Tenant.__table__
    rows = session.execute(
        select(tenant.c.id, tenant.c.tax_id, tenant.c.name, tenant.c.kind, member.c.role)
        .join(tenant, tenant.c.id == member.c.tenant_id)
        .where(member.c.user_id == user_id, member.c.is_active)
        .order_by(tenant.c.name, tenant.c.id)
    )
    return tuple(
        Tenancy(tenant_id=row.id, tax_id=row.tax_id, name=row.name, role=row.role, kind=row.kind)
        for row in rows
    )


def read_permissions(session: Session, role: str) -> frozenset[str]:
    """The permission keys (``sales.invoice:issue``) of a role, in one query."""
    rows = session.execute(
        select(ViewMenu.name, Permission.name)
        .select_from(PermissionView)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .join(
            assoc_permissionview_role,
            assoc_permissionview_role.c.permission_view_id == PermissionView.id,
        )
        .join(Role, Role.id == assoc_permissionview_role.c.role_id)
        .where(Role.name == role)
    )
    return frozenset(f"{thing}:{action}" for thing, action in rows)


def read_identity(
    user_id: int, tenant_id: UUID | None, *, stamp: str, via: str = "session"
) -> Identity | None:
    """The identity of a person acting for ``tenant_id``; None when the person is gone, inactive or
    has changed the password since (``stamp``). Without a membership there, no tenant is active.
    """
    with unit_of_work(Scope(user_id=user_id)) as session:
        person = session.execute(
            select(
                Person.first_name,
                Person.last_name,
                Person.email,
                Person.username,
                Person.session_stamp,
                Person.active,
            ).where(Person.id == user_id)
        ).one_or_none()
        if person is None or not person.active or person.session_stamp != stamp:
            return None
        tenancies = read_tenancies(session, user_id)
        active = next((one for one in tenancies if one.tenant_id == tenant_id), None)
        permissions = read_permissions(session, active.role) if active else frozenset()
    return Identity(
        user_id=user_id,
        name=f"{person.first_name} {person.last_name}".strip(),
        email=person.email,
        username=person.username,
        stamp=stamp,
        tenancy=active,
        tenancies=tenancies,
        permissions=permissions,
        via=via,
    )
