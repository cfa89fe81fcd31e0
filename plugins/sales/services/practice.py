"""Practice is no business: what was issued to practise shows in no list, sum or look-up of sales.

One fence for all of them: every SELECT leaves practice documents out unless it says ``SHOWN``, which
only those do that open one document by its id, and the filter *Práctica* of the list of invoices.
Money is never recorded for them, no credit arises and nobody is told (no event), so that payments,
receipts, statements, licences and runs do not know them. Raw SQL has to leave them out itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event, select, update
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from core.contracts.sales import InvoiceDraft
from core.domain.money import ZERO
from core.errors import Conflict
from core.i18n import _
from plugins.sales.domain.vocabulary import PRACTICE, practice_source
from plugins.sales.models import Invoice, Practised
from plugins.sales.services.environment import read_environment

SHOWN: dict[str, Any] = {"sales_practice": True}
_REAL_ONLY = with_loader_criteria(
    Practised, lambda cls: cls.environment != PRACTICE, include_aliases=True
)


@event.listens_for(Session, "do_orm_execute")
def _leave_practice_out(state: ORMExecuteState) -> None:
    if not state.is_select or state.is_column_load or state.is_relationship_load:
        return
    if "sales_practice" in state.execution_options:
        return
    state.statement = state.statement.options(_REAL_ONLY)


def is_practising(session: Session) -> bool:
    """Does the company practise at the moment?"""
    return read_environment(session) == PRACTICE


def has_practised(session: Session) -> bool:
    """Is there an invoice that was issued to practise?"""
    one = select(Invoice.id).where(Invoice.environment == PRACTICE).limit(1)
    return session.scalar(one.execution_options(**SHOWN)) is not None


def as_practice(drafts: Sequence[InvoiceDraft]) -> list[InvoiceDraft]:
    """The drafts under keys of their own: a sale that was practised can still be sold."""
    return [replace(one, source=practice_source(one.source)) for one in drafts]


def environment_of_note(session: Session, invoice: Any) -> int:
    """The environment that numbers a note on ``invoice``.

    Raises ``Conflict`` for a real invoice while the company practises, and the other way round.
    """
    environment = read_environment(session)
    if environment == PRACTICE and invoice.environment != PRACTICE:
        raise Conflict(
            _("The company is practising and this invoice is real. Leave practice in the settings"
              " first."),
            code="invoice_real",
        )  # fmt: skip
    if environment != PRACTICE and invoice.environment == PRACTICE:
        raise Conflict(
            _("This invoice was issued to practise: nothing follows from it."),
            code="invoice_practice",
        )
    return environment


def settle_practice(session: Session, invoice_id: UUID, *, now: datetime) -> None:
    """Show a practice invoice as paid without recording any money."""
    session.execute(
        update(Invoice)
        .where(Invoice.id == invoice_id, Invoice.environment == PRACTICE)
        .values(state="paid", balance=ZERO, paid_at=now)
    )
