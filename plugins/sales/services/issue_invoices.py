"""The one way an invoice is born: drafts in, numbered and stored invoices out, in bulk.

One call reads what it needs in a handful of queries, computes in Python with Decimals, takes the
numbers last (one UPDATE per point, so a rollback leaves no gap) and writes with COPY. A counter
sale and a run of the 25th take the same path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.events import InvoicesIssued
from core.contracts.fiscal import InvoiceRequest
from core.contracts.sales import InvoiceDraft, InvoiceRef
from core.contracts.services import FiscalIssuing
from core.db.events import emit_all
from core.db.tenancy import scope_of
from core.errors import DomainError, NotFound, ServiceMissing
from core.i18n import _
from core.ids import new_ids
from core.services import numbering
from plugins.sales.domain.drafts import check_draft
from plugins.sales.domain.vocabulary import INVOICE_KIND, MAX_DRAFTS, PRACTICE
from plugins.sales.models import Invoice, InvoiceLine
from plugins.sales.services.environment import read_environment
from plugins.sales.services.fiscal_requests import Shared, request_for
from plugins.sales.services.practice import SHOWN, as_practice
from plugins.sales.services.prepare_drafts import Ready, prepare_drafts
from plugins.sales.services.use_credit import cover_from_credit
from plugins.sales.services.write_rows import FEW, write_rows

TOLD_AT_ONCE = 100  # invoices in an event
INVOICE_COLUMNS = (
    "id",
    "tenant_id",
    "created_at",
    "customer_id",
    "issue_point_id",
    "salesperson_id",
    "environment",
    "number",
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
LINE_COLUMNS = (
    "id",
    "tenant_id",
    "created_at",
    "invoice_id",
    "position",
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


def issue_invoices(
    session: Session, drafts: Sequence[InvoiceDraft], *, now: datetime
) -> list[InvoiceRef]:
    """Number, total and store the drafts (at most 2000); refs in the order given.

    Issuing the same ``(source, source_key)`` again returns the first invoice with ``created`` False.
    Requests the fiscal documents where a plugin offers them and emits ``InvoicesIssued``. Raises
    ``DomainError`` for a draft that cannot be an invoice; nothing is written then.
    """
    if len(drafts) > MAX_DRAFTS:
        raise DomainError(
            _("At most %(limit)s invoices at a time. Send them in parts.", limit=MAX_DRAFTS),
            code="too_many_drafts",
        )
    today, environment = to_local_date(now), read_environment(session)
    if environment == PRACTICE:
        drafts = as_practice(drafts)
    for draft in drafts:
        check_draft(draft, today=today)
    # many are made ready before others have to wait for them, few only when they are new
    early = prepare_drafts(session, _without_repeats(drafts, {})) if len(drafts) > FEW else None
    _wait_for_twins(session, drafts)
    refs = _issued_before(session, drafts)
    fresh = _without_repeats(drafts, refs)
    if fresh:
        if early is None:
            ready = prepare_drafts(session, fresh)
        else:
            ready = [one for one in early if (one.draft.source, one.draft.source_key) not in refs]
        made = _store(session, ready, environment, now=now)
        for ref, one in made:
            refs[(one.draft.source, ref.source_key)] = ref
        if environment != PRACTICE:
            cover_from_credit(
                session,
                [(ref.id, one.draft.customer_id, ref.total, one.draft.source) for ref, one in made],
                now=now,
            )
    return [refs[(draft.source, draft.source_key)] for draft in drafts]


def _wait_for_twins(session: Session, drafts: Sequence[InvoiceDraft]) -> None:
    """Let a second request with the same key wait until the first has committed (double click)."""
    tenant = scope_of(session).tenant_id
    if len(drafts) == 1:
        names = [f"{tenant}/{drafts[0].source}/{drafts[0].source_key}"]
    else:
        names = sorted({f"{tenant}/{one.source}" for one in drafts})
    for name in names:
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name}
        )


# Each key is looked up as "the first one not before it": only the unique index gives that order, so
# that no planner, whatever it believes about a table that grows, reads all invoices of the tenant.
_ISSUED = text(
    "SELECT i.id, i.number, i.total, i.source, i.source_key"
    " FROM unnest(CAST(:sources AS text[]), CAST(:keys AS text[])) AS k(source, source_key)"
    " CROSS JOIN LATERAL (SELECT s.id, s.number, s.total, s.source, s.source_key"
    " FROM sales_invoice s WHERE s.tenant_id = :tenant AND s.source = k.source"
    " AND s.source_key >= k.source_key ORDER BY s.source_key LIMIT 1) i"
    " WHERE i.source_key = k.source_key"
)


def _issued_before(
    session: Session, drafts: Sequence[InvoiceDraft]
) -> dict[tuple[str, str], InvoiceRef]:
    rows = session.execute(
        _ISSUED,
        {
            "tenant": scope_of(session).tenant_id,
            "sources": [one.source for one in drafts],
            "keys": [one.source_key for one in drafts],
        },
    )
    return {
        (row.source, row.source_key): InvoiceRef(
            row.id, row.number, row.total, row.source_key, created=False
        )
        for row in rows
    }


def _without_repeats(
    drafts: Sequence[InvoiceDraft], refs: Mapping[tuple[str, str], InvoiceRef]
) -> list[InvoiceDraft]:
    fresh: dict[tuple[str, str], InvoiceDraft] = {}
    for draft in drafts:
        key = (draft.source, draft.source_key)
        if key not in refs:
            fresh.setdefault(key, draft)
    return list(fresh.values())


def _store(
    session: Session, ready: Sequence[Ready], environment: int, *, now: datetime
) -> list[tuple[InvoiceRef, Ready]]:
    try:
        fiscal = plugins.service(FiscalIssuing)
    except ServiceMissing:
        fiscal = None
    by_point: dict[UUID, list[Ready]] = {}
    for one in ready:
        by_point.setdefault(one.draft.issue_point_id, []).append(one)
    numbers = {}
    for point in sorted(by_point):
        numbers[point] = numbering.allocate(
            session,
            issue_point_id=point,
            document_kind=INVOICE_KIND,
            environment=environment,
            count=len(by_point[point]),
        )
    tenant = scope_of(session).tenant_id
    ids = iter(new_ids(len(ready)))  # in the order of the numbers
    line_ids = iter(new_ids(sum(len(one.draft.lines) for one in ready)))
    invoices: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    requests: list[InvoiceRequest] = []
    made: list[tuple[InvoiceRef, Ready]] = []
    shared = Shared()
    for point, ones in by_point.items():
        series = numbers[point]
        head = f"{series.branch_code}-{series.issue_point_code}-"
        for sequence, one in enumerate(ones, start=series.first):
            draft, totals, buyer = one.draft, one.totals, one.customer
            invoice_id, number = next(ids), f"{head}{sequence:09d}"
            invoices.append(
                (
                    invoice_id,
                    tenant,
                    now,
                    draft.customer_id,
                    point,
                    draft.salesperson_id,
                    environment,
                    number,
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
            )
            for position, (line, sums) in enumerate(
                zip(draft.lines, totals.lines, strict=True), start=1
            ):
                lines.append(
                    (
                        next(line_ids),
                        tenant,
                        now,
                        invoice_id,
                        position,
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
                )
            if fiscal is not None:
                requests.append(request_for(invoice_id, series, sequence, one, shared))
            made.append(
                (
                    InvoiceRef(invoice_id, number, totals.total, draft.source_key, created=True),
                    one,
                )
            )
    write_rows(session, Invoice, INVOICE_COLUMNS, invoices)
    write_rows(session, InvoiceLine, LINE_COLUMNS, lines)
    if fiscal is not None:
        fiscal.request(session, requests, now=now)
    if environment != PRACTICE:
        emit_all(session, _told(made), now=now)
    return made


def _told(made: Sequence[tuple[InvoiceRef, Ready]]) -> Iterator[InvoicesIssued]:
    alike: dict[tuple[date, str], list[InvoiceRef]] = {}
    for ref, one in made:
        alike.setdefault((one.draft.issued_on, one.draft.source), []).append(ref)
    for (issued_on, source), refs in alike.items():
        for start in range(0, len(refs), TOLD_AT_ONCE):
            some = refs[start : start + TOLD_AT_ONCE]
            ids, numbers = tuple([one.id for one in some]), tuple([one.number for one in some])
            yield InvoicesIssued(ids, numbers, issued_on, source)


def invoice_row(session: Session, invoice_id: UUID) -> Row[Any]:
    """One invoice's columns, locked until the end of the transaction. Raises ``NotFound``."""
    row = session.execute(
        select(*Invoice.__table__.c)
        .where(Invoice.id == invoice_id)
        .with_for_update()
        .execution_options(**SHOWN)
    ).one_or_none()
    if row is None:
        raise NotFound
    return row
