"""Invoices of a batch as requests for fiscal documents; what many of them have in common is made once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.contracts.fiscal import FiscalLine, FiscalPayment, FiscalTax, InvoiceRequest
from core.contracts.sales import InvoiceDraft
from plugins.sales.domain.totals import DocumentTotals
from plugins.sales.services.prepare_drafts import IVA, Ready

COUNTER_PRIORITY = 100


class Shared:
    """Values that many invoices of a batch have in common: made, and later written, once.

    It knows lines and totals by their identity, so they must outlive it.
    """

    def __init__(self) -> None:
        self._taxes: dict[int, list[list[str]]] = {}
        self._pairs: dict[tuple[tuple[str, str], ...], list[list[str]]] = {}
        self._lines: dict[tuple[Any, ...], tuple[FiscalLine, ...]] = {}
        self._payments: dict[tuple[int, str, int], tuple[FiscalPayment, ...]] = {}

    def taxes(self, totals: DocumentTotals) -> list[list[str]]:
        """The tax table of an invoice."""
        found = self._taxes.get(id(totals))
        if found is None:
            found = self._taxes[id(totals)] = [
                [one.tax_code, str(one.rate), str(one.base), str(one.amount)]
                for one in totals.taxes
            ]
        return found

    def pairs(self, pairs: tuple[tuple[str, str], ...]) -> list[list[str]]:
        """Names and values: additional information, details of a line."""
        found = self._pairs.get(pairs)
        if found is None:
            found = self._pairs[pairs] = [list(pair) for pair in pairs]
        return found

    def lines(self, draft: InvoiceDraft, totals: DocumentTotals) -> tuple[FiscalLine, ...]:
        """The lines of the fiscal document."""
        key = (id(totals), *map(id, draft.lines))
        found = self._lines.get(key)
        if found is None:
            found = self._lines[key] = tuple(
                FiscalLine(
                    code=line.code,
                    description=line.description,
                    quantity=line.quantity,
                    unit_price=line.unit_price,
                    discount=line.discount,
                    subtotal=sums.subtotal,
                    taxes=(FiscalTax(IVA, sums.tax_code, sums.rate, sums.subtotal, sums.tax),),
                    details=line.details,
                )
                for line, sums in zip(draft.lines, totals.lines, strict=True)
            )
        return found

    def payments(self, draft: InvoiceDraft, totals: DocumentTotals) -> tuple[FiscalPayment, ...]:
        """How the fiscal document says that it is paid."""
        key = (id(totals), draft.payment_method, draft.payment_term_days)
        found = self._payments.get(key)
        if found is None:
            found = self._payments[key] = (
                FiscalPayment(draft.payment_method, totals.total, draft.payment_term_days),
            )
        return found


def request_for(invoice_id: UUID, one: Ready, shared: Shared) -> InvoiceRequest:
    """The fiscal document that an invoice asks for, not numbered yet."""
    draft = one.draft
    return InvoiceRequest(
        document_id=invoice_id,
        branch_code=one.branch_code,
        issue_point_code=one.issue_point_code,
        sequence=0,
        issued_on=draft.issued_on,
        counterpart=one.customer,
        additional_info=draft.additional_info,
        priority=COUNTER_PRIORITY if draft.source == "till" else 0,
        lines=shared.lines(draft, one.totals),
        payments=shared.payments(draft, one.totals),
    )
