"""The rows of new invoices: made and staged without numbers, which others wait for, then numbered and
inserted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.orm import Session

from core import plugins
from core.contracts.sales import InvoiceDraft, InvoiceLineDraft, InvoiceRef
from core.contracts.services import FiscalIssuing, UnnumberedDocuments
from core.db.bulk import Staged, stage_rows
from core.db.tenancy import scope_of
from core.errors import ServiceMissing
from core.ids import new_ids
from core.services import numbering
from plugins.sales.domain.totals import LineTotal
from plugins.sales.domain.vocabulary import INVOICE_KIND
from plugins.sales.models import Invoice, InvoiceLine
from plugins.sales.services.fiscal_requests import Shared, request_for
from plugins.sales.services.prepare_drafts import Ready, prepare_drafts

INVOICE_COLUMNS = (
    "id",
    "tenant_id",
    "created_at",
    "customer_id",
    "issue_point_id",
    "salesperson_id",
    "environment",
    "customer_type",
    "customer_tax_id",
    "customer_name",
    "customer_email",
    "customer_address",
    "customer_phone",
    "issued_on",
    "issued_at",
    "due_on",
    "payment_method",
    "payment_term_days",
    "subtotal",
    "discount",
    "tax",
    "total",
    "taxes",
    "additional_info",
    "source",
    "source_key",
    "state",
    "balance",
)
LINE_COLUMNS = ("id", "invoice_id", "position")
LINES_ALIKE = (
    "tenant_id",
    "created_at",
    "product_id",
    "code",
    "description",
    "quantity",
    "unit_price",
    "discount",
    "subtotal",
    "tax_code",
    "tax_rate",
    "tax_amount",
    "details",
    "derivation",
)


@dataclass(frozen=True, slots=True)
class UnnumberedInvoices:
    """Invoices that lack nothing but their numbers; those of an emission point stand together."""

    session: Session
    ready: Sequence[Ready]
    ids: Sequence[UUID]
    environment: int
    invoices: Staged
    lines: Staged
    documents: UnnumberedDocuments | None

    def store(self) -> list[tuple[InvoiceRef, Ready]]:
        """Take the numbers and write everything; whoever needs numbers of these points waits until
        the transaction ends. Raises ``DomainError`` when a point has used up its numbers.
        """
        sequences = [*self._sequences()]
        numbers = [one.number(at) for one, at in zip(self.ready, sequences, strict=True)]
        self.invoices.insert(number=numbers)
        self.lines.insert()
        if self.documents is not None:
            self.documents.store(sequences)
        return [
            (InvoiceRef(made, number, one.totals.total, one.draft.source_key, created=True), one)
            for made, number, one in zip(self.ids, numbers, self.ready, strict=True)
        ]

    def _sequences(self) -> Iterator[int]:
        points = [one.draft.issue_point_id for one in self.ready]
        for point in dict.fromkeys(points):
            yield from numbering.allocate(
                self.session,
                issue_point_id=point,
                document_kind=INVOICE_KIND,
                environment=self.environment,
                count=points.count(point),
            )


def prepare_invoices(
    session: Session, drafts: Sequence[InvoiceDraft], environment: int, *, now: datetime
) -> UnnumberedInvoices:
    """The rows of these drafts, staged. Raises ``DomainError`` for one that cannot be an invoice."""
    ready = sorted(prepare_drafts(session, drafts), key=lambda one: one.draft.issue_point_id)
    fresh = iter(new_ids(sum(one.draft.id is None for one in ready)))
    ids = [one.draft.id or next(fresh) for one in ready]
    shared = Shared()
    tenant = scope_of(session).tenant_id
    made = [*zip(ids, ready, strict=True)]
    invoices = [
        _invoice(one, made_id, shared, tenant=tenant, environment=environment, now=now)
        for made_id, one in made
    ]
    staged = stage_rows(session, cast(Table, Invoice.__table__), INVOICE_COLUMNS, invoices)
    lines = [*_lines(made, tenant, now, shared)]
    line_table = cast(Table, InvoiceLine.__table__)
    staged_lines = stage_rows(session, line_table, LINE_COLUMNS, lines, alike=LINES_ALIKE)
    documents = None
    try:
        fiscal = plugins.service(FiscalIssuing)
    except ServiceMissing:
        pass
    else:
        requests = [request_for(made_id, one, shared) for made_id, one in made]
        documents = fiscal.prepare(session, requests, now=now)
    return UnnumberedInvoices(session, ready, ids, environment, staged, staged_lines, documents)


def _invoice(
    one: Ready,
    made: UUID,
    shared: Shared,
    *,
    tenant: UUID | None,
    environment: int,
    now: datetime,
) -> tuple[Any, ...]:
    draft, totals, buyer = one.draft, one.totals, one.customer
    return (
        made,
        tenant,
        now,
        draft.customer_id,
        draft.issue_point_id,
        draft.salesperson_id,
        environment,
        buyer.tax_id_type,
        buyer.tax_id,
        buyer.legal_name,
        buyer.email,
        buyer.address,
        buyer.phone,
        draft.issued_on,
        now,
        draft.due_on,
        draft.payment_method,
        draft.payment_term_days,
        totals.subtotal,
        totals.discount,
        totals.tax,
        totals.total,
        shared.taxes(totals),
        shared.pairs(draft.additional_info),
        draft.source,
        draft.source_key,
        "issued",
        totals.total,
    )


def _lines(
    made: Sequence[tuple[UUID, Ready]], tenant: UUID | None, now: datetime, shared: Shared
) -> Iterator[tuple[Any, ...]]:
    line_ids = iter(new_ids(sum(len(one.draft.lines) for _made, one in made)))
    known: dict[tuple[int, int], tuple[Any, ...]] = {}  # many invoices of a run have the same line
    for invoice_id, one in made:
        for position, pair in enumerate(
            zip(one.draft.lines, one.totals.lines, strict=True), start=1
        ):
            key = id(pair[0]), id(pair[1])
            if key not in known:
                known[key] = (tenant, now, *_line(*pair, shared))
            yield (next(line_ids), invoice_id, position, known[key])


def _line(line: InvoiceLineDraft, sums: LineTotal, shared: Shared) -> tuple[Any, ...]:
    """What its row holds, from the product on."""
    return (
        line.product_id,
        line.code,
        line.description,
        line.quantity,
        line.unit_price,
        line.discount,
        sums.subtotal,
        line.tax_code,
        sums.rate,
        sums.tax,
        shared.pairs(line.details),
        None if line.derivation is None else dict(line.derivation),
    )
