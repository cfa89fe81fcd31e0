"""Who is who: the operator and the distributors. Names, RUCs and kinds of tenants are global."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.errors import DomainError, NotFound
from core.i18n import _
from core.models import Tenant
from core.services import companies


def operator_id(session: Session) -> UUID:
    """The operator's tenant. Raises ``DomainError`` on an installation without one."""
    found = session.scalar(select(Tenant.id).where(Tenant.kind == "operator"))
    if found is None:
        raise DomainError(
            _("This installation has no operator yet: create it first."), code="no_operator"
        )
    return found


def is_operator(session: Session) -> bool:
    """Whether the tenant in scope is the operator."""
    return scope_of(session).tenant_id == operator_id(session)


def kind_in_scope(session: Session) -> str:
    """``operator``, ``distributor`` or ``company``: the kind of the tenant in scope."""
    return own_tenant(session).kind


def own_tenant(session: Session) -> Tenant:
    """The tenant in scope. Raises ``NotFound`` when there is none."""
    tenant_id = scope_of(session).tenant_id
    found: Tenant | None = session.info.get("own_tenant")
    if found is None or found.id != tenant_id:
        found = session.get(Tenant, tenant_id) if tenant_id else None
        if found is None:
            raise NotFound
        session.info["own_tenant"] = found  # kept: the session itself forgets what nobody holds
    return found


def distributors(session: Session) -> list[Tenant]:
    """All distributors by name."""
    rows = select(Tenant).where(Tenant.kind == "distributor").order_by(Tenant.name)
    return list(session.scalars(rows))


def find_by_tax_id(session: Session, tax_id: str) -> Tenant | None:
    """The tenant with this RUC."""
    return session.scalars(select(Tenant).where(Tenant.tax_id == tax_id)).one_or_none()


def is_withholding_agent(session: Session, on: date) -> bool:
    """Whether the tenant in scope withholds from what it pays, by its regime on a day (A-19)."""
    regime = companies.regime(session, on)
    return bool(regime.withholding_agent_resolution or regime.special_taxpayer_resolution)
