"""Drafts made ready for their numbers: customers, totals, and that everything they name is the tenant's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.sales import CustomerData, InvoiceDraft
from core.db.arrays import among
from core.errors import NotFound
from core.i18n import _
from core.services import numbering, tax_rates
from plugins.sales.domain.drafts import check_receiver
from plugins.sales.domain.totals import DocumentTotals, total_up
from plugins.sales.models import Customer, Product, Salesperson

IVA = "2"


class Ready(NamedTuple):
    """A draft that may become an invoice: checked, with its customer, its amounts and its series."""

    draft: InvoiceDraft
    customer: CustomerData
    totals: DocumentTotals
    branch_code: str
    issue_point_code: str

    def number(self, sequence: int) -> str:
        """As it is printed: ``001-002-000000123``."""
        return f"{self.branch_code}-{self.issue_point_code}-{sequence:09d}"


def prepare_drafts(session: Session, drafts: Sequence[InvoiceDraft]) -> list[Ready]:
    """The drafts with customer and totals. Raises ``DomainError`` for one that cannot be an invoice."""
    customers = read_customers(session, {one.customer_id for one in drafts})
    _check_own(session, drafts)
    codes = numbering.read_codes(session, {one.issue_point_id for one in drafts})
    totals_of = _Totals(session)
    ready = []
    for draft in drafts:
        customer = customers.get(draft.customer_id)
        if customer is None:
            raise NotFound(_("That customer does not exist. Choose another one."))
        totals = totals_of(draft)
        check_receiver(customer, totals)
        ready.append(Ready(draft, customer, totals, *codes[draft.issue_point_id]))
    return ready


class _Totals:
    """The totals of drafts. Many of a run have the same lines: they are added up once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rates: dict[tuple[str, date], Decimal] = {}
        self._known: dict[tuple[Any, ...], DocumentTotals] = {}

    def __call__(self, draft: InvoiceDraft) -> DocumentTotals:
        key = (draft.issued_on, *map(id, draft.lines))
        found = self._known.get(key)
        if found is None:
            rates = {one.tax_code: self._rate(one.tax_code, draft.issued_on) for one in draft.lines}
            found = self._known[key] = total_up(draft.lines, rates)
        return found

    def _rate(self, code: str, on: date) -> Decimal:
        key = (code, on)
        if key not in self._rates:
            self._rates[key] = tax_rates.rate(self._session, IVA, code, on)
        return self._rates[key]


def read_customers(session: Session, ids: set[UUID]) -> dict[UUID, CustomerData]:
    """What documents print of these customers; unknown ids are left out."""
    rows = session.execute(
        select(
            Customer.id,
            Customer.tax_id_type,
            Customer.tax_id,
            Customer.legal_name,
            Customer.email,
            Customer.address,
            Customer.phone,
        ).where(among(Customer.id, ids))
    )
    return {row[0]: CustomerData(*row[1:]) for row in rows}


def _check_own(session: Session, drafts: Sequence[InvoiceDraft]) -> None:
    """Salespeople and products are the tenant's own; a foreign id does not exist."""
    for model, wanted in (
        (Salesperson, {one.salesperson_id for one in drafts} - {None}),
        (Product, {line.product_id for one in drafts for line in one.lines} - {None}),
    ):
        if not wanted:
            continue
        found = set(session.scalars(select(model.id).where(model.id.in_(wanted))))
        if wanted - found:
            raise NotFound(_("The request names something that does not exist. Choose it again."))
