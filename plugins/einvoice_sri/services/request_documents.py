"""Taking requests for fiscal documents: store the snapshot, defer the job; the service ``FiscalIssuing``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.orm import Session

from core import jobs
from core.adapters.clock import to_local_date
from core.contracts.codec import from_json, to_texts
from core.contracts.fiscal import (
    CreditNoteRequest,
    DebitNoteRequest,
    DispatchGuideRequest,
    FiscalLine,
    FiscalRequest,
    FiscalStatus,
    InvoiceRequest,
    PurchaseSettlementRequest,
    WithholdingRequest,
)
from core.db.bulk import Staged, stage_rows
from core.db.copy_text import JsonText
from core.db.tenancy import scope_of, utc_now
from core.domain.money import to_cents
from core.ids import texts_of
from core.services import settings as tenant_settings
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.domain.tipos import Regimen
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.build_document import check_requests
from plugins.einvoice_sri.services.read_issuer import IssuerReader
from plugins.einvoice_sri.services.read_states import statuses

KINDS: dict[type[FiscalRequest], str] = {
    InvoiceRequest: "01",
    PurchaseSettlementRequest: "03",
    CreditNoteRequest: "04",
    DebitNoteRequest: "05",
    DispatchGuideRequest: "06",
    WithholdingRequest: "07",
}
CLASSES = {kind: cls for cls, kind in KINDS.items()}
CHUNK = 200
COUNTER = 100  # from this priority on a document has a job of its own
BULK_FROM = 20
EMIT = "einvoice_sri.emit"
ZERO = Decimal("0.00")
NO_MESSAGES: tuple[str, ...] = ()
SAID_BY_COLUMNS = (
    "document_id",
    "branch_code",
    "issue_point_code",
    "sequence",
    "issued_on",
    "counterpart.tax_id_type",
    "counterpart.tax_id",
    "counterpart.legal_name",
    "counterpart.email",
)


class Issuing:
    """``FiscalIssuing`` as other plugins call it."""

    def request(
        self, session: Session, requests: Sequence[FiscalRequest], *, now: datetime
    ) -> None:
        """Store the requests and defer the jobs that sign and send them after the commit."""
        request_documents(session, requests, now=now)

    def prepare(
        self, session: Session, requests: Sequence[FiscalRequest], *, now: datetime
    ) -> UnnumberedRequests:
        """The requests with everything but their numbers."""
        return prepare_documents(session, requests, now=now)

    def statuses(
        self, session: Session, document_ids: Iterable[UUID]
    ) -> Mapping[UUID, FiscalStatus]:
        """Where these documents stand; ids never requested are left out."""
        return statuses(session, document_ids)


def request_documents(
    session: Session, requests: Sequence[FiscalRequest], *, now: datetime
) -> None:
    """Store ``requests``, which have their numbers, in the caller's transaction and defer their jobs.

    A request with an id that is known already is a bug of the caller: the database refuses it. Raises
    as ``UnnumberedRequests.store`` does.
    """
    sequences = [one.sequence for one in requests]
    prepare_documents(session, requests, now=now).store(sequences)


@dataclass(frozen=True, slots=True)
class UnnumberedRequests:
    """Requests that lack nothing but their numbers. Few are still to be checked and written down, of
    many the rows are staged.
    """

    session: Session
    requests: Sequence[FiscalRequest]
    now: datetime
    issuers: IssuerReader
    environment: int
    is_checked: bool
    staged: Staged | None = None

    def store(self, sequences: Sequence[int]) -> None:
        """Number them, store them, and defer the jobs that sign and send them after the commit.

        What a person has just made (fewer than ``BULK_FROM``) is checked: ``DomainError`` says what
        SRI would refuse, and the caller's transaction gives the number back. A large run is checked
        where it is signed, except that of a negocio popular, who may charge no IVA at all.
        """
        if self.is_checked:
            check_requests(
                [
                    replace(one, sequence=at)
                    for one, at in zip(self.requests, sequences, strict=True)
                ],
                self.issuers,
                environment=self.environment,
                today=to_local_date(self.now),
            )
        staged = self.staged or _stage(self.session, self.requests, self.environment, self.now)
        staged.insert(sequence=sequences)
        tenant = scope_of(self.session).tenant_id
        waiting = [
            (-one.priority, at, one.document_id)
            for one, at in zip(self.requests, sequences, strict=True)
        ]
        jobs.defer_many(self.session, list(_deferrals(tenant, sorted(waiting))))


def prepare_documents(
    session: Session, requests: Sequence[FiscalRequest], *, now: datetime
) -> UnnumberedRequests:
    """Make everything ready but the numbers."""
    environment = int(tenant_settings.read(session, settings.ENVIRONMENT))
    issuers = IssuerReader(session)
    few = len(requests) < BULK_FROM
    is_checked = few or _is_popular(requests[0], issuers, environment)
    staged = None if few else _stage(session, requests, environment, now)
    return UnnumberedRequests(session, requests, now, issuers, environment, is_checked, staged)


def _stage(
    session: Session, requests: Sequence[FiscalRequest], environment: int, now: datetime
) -> Staged:
    tenant, created_at = scope_of(session).tenant_id, utc_now()
    texts = map(JsonText, to_texts(requests, without=SAID_BY_COLUMNS))
    rows = [
        _row(*one, tenant=tenant, created_at=created_at, environment=environment, now=now)
        for one in zip(requests, texts, _totals(requests), strict=True)
    ]
    return stage_rows(session, cast(Table, FiscalDocument.__table__), COLUMNS, rows)


def _is_popular(request: FiscalRequest, issuers: IssuerReader, environment: int) -> bool:
    emisor = issuers.emisor(
        branch_code=request.branch_code, on=request.issued_on, environment=environment
    )
    return emisor.regimen is Regimen.RIMPE_NEGOCIO_POPULAR


COLUMNS = (
    "id",
    "tenant_id",
    "created_at",
    "kind",
    "environment",
    "is_simulated",
    "branch_code",
    "issue_point_code",
    "issued_on",
    "receiver_tax_id_type",
    "receiver_tax_id",
    "receiver_name",
    "receiver_email",
    "total",
    "priority",
    "request",
    "state",
    "code",
    "messages",
    "sends",
    "questions",
    "requested_at",
)


def _totals(requests: Sequence[FiscalRequest]) -> Iterator[Decimal]:
    """What each comes to; lines that many invoices of a run share are added up once."""
    known: dict[tuple[int, Decimal], Decimal] = {}
    for one in requests:
        if isinstance(one, InvoiceRequest):
            key = (id(one.lines), one.tip)
            if key not in known:
                known[key] = total_of(one)
            yield known[key]
        else:
            yield total_of(one)


def _row(
    request: FiscalRequest,
    snapshot: Any,
    total: Decimal,
    *,
    tenant: UUID | None,
    created_at: datetime,
    environment: int,
    now: datetime,
) -> tuple[Any, ...]:
    who = request.counterpart
    return (
        request.document_id,
        tenant,
        created_at,
        KINDS[type(request)],
        environment,
        False,
        request.branch_code,
        request.issue_point_code,
        request.issued_on,
        who.tax_id_type,
        who.tax_id,
        who.legal_name,
        who.email,
        total,
        request.priority,
        snapshot,
        "requested",
        "",
        NO_MESSAGES,
        0,
        0,
        now,
    )


def _deferrals(
    tenant: UUID | None, waiting: Sequence[tuple[int, int, UUID]]
) -> Iterator[jobs.Deferral]:
    """Of documents as ``(-priority, sequence, id)``, in that order."""
    counter = [one for one in waiting if -one[0] >= COUNTER]
    for below, _at, document_id in counter:
        yield emission(tenant, [document_id], priority=-below)
    rest = waiting[len(counter) :]
    for start in range(0, len(rest), CHUNK):
        chunk = rest[start : start + CHUNK]
        yield emission(tenant, [one[2] for one in chunk], priority=-chunk[0][0])


def emission(
    tenant: UUID | None,
    document_ids: Sequence[UUID],
    *,
    at: datetime | None = None,
    priority: int = 0,
) -> jobs.Deferral:
    """The job that carries these documents one step on, whatever step that is."""
    args = {"tenant": str(tenant), "documents": texts_of(document_ids)}
    return jobs.Deferral(EMIT, args, at=at, priority=priority)


def total_of(request: FiscalRequest) -> Decimal:
    """What the document comes to (USD); 0.00 for a guía."""
    match request:
        case InvoiceRequest():
            return _lines(request.lines) + request.tip
        case PurchaseSettlementRequest() | CreditNoteRequest():
            return _lines(request.lines)
        case DebitNoteRequest():
            reasons = sum((amount for _reason, amount in request.reasons), ZERO)
            return to_cents(reasons + sum((one.amount for one in request.taxes), ZERO))
        case WithholdingRequest():
            return to_cents(sum((one.amount for one in request.taxes), ZERO))
        case _:
            return ZERO


def _lines(lines: Iterable[FiscalLine]) -> Decimal:
    amount = ZERO
    for line in lines:
        amount += line.subtotal
        for tax in line.taxes:
            amount += tax.amount
    return to_cents(amount)


def request_of(document: FiscalDocument) -> FiscalRequest:
    """The request as it was asked for: the snapshot, and what columns say (``SAID_BY_COLUMNS``)."""
    told: dict[str, Any] = document.request
    who = {
        **told["counterpart"],
        "tax_id_type": document.receiver_tax_id_type,
        "tax_id": document.receiver_tax_id,
        "legal_name": document.receiver_name,
        "email": document.receiver_email,
    }
    of_columns = {
        "document_id": str(document.id),
        "branch_code": document.branch_code,
        "issue_point_code": document.issue_point_code,
        "sequence": document.sequence,
        "issued_on": document.issued_on.isoformat(),
        "counterpart": who,
    }
    return from_json(CLASSES[document.kind], {**told, **of_columns})
