"""Whether money covers the first invoice of an order: less enables nothing but on credit (R2, A-19, A-26)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.contracts.services import Subscribing
from core.db.session import acting_for
from core.domain.money import ZERO, total
from core.errors import DomainError
from core.i18n import _
from core.services import settings
from core.web.formats import money
from plugins.licensing.models import Contract, PortfolioClient, QueuedReport
from plugins.licensing.services.parties import is_operator, operator_id


def missing_of_first(books: Session, plan_id: UUID, amount: Decimal, *, on: date) -> Decimal:
    """What ``amount`` leaves open of the first invoice of a contract of ``on`` (USD, with IVA), in the
    operator's scope. Up to the vendor's tolerance it is 0.00.
    """
    wanted = _first_total(books, plan_id, on=on)
    tolerance: Decimal = settings.read(books, "billing.tolerance")
    return wanted - amount if wanted - amount > tolerance else ZERO


def first_total(session: Session, plan_id: UUID, *, on: date) -> Decimal:
    """The first invoice of a contract of ``on`` with IVA (USD), as the operator's books will make it."""
    if is_operator(session):
        return _first_total(session, plan_id, on=on)
    with acting_for(operator_id(session), "works out the first invoice of an order") as books:
        return _first_total(books, plan_id, on=on)


def refuse_too_little(session: Session, plan_id: UUID, amount: Decimal, *, on: date) -> None:
    """Enabling wants the whole first invoice, or credit. Raises ``DomainError`` (field ``amount``)."""
    missing = _ask_books(session, plan_id, amount, on=on)
    if missing:
        raise DomainError(
            _(
                "%(missing)s of the first invoice are missing: ask for the rest, or tick «on credit».",
                missing=money(missing),
            ),
            code="too_little",
            field="amount",
        )


def refuse_short_reports(session: Session, rows: Iterable[QueuedReport], *, on: date) -> None:
    """The same for reports to confirm: those of one order count together. Raises ``DomainError``."""
    short = find_short(session, rows, on=on)
    if short is not None:
        row, missing = short
        raise DomainError(
            _(
                "The report of %(name)s leaves %(missing)s of its first invoice open: ask for the rest and"
                " confirm both reports together, or enable the order on credit first.",
                name=row.client_name,
                missing=money(missing),
            ),
            code="too_little",
            field="reports",
        )


def find_short(
    session: Session, rows: Iterable[QueuedReport], *, on: date
) -> tuple[QueuedReport, Decimal] | None:
    """The first of these reports whose order they do not cover, and what is missing (USD)."""
    told: dict[UUID, list[QueuedReport]] = {}
    for row in rows:
        if row.contract_id is not None:
            told.setdefault(row.contract_id, []).append(row)
    for contract_id, plan_id in _orders(session, told).items():
        amount = total(row.amount for row in told[contract_id])
        missing = _ask_books(session, plan_id, amount, on=on)
        if missing:
            return told[contract_id][0], missing
    return None


def _orders(session: Session, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Those of the contracts that still wait to be enabled, with their plan."""
    if is_operator(session):
        query = select(Contract.id, Contract.plan_id).where(
            Contract.id.in_(ids), Contract.state == "order"
        )
    else:
        query = select(PortfolioClient.contract_id, PortfolioClient.plan_id).where(
            PortfolioClient.contract_id.in_(ids), PortfolioClient.contract_state == "order"
        )
    return {row[0]: row[1] for row in session.execute(query)}


def _first_total(books: Session, plan_id: UUID, *, on: date) -> Decimal:
    return plugins.service(Subscribing).first_total(books, plan_id=plan_id, start_on=on)


def _ask_books(session: Session, plan_id: UUID, amount: Decimal, *, on: date) -> Decimal:
    """From the operator's own books: a distributor knows the price before IVA only."""
    if is_operator(session):
        return missing_of_first(session, plan_id, amount, on=on)
    with acting_for(operator_id(session), "works out whether an order is paid") as books:
        return missing_of_first(books, plan_id, amount, on=on)
