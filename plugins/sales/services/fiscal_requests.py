"""Invoices of a batch as requests for fiscal documents; what many of them have in common is made once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.contracts.fiscal import FiscalLine, FiscalPayment, FiscalTax, InvoiceRequest
from core.contracts.sales import InvoiceDraft, InvoiceLineDraft
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
        self._parts: dict[
            tuple[Any, ...], tuple[tuple[FiscalLine, ...], tuple[FiscalPayment, ...]]
        ] = {}

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

    def parts(
        self, draft: InvoiceDraft, totals: DocumentTotals
    ) -> tuple[tuple[FiscalLine, ...], tuple[FiscalPayment, ...]]:
        """The lines of the fiscal document, and how it says that it is paid."""
        key = (
            id(totals),
            draft.payment_method,
            draft.payment_term_days,
            *map(id, draft.lines),
        )
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = (
                fiscal_lines(draft.lines, totals),
                (FiscalPayment(draft.payment_method, totals.total, draft.payment_term_days),),
            )
        return found


def fiscal_lines(
    lines: Sequence[InvoiceLineDraft], totals: DocumentTotals
) -> tuple[FiscalLine, ...]:
    """The lines of a fiscal document."""
    return tuple(
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
        for line, sums in zip(lines, totals.lines, strict=True)
    )


def request_for(invoice_id: UUID, one: Ready, shared: Shared) -> InvoiceRequest:
    """The fiscal document that an invoice asks for, not numbered yet."""
    draft = one.draft
    lines, payments = shared.parts(draft, one.totals)
    return InvoiceRequest(
        document_id=invoice_id,
        branch_code=one.branch_code,
        issue_point_code=one.issue_point_code,
        sequence=0,
        issued_on=draft.issued_on,
        counterpart=one.customer,
        additional_info=draft.additional_info,
        priority=COUNTER_PRIORITY if draft.source == "till" else 0,
        by_run=draft.by_run,
        lines=lines,
        payments=payments,
    )
