"""One transfer for the licences of several companies: an accountant, an owner or their distributor tells it
once (A-31).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.scope import Scope
from core.db.session import acting_for, unit_of_work
from core.domain.money import ZERO, total
from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.models import Membership, Tenant
from plugins.licensing.models import ClientInvoiceRow, PaymentReportRow, PortfolioClient
from plugins.licensing.services.report_payment import ReportData, report_payment
from plugins.licensing.services.standing import find_licence, read_standing

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
) -> list[PaymentReportRow]:
    """Report the transfer for each chosen company, in a transaction of its own there; the reports.

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
    return report_shares(data, [balances[one] for one in companies], now=now)


def clients_who_owe(session: Session) -> list[OpenBalance]:
    """The clients of the distributor in scope with open licence invoices, by name; released ones are no
    longer his.
    """
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
            open_rows.c.balance,
        )
        .join(open_rows, open_rows.c.client_tenant_id == PortfolioClient.client_tenant_id)
        .where(PortfolioClient.released_on.is_(None), open_rows.c.balance > ZERO)
        .order_by(PortfolioClient.client_name, PortfolioClient.id)
    )
    return [OpenBalance(*row) for row in rows]


def report_for_clients(
    session: Session, data: ReportData, clients: Sequence[UUID], *, now: datetime
) -> list[PaymentReportRow]:
    """A distributor reports one transfer for several of his clients. Raises ``NotFound`` for a company
    that is none of his, or that owes nothing.
    """
    owed = {one.tenant_id: one for one in clients_who_owe(session)}
    if not clients:
        raise DomainError(
            _("Choose the clients whose payment this is."), code="companies", field="companies"
        )
    if set(clients) - set(owed):
        raise NotFound
    return report_shares(data, [owed[one] for one in dict.fromkeys(clients)], now=now)


def accounts_told(tenant_id: UUID) -> list[str]:
    """The vendor's accounts that the licence of a company names."""
    with acting_for(tenant_id, "reports one payment for several companies") as session:
        licence = find_licence(session)
        return [str(one) for one in (licence.accounts or [])] if licence else []


def report_shares(
    data: ReportData, owed: Sequence[OpenBalance], *, now: datetime
) -> list[PaymentReportRow]:
    """One report in the scope of each company, one group; who calls has checked whose they are."""
    shares = split_over([one.balance for one in owed], data.amount)
    group_id = data.group_id or new_id()
    reports = []
    for company, share in zip(owed, shares, strict=True):
        part = replace(
            data,
            amount=share,
            transferred=data.amount,
            group_id=group_id,
            invoice_ids=(),
            withheld=ZERO,
        )
        if share > 0:
            why = "reports one payment for several companies"
            with acting_for(company.tenant_id, why) as session:
                reports.append(report_payment(session, part, now=now))
    return reports


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
