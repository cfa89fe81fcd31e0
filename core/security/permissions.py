"""Roles and what they may do, declared in code and written once by ``yupana db upgrade``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask_appbuilder.security.sqla.models import (
    Permission as PermissionRow,
)
from flask_appbuilder.security.sqla.models import (
    PermissionView,
    Role,
    ViewMenu,
    assoc_permissionview_role,
)
from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.orm import Session

from core.contracts.hooks import Permission
from core.models import ROLES

if TYPE_CHECKING:
    from core.plugins import Host

PUBLIC_ROLE = "Public"  # FAB's role for strangers; it never has a permission
_STAFF = ("operator", "distributor", "owner")
_OFFICE = (*_STAFF, "adviser", "accountant")

CORE_PERMISSIONS: tuple[Permission, ...] = (
    Permission("core.company", "read", (*_OFFICE, "salesperson", "integrator")),
    Permission("core.company", "write", _STAFF),
    Permission("core.numbering", "read", _OFFICE),
    Permission("core.numbering", "write", _STAFF),
    Permission("core.members", "read", _STAFF),
    Permission("core.members", "write", _STAFF),
    Permission("core.api_keys", "read", (*_STAFF, "integrator")),
    Permission("core.api_keys", "write", (*_STAFF, "integrator")),
    Permission("core.settings", "read", _STAFF),
    Permission("core.settings", "write", _STAFF),
    Permission("core.audit", "read", (*_STAFF, "accountant")),
    Permission("core.platform", "read", ("operator",)),
    Permission("core.platform", "write", ("operator",)),
)


def declared(host: Host) -> dict[str, Permission]:
    """Every permission of core and the loaded plugins, by key."""
    listed = [*CORE_PERMISSIONS]
    for plugin in host.plugins:
        listed.extend(plugin.info.permissions)
    return {one.key: one for one in listed}


def write(session: Session, host: Host) -> None:
    """Make roles, permissions and their links exactly what the code declares, in a few statements.

    Called by ``yupana db upgrade`` as the owner; a second run changes nothing. FAB's own
    start-up writer stays off.
    """
    wanted = declared(host)
    roles = _ensure(session, Role, (*ROLES, PUBLIC_ROLE))
    things = _ensure(session, ViewMenu, {one.name for one in wanted.values()})
    actions = _ensure(session, PermissionRow, {one.action for one in wanted.values()})
    pairs = {(actions[one.action], things[one.name]): one for one in wanted.values()}
    known = _pairs(session)
    missing = [
        {"permission_id": a, "view_menu_id": t} for a, t in sorted(pairs.keys() - known.keys())
    ]
    if missing:
        session.execute(insert(PermissionView), missing)
        known = _pairs(session)
    links = {
        (known[pair], roles[role])
        for pair, one in pairs.items()
        for role in one.roles
        if role in roles
    }
    table = assoc_permissionview_role
    there = {
        (row.permission_view_id, row.role_id)
        for row in session.execute(select(table.c.permission_view_id, table.c.role_id))
    }
    stale = there - links
    if stale:
        session.execute(
            delete(table).where(
                tuple_(table.c.permission_view_id, table.c.role_id).in_(sorted(stale))
            )
        )
    fresh = sorted(links - there)
    if fresh:
        session.execute(
            insert(table), [{"permission_view_id": view, "role_id": role} for view, role in fresh]
        )


def _pairs(session: Session) -> dict[tuple[int, int], int]:
    rows = session.execute(
        select(PermissionView.permission_id, PermissionView.view_menu_id, PermissionView.id)
    )
    return {(action, thing): key for action, thing, key in rows}


def _ensure(
    session: Session, kind: type, names: Mapping[str, object] | set[str] | tuple[str, ...]
) -> dict[str, int]:
    """Ids by name; names that are missing are inserted in one statement."""
    known = {name: key for key, name in session.execute(select(kind.id, kind.name))}  # type: ignore[attr-defined]
    missing = sorted(set(names) - known.keys())
    if missing:
        session.execute(insert(kind), [{"name": one} for one in missing])
        known = {name: key for key, name in session.execute(select(kind.id, kind.name))}  # type: ignore[attr-defined]
    return known
