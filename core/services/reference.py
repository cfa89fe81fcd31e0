"""Writes the dated reference data of core. Run by ``yupana db upgrade`` as the owner; idempotent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.ids import new_id
from core.models import Holiday, TaxRate
from core.services.reference_data import HOLIDAYS, TAX_RATES


def seed(session: Session) -> None:
    """Add what is missing and correct what we got wrong; what the operator added stays."""
    rates = insert(TaxRate).values(
        [
            {
                "id": new_id(),
                "tax": tax,
                "code": code,
                "label": label,
                "rate": Decimal(rate),
                "valid_from": valid_from,
                "valid_to": valid_to,
            }
            for tax, code, label, rate, valid_from, valid_to in TAX_RATES
        ]
    )
    session.execute(
        rates.on_conflict_do_update(
            index_elements=["tax", "code", "valid_from"],
            set_={name: rates.excluded[name] for name in ("label", "rate", "valid_to")},
        )
    )
    days = insert(Holiday).values(
        [
            {"id": new_id(), "on_date": date.fromisoformat(day), "name": name}
            for day, name in HOLIDAYS
        ]
    )
    session.execute(days.on_conflict_do_nothing(index_elements=["on_date"]))
