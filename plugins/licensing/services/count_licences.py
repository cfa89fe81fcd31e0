"""Licences in figures, for the home page: running, to pay, and what a month of them brings."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from core.domain.money import ZERO
from plugins.licensing.domain.lifecycle import RUNNING
from plugins.licensing.models import Contract, PortfolioClient

UNPAID = ("due", "suspended")


@dataclass(frozen=True, slots=True)
class Figures:
    """Licences that run, those with an unpaid invoice, those suspended; ``monthly`` in USD before IVA."""

    running: int
    unpaid: int
    suspended: int
    monthly: Decimal


def count_portfolio(session: Session) -> Figures:
    """The clients of the distributor in scope."""
    return _count(
        session, PortfolioClient.state, PortfolioClient.price, PortfolioClient.released_on.is_(None)
    )


def count_contracts(session: Session) -> Figures:
    """Every licence of the installation (the operator's own rows)."""
    return _count(session, Contract.standing, Contract.price, Contract.state != "withdrawn")


def _count(session: Session, state: Any, price: Any, kept: Any) -> Figures:
    running = state.in_(RUNNING)
    row = session.execute(
        select(
            func.count(case((running, 1))),
            func.count(case((state.in_(UNPAID), 1))),
            func.count(case((state == "suspended", 1))),
            func.coalesce(func.sum(case((running, price))), ZERO),
        ).where(kept)
    ).one()
    return Figures(*row)
