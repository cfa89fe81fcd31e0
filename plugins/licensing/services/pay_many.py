"""One transfer for the licences of several companies: an accountant or owner tells it once (A-31)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from core.db.scope import Scope
from core.db.session import acting_for, unit_of_work
from core.domain.money import ZERO, total
from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.models import Membership, Tenant
from plugins.licensing.services.report_payment import ReportData, report_payment
from plugins.licensing.services.standing import read_standing

ROLES = ("owner", "accountant")


@dataclass(frozen=True, slots=True)
class OpenBalance:
    """What one company owes for its licence (USD)."""

    tenant_id: UUID
    name: str
    tax_id: str
    balance: Decimal


def open_balances(user_id: int, *, now: datetime) -> list[OpenBalance]:
    """The open licence invoices of the companies that the person owns or keeps the books of."""
    with unit_of_work(Scope(user_id=user_id)) as session:
        mine = (
            select(Membership.__table__.c.tenant_id, Tenant.name, Tenant.tax_id)
            .join(Tenant, Tenant.id == Membership.__table__.c.tenant_id)
            .where(
                Membership.__table__.c.user_id == user_id,
                Membership.__table__.c.role.in_(ROLES),
                Membership.__table__.c.is_active,
            )
            .order_by(Tenant.name)
        )
        companies = session.execute(mine).all()
    found = []
    for tenant_id, name, tax_id in companies:
        with unit_of_work(Scope(tenant_id=tenant_id, user_id=user_id)) as session:
            standing = read_standing(session, now=now)
            owed = (
                total(one.total - one.covered for one in standing.open_invoices)
                if standing
                else ZERO
            )
        if owed > 0:
            found.append(OpenBalance(tenant_id, name, tax_id, owed))
    return found


def report_for_many(
    user_id: int, data: ReportData, companies: Sequence[UUID], *, now: datetime
) -> int:
    """Report the transfer for each chosen company, in a transaction of its own there; how many.

    The shares follow the balances; all of them carry one ``group_id``. Sent twice it is one report
    per company. Raises ``NotFound`` for a company of somebody else.
    """
    balances = {one.tenant_id: one for one in open_balances(user_id, now=now)}
    if not companies:
        raise DomainError(
            _("Choose the companies you paid for."), code="companies", field="companies"
        )
    if set(companies) - set(balances):
        raise NotFound
    shares = split_over([balances[one].balance for one in companies], data.amount)
    group_id = data.group_id or new_id()
    for tenant_id, share in zip(companies, shares, strict=True):
        part = replace(data, amount=share, group_id=group_id, invoice_ids=(), withheld=ZERO)
        if share > 0:
            with acting_for(tenant_id, "reports one payment for several companies") as session:
                report_payment(session, part, now=now)
    return sum(share > 0 for share in shares)


def split_over(amounts: Sequence[Decimal], paid: Decimal) -> list[Decimal]:
    """One transfer over several companies' balances, in order; the last takes what is left.

    ``[34.50, 34.50]`` with 70.00 paid: ``[34.50, 35.50]``.
    """
    left, shares = paid, []
    for place, amount in enumerate(amounts):
        share = left if place == len(amounts) - 1 else min(left, amount)
        shares.append(share)
        left -= share
    return shares
