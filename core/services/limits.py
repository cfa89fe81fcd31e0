"""Limits of a company's plan, asked where something is added (hook ``entitlements``)."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import plugins
from core.db.tenancy import scope_of
from core.errors import DomainError
from core.i18n import _
from core.models import IssuePoint, Membership

Limited = Literal["users", "points"]


def require_room(session: Session, what: Limited) -> None:
    """Raise ``DomainError`` when the plan of the company in scope holds no more people or points.

    Without a plugin that answers, or without a limit in the plan, there is always room.
    """
    tenant_id = scope_of(session).tenant_id
    granted = None if tenant_id is None else plugins.call("entitlements", tenant_id=tenant_id)
    limit = (granted or {}).get(what)
    if limit is None or count_used(session, what) < limit:
        return
    if what == "users":
        raise DomainError(
            _(
                "Your plan holds %(limit)s people and all are taken: close the access of somebody, or"
                " change to a larger plan.",
                limit=limit,
            ),
            code="plan_users_full",
        )
    raise DomainError(
        _(
            "Your plan holds %(limit)s emission points and all are taken: close one, or change to a"
            " larger plan.",
            limit=limit,
        ),
        code="plan_points_full",
    )


def count_used(session: Session, what: Limited) -> int:
    """Active people or open emission points of the company in scope."""
    if what == "users":
        query = select(func.count()).select_from(Membership)
        own = Membership.tenant_id == scope_of(session).tenant_id
        return session.scalar(query.where(own, Membership.is_active)) or 0
    points = select(func.count()).select_from(IssuePoint).where(IssuePoint.is_active)
    return session.scalar(points) or 0
