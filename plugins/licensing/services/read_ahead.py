"""The next invoices of a licence: kept as the operator tells them, in the client's and the distributor's scope.

What is told is worked out by what works out the invoices; here it is only kept, shown and added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from core import plugins
from core.contracts.codec import from_json, to_json
from core.contracts.events import ClientInvoicePublished
from core.contracts.licences import UpcomingInvoice
from core.contracts.services import Subscribing
from core.db.session import acting_for
from core.db.tenancy import scope_of
from core.domain.money import ZERO
from plugins.licensing.models import Contract, Licence, PortfolioClient
from plugins.licensing.services.parties import operator_id

MONTHS = 3
GOING_ON = ("active", "due", "reported")  # states in which the runs invoice a licence
WAITING = "suspended"  # R15: invoiced again once it pays or reports


@dataclass(slots=True)
class ExpectedMonth:
    """What the clients of a portfolio will be invoiced in a month (``month`` its first day), in USD."""

    month: date
    invoices: int = 0
    net: Decimal = ZERO
    tax: Decimal = ZERO
    total: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Forecast:
    """Three months of a portfolio. ``suspended``: clients that are not counted (R15)."""

    months: Sequence[ExpectedMonth]
    suspended: int


def keep(
    row: Licence | PortfolioClient,
    told: Sequence[UpcomingInvoice],
    *,
    told_at: datetime,
    is_new: bool = False,
) -> None:
    """Write what was told of the contract at hand; ``is_new``: the row now stands for another one.

    Contract and invoices tell it, by several workers: what was told later holds.
    """
    if is_new or row.upcoming_at is None or told_at >= row.upcoming_at:
        row.upcoming, row.upcoming_at = [to_json(one) for one in told], told_at


def hear_invoice(session: Session, event: ClientInvoicePublished) -> None:
    """An invoice brings along what comes after it. A contract that has not arrived brings its own."""
    told = event.invoice
    kind: Any = Licence if scope_of(session).tenant_id == told.client_tenant_id else PortfolioClient
    query = select(kind).where(kind.contract_id == told.contract_id)
    if kind is PortfolioClient:
        query = query.where(kind.client_tenant_id == told.client_tenant_id)  # its index
    row = session.scalars(query.with_for_update()).one_or_none()
    if row is not None:
        keep(row, event.upcoming, told_at=event.published_at)


def read_coming(row: Licence | PortfolioClient, state: str) -> list[UpcomingInvoice]:
    """The next invoices of a licence in a state; nothing where none will be issued."""
    if state not in (*GOING_ON, WAITING):
        return []
    return [from_json(UpcomingInvoice, one) for one in row.upcoming or []]


def read_forecast(session: Session, *, today: date) -> Forecast:
    """The next three months of the portfolio in scope, if nobody leaves.

    An invoice whose day is past comes with the next run. A client's plan and its add-ons of one usage
    month are one invoice (A-24).
    """
    clients = session.scalars(
        select(PortfolioClient)
        .where(
            PortfolioClient.released_on.is_(None), PortfolioClient.state.in_((*GOING_ON, WAITING))
        )
        .options(undefer(PortfolioClient.upcoming))
    ).all()
    months: dict[date, ExpectedMonth] = {}
    for client in clients:
        if client.state == WAITING:
            continue
        seen = set()
        for one in read_coming(client, client.state):
            month = max(one.issue_on, today).replace(day=1)
            row = months.setdefault(month, ExpectedMonth(month))
            seen.add((month, one.first.replace(day=1), one.due_on))
            row.net += one.net
            row.tax += one.tax
            row.total += one.total
        for month, _usage, _due in seen:
            months[month].invoices += 1
    first_three = sorted(months)[:MONTHS]
    return Forecast(
        [months[one] for one in first_three],
        suspended=sum(client.state == WAITING for client in clients),
    )


def read_signing(
    session: Session, contract_id: UUID, plan_id: UUID, *, on: date
) -> tuple[Sequence[UpcomingInvoice], UpcomingInvoice]:
    """What an order would bring, were it enabled on a day, and its first invoice were that on credit:
    from the vendor's own books, by the function that makes his invoices. A re-entry that does not renew
    brings one (R12).
    """
    billing = plugins.service(Subscribing)
    with acting_for(operator_id(session), "shows what an order would bring") as books:
        contract = books.get(Contract, contract_id)  # None: the order is still on its way
        rows = billing.preview(books, plan_id=plan_id, start_on=on)
        [on_credit, *_others] = billing.preview(books, plan_id=plan_id, start_on=on, on_credit=True)
    is_one_month = contract is not None and not contract.renews
    return rows[:1] if is_one_month else rows, on_credit


def explain(one: UpcomingInvoice) -> str:
    """How the amount comes about, in words."""
    return plugins.service(Subscribing).explain(one.why)
