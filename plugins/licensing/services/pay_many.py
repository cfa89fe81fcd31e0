"""One transfer for the licences of several companies: an accountant, an owner or their distributor tells it
once (A-31).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.scope import Scope
from core.db.session import acting_for, unit_of_work
from core.db.tenancy import scope_of
from core.domain.money import ZERO, total
from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.models import Membership, Tenant
from plugins.licensing.models import ClientInvoiceRow, PaymentReportRow, PortfolioClient
from plugins.licensing.services.report_payment import (
    ReportData,
    find_by_form_key,
    report_payment,
)
from plugins.licensing.services.standing import find_licence, owed_of_support, read_standing

ROLES = ("owner", "accountant")
# The namespace of transfers, which are named by who told one, and in which form.
GROUPS = UUID("55d77158-3d2c-50ee-8356-03871309a287")
WHY = "reports one payment for several companies"


@dataclass(frozen=True, slots=True)
class OpenBalance:
    """What one company owes for its licence (USD)."""

    tenant_id: UUID
    name: str
    tax_id: str
    balance: Decimal


def open_balances(user_id: int, *, now: datetime) -> list[OpenBalance]:
    """The open licence invoices of the companies that the person owns or keeps the books of."""
    return [one for one in _own_companies(user_id, now=now) if one.balance > ZERO]


def _own_companies(user_id: int, *, now: datetime) -> list[OpenBalance]:
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
                + owed_of_support(session, standing.licence)
                if standing
                else ZERO
            )
        found.append(OpenBalance(tenant_id, name, tax_id, owed))
    return found


def report_for_many(
    user_id: int, data: ReportData, companies: Sequence[UUID], *, now: datetime
) -> list[PaymentReportRow]:
    """Report the transfer for each chosen company, in a transaction of its own there; the reports.

    The shares follow the balances; all of them carry one ``group_id``. Sent twice, or again after it
    failed in the middle, it is one report per company. Raises ``NotFound`` for a company of somebody else,
    or that owes nothing.
    """
    if not companies:
        raise DomainError(
            _("Choose the companies you paid for."), code="companies", field="companies"
        )
    chosen = _chosen(_own_companies(user_id, now=now), companies, data.form_key)
    return report_shares(data, chosen, teller=f"user:{user_id}", now=now)


def clients_who_owe(session: Session) -> list[OpenBalance]:
    """The clients of the distributor in scope with open licence invoices, by name; released ones are no
    longer his.
    """
    return [one for one in _own_clients(session) if one.balance > ZERO]


def _own_clients(session: Session) -> list[OpenBalance]:
    open_rows = (
        select(
            ClientInvoiceRow.client_tenant_id, func.sum(ClientInvoiceRow.balance).label("balance")
        )
        .where(ClientInvoiceRow.state == "open")
        .group_by(ClientInvoiceRow.client_tenant_id)
        .subquery()
    )
    rows = session.execute(
        select(
            PortfolioClient.client_tenant_id,
            PortfolioClient.client_name,
            PortfolioClient.client_tax_id,
            func.coalesce(open_rows.c.balance, ZERO),
        )
        .outerjoin(open_rows, open_rows.c.client_tenant_id == PortfolioClient.client_tenant_id)
        .where(PortfolioClient.released_on.is_(None))
        .order_by(PortfolioClient.client_name, PortfolioClient.id)
    )
    return [OpenBalance(*row) for row in rows]


def report_for_clients(
    session: Session, data: ReportData, clients: Sequence[UUID], *, now: datetime
) -> list[PaymentReportRow]:
    """A distributor reports one transfer for several of his clients. Raises ``NotFound`` for a company
    that is none of his, or that owes nothing.
    """
    if not clients:
        raise DomainError(
            _("Choose the clients whose payment this is."), code="companies", field="companies"
        )
    chosen = _chosen(_own_clients(session), clients, data.form_key)
    return report_shares(data, chosen, teller=f"tenant:{scope_of(session).tenant_id}", now=now)


def _chosen(
    own: Sequence[OpenBalance], companies: Sequence[UUID], form_key: str | None
) -> list[OpenBalance]:
    """Those of the own companies: they owe something, or what they owed was told with this same form and
    is confirmed by now.
    """
    known = {one.tenant_id: one for one in own}
    if set(companies) - set(known):
        raise NotFound
    chosen = [known[one] for one in dict.fromkeys(companies)]
    if any(one.balance <= ZERO and _told(one.tenant_id, form_key) is None for one in chosen):
        raise NotFound
    return chosen


def accounts_told(tenant_id: UUID) -> list[str]:
    """The vendor's accounts that the licence of a company names."""
    with acting_for(tenant_id, WHY) as session:
        licence = find_licence(session)
        return [str(one) for one in (licence.accounts or [])] if licence else []


def report_shares(
    data: ReportData, owed: Sequence[OpenBalance], *, teller: str, now: datetime
) -> list[PaymentReportRow]:
    """One report in the scope of each company, one group; who calls has checked whose they are.

    ``teller``: whose form it is. The same form again goes on where it stopped: the same group, what is
    stored keeps its share, the others take what is left of the transfer.
    """
    told = {one.tenant_id: _told(one.tenant_id, data.form_key) for one in owed}
    stored = total(row.amount for row in told.values() if row is not None)
    waiting = [one for one in owed if told[one.tenant_id] is None]
    left = max(data.amount - stored, ZERO)
    shares = dict(zip(waiting, split_over([one.balance for one in waiting], left), strict=True))
    group_id = data.group_id or group_of(teller, data.form_key)
    reports = []
    for company in owed:
        row = told[company.tenant_id]
        if row is not None:
            reports.append(row)
        elif shares[company] > 0:
            part = replace(
                data,
                amount=shares[company],
                transferred=data.amount,
                group_id=group_id,
                invoice_ids=(),
                withheld=ZERO,
            )
            with acting_for(company.tenant_id, WHY) as session:
                reports.append(report_payment(session, part, now=now))
    return reports


def group_of(teller: str, form_key: str | None) -> UUID:
    """The group of one form of one teller, always the same; without a key each time another."""
    return uuid5(GROUPS, f"{teller} {form_key}") if form_key else new_id()


def _told(tenant_id: UUID, form_key: str | None) -> PaymentReportRow | None:
    """What this form has stored in a company already."""
    if not form_key:
        return None
    with acting_for(tenant_id, WHY) as session:
        return find_by_form_key(session, form_key)


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
