"""The operator's side of selling: distributors, their limits, and what a plan contains."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.events import CreditLimitSet
from core.db.events import emit
from core.domain.money import to_cents
from core.errors import DomainError, NotFound
from core.i18n import _
from core.models import Tenant
from core.services import companies
from core.services.audit import write_audit
from plugins.licensing.domain.entitlements import Entitlements
from plugins.licensing.models import DistributorRow, PlanTerms
from plugins.licensing.services.publish import plan_offers, publish_offers

MOST = Decimal(1_000_000)


def create_distributor(
    session: Session,
    *,
    tax_id: str,
    name: str,
    email: str,
    phone: str,
    credit_limit: Decimal,
    now: datetime,
) -> DistributorRow:
    """A new company of kind distributor, known to the operator; told the plans on offer.

    Raises ``DomainError`` for a wrong RUC or limit, ``Conflict`` when the RUC has a company already.
    """
    _check_limit(credit_limit)
    tenant_id = companies.create_tenant(
        tax_id=tax_id,
        name=name,
        kind="distributor",
        now=now,
        profile={"email": email.strip(), "phone": phone.strip()},
    )
    return add_distributor(
        session, tenant_id, email=email, phone=phone, credit_limit=credit_limit, now=now
    )


def add_distributor(
    session: Session,
    distributor_id: UUID,
    *,
    email: str,
    phone: str,
    credit_limit: Decimal,
    now: datetime,
) -> DistributorRow:
    """Take a company of kind distributor into the operator's list."""
    tenant = session.get(Tenant, distributor_id)
    if tenant is None or tenant.kind != "distributor":
        raise NotFound
    row = DistributorRow(
        distributor_id=tenant.id,
        tax_id=tenant.tax_id,
        name=tenant.name,
        email=email.strip()[:200],
        phone=phone.strip()[:40],
    )
    session.add(row)
    session.flush()
    set_credit_limit(session, row, credit_limit, now=now)
    publish_offers(session, now=now)
    write_audit(session, action="licensing.add_distributor", subject_id=tenant.id)
    return row


def set_credit_limit(
    session: Session, row: DistributorRow, limit: Decimal, *, now: datetime
) -> None:
    """What the distributor may enable before the money is there (USD)."""
    _check_limit(limit)
    row.credit_limit = to_cents(limit)
    emit(session, CreditLimitSet(row.credit_limit, set_at=now), to=row.distributor_id, now=now)


def set_plan_terms(
    session: Session, plan_id: UUID, *, included_minutes: int, entitlements: Mapping[str, Any]
) -> None:
    """What a plan contains beside its price. Raises ``DomainError`` for negative numbers."""
    if plan_id not in plan_offers(session):
        raise NotFound
    granted = Entitlements.from_json(entitlements)
    if (
        included_minutes < 0
        or min(granted.documents or 0, granted.users or 0, granted.points or 0) < 0
    ):
        raise DomainError(
            _("Limits and minutes cannot be negative: leave a limit empty for none."),
            code="plan_terms",
            field="included_minutes",
        )
    row = session.scalars(
        select(PlanTerms).where(PlanTerms.plan_id == plan_id)
    ).one_or_none() or PlanTerms(plan_id=plan_id)
    row.included_minutes, row.entitlements = included_minutes, granted.to_json()
    session.add(row)
    session.flush()


def read_distributors(session: Session) -> list[DistributorRow]:
    """The operator's distributors by name."""
    return list(session.scalars(select(DistributorRow).order_by(DistributorRow.name)))


def _check_limit(limit: Decimal) -> None:
    if not 0 <= limit <= MOST:
        raise DomainError(
            _("Write the credit limit as an amount in USD, 0 for none."),
            code="credit_limit",
            field="credit_limit",
        )
