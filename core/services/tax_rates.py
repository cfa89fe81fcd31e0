"""Dated tax rates: the rate of a code on a day, as the law had it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from core.errors import DomainError
from core.i18n import _
from core.models import TaxRate
from core.services import companies

IVA, ICE, IRBPNR = "2", "3", "5"
NO_IVA = "0"
INCOME_WITHHELD, IVA_WITHHELD = "ret1", "ret2"


def rate(session: Session, tax: str, code: str, on: date) -> Decimal:
    """Percent of ``code`` ("4": 15.000000) of ``tax`` ("2" IVA) on a day.

    Raises:
        DomainError: the code did not exist on that day.
    """
    found = session.scalar(
        select(TaxRate.rate).where(TaxRate.tax == tax, TaxRate.code == code, _in_force(on))
    )
    if found is None:
        raise DomainError(
            _(
                "The tax code %(code)s is not in force on %(day)s: choose another rate or date.",
                code=code,
                day=on.strftime("%d-%m-%Y"),
            ),
            code="tax_code",
            field="tax_code",
        )
    return found


def rates(session: Session, tax: str, codes: Iterable[str], on: date) -> dict[str, Decimal]:
    """Several codes in one query; those not in force are left out."""
    rows = session.execute(
        select(TaxRate.code, TaxRate.rate).where(
            TaxRate.tax == tax, TaxRate.code.in_(set(codes)), _in_force(on)
        )
    )
    return {row.code: row.rate for row in rows}


def current(session: Session, tax: str, on: date) -> list[TaxRate]:
    """Every rate of a tax that is in force on a day, highest first."""
    found = select(TaxRate).where(TaxRate.tax == tax, _in_force(on))
    return list(session.scalars(found.order_by(TaxRate.rate.desc(), TaxRate.code)))


def usual_iva(session: Session, on: date) -> str:
    """The IVA code that what the company sells begins with: 0 % for a negocio popular, whose
    documents carry no IVA, otherwise the general rate, the highest in force.
    """
    if companies.regime(session, on).regime == "rimpe_popular":
        return NO_IVA
    return current(session, IVA, on)[0].code


def _in_force(on: date) -> ColumnElement[bool]:
    return (TaxRate.valid_from <= on) & or_(TaxRate.valid_to.is_(None), TaxRate.valid_to >= on)
