"""The one way an invoice is born: drafts in, numbered and stored invoices out, in bulk.

One call reads what it needs in a handful of queries, computes in Python with Decimals, brings the rows
to the server and takes the numbers last (one UPDATE per point, so a rollback leaves no gap). A counter
sale and a run of the 25th take the same path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import InvoicesIssued
from core.contracts.sales import InvoiceDraft, InvoiceRef
from core.db.arrays import array_text
from core.db.events import emit_all
from core.db.tenancy import scope_of
from core.errors import DomainError, NotFound
from core.i18n import _
from plugins.sales.domain.drafts import check_drafts
from plugins.sales.domain.vocabulary import MAX_DRAFTS, PRACTICE
from plugins.sales.models import Invoice
from plugins.sales.services.environment import read_environment
from plugins.sales.services.practice import SHOWN, as_practice
from plugins.sales.services.prepare_drafts import Ready
from plugins.sales.services.use_credit import cover_from_credit
from plugins.sales.services.write_invoices import prepare_invoices

TOLD_AT_ONCE = 20  # invoices in an event: what fails for one is tried again for all of them
BY_HAND = 20  # drafts: up to here a second call with the same keys waits for the first


def issue_invoices(
    session: Session, drafts: Sequence[InvoiceDraft], *, now: datetime
) -> list[InvoiceRef]:
    """Number, total and store the drafts (at most 4000); refs in the order given.

    Issuing the same ``(source, source_key)`` again returns the first invoice with ``created`` False.
    Requests the fiscal documents where a plugin offers them and emits ``InvoicesIssued``. Raises
    ``DomainError`` for a draft that cannot be an invoice; nothing is written then. Of more than
    ``BY_HAND`` drafts a second call at the same moment is refused by the database.
    """
    if len(drafts) > MAX_DRAFTS:
        raise DomainError(
            _("At most %(limit)s invoices at a time. Send them in parts.", limit=MAX_DRAFTS),
            code="too_many_drafts",
        )
    today, environment = to_local_date(now), read_environment(session)
    if environment == PRACTICE:
        drafts = as_practice(drafts)
    check_drafts(drafts, today=today)
    if len(drafts) <= BY_HAND:
        _wait_for_twins(session, drafts)
    refs = _issued_before(session, drafts)
    fresh = _without_repeats(drafts, refs)
    if fresh:
        made = prepare_invoices(session, fresh, environment, now=now).store()
        refs |= {(one.draft.source, one.draft.source_key): ref for ref, one in made}
        if environment != PRACTICE:
            emit_all(session, _told(made), now=now)
            cover_from_credit(
                session,
                [(ref.id, one.draft.customer_id, ref.total, one.draft.source) for ref, one in made],
                now=now,
            )
    return [refs[(draft.source, draft.source_key)] for draft in drafts]


def _wait_for_twins(session: Session, drafts: Sequence[InvoiceDraft]) -> None:
    """Let a second request with the same key wait until the first has committed (double click).

    Of many drafts, which are no click, the unique key on ``source_key`` refuses the second.
    """
    tenant = scope_of(session).tenant_id
    for name in sorted({f"{tenant}/{one.source}/{one.source_key}" for one in drafts}):
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
            "sources": array_text(one.source for one in drafts),
            "keys": array_text(one.source_key for one in drafts),
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
