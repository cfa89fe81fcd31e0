"""ConsultaComprobante: what became of a document after it was authorised (annulled in SRI's portal)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import jobs
from core.adapters.clock import to_local_date
from core.db.session import tenant_work
from core.db.tenancy import scope_of
from core.services.holidays import add_business_days
from plugins.einvoice_sri.domain.estados import STANDING, Estado
from plugins.einvoice_sri.domain.ports import Consulta, SriError, SriGateway
from plugins.einvoice_sri.models.documents import DocumentAttempt, FiscalDocument
from plugins.einvoice_sri.services.cancel_document import (
    ACCEPTANCE_DAYS,
    WITH_ACCEPTANCE,
    confirm_annulment,
    note_annulment,
    withdraw_annulment,
)

CONSULT = "einvoice_sri.consult"
CHUNK = 50
ANULADO, PENDIENTE, AUTORIZADO = "ANULADO", "PENDIENTE DE ANULAR", "AUTORIZADO"


def defer_consultation(session: Session, document_ids: Sequence[UUID]) -> None:
    """Ask SRI about these documents as soon as a worker is free, outside the transaction at hand."""
    tenant = str(scope_of(session).tenant_id)
    jobs.defer_many(
        session,
        [
            jobs.Deferral(
                CONSULT,
                {
                    "tenant": tenant,
                    "documents": [str(one) for one in document_ids[start : start + CHUNK]],
                },
                priority=50,
            )
            for start in range(0, len(document_ids), CHUNK)
        ],
    )


def annulments_under_way(session: Session) -> Sequence[UUID]:
    """The documents whose annulment was asked for and is not known to be done."""
    query = select(FiscalDocument.id).where(FiscalDocument.state == Estado.ANNULMENT_REQUESTED)
    return session.scalars(query.order_by(FiscalDocument.issued_on, FiscalDocument.id)).all()


def consult_documents(
    tenant: UUID,
    document_ids: Sequence[UUID],
    gateway_of: Callable[[int], SriGateway],
    *,
    now: datetime,
) -> None:
    """Ask about one after the other, each answer in a transaction of its own.

    An answer that is missing or not usable changes nothing: the next round asks again.
    """
    with tenant_work(tenant) as session:
        rows = session.scalars(
            select(FiscalDocument)
            .where(FiscalDocument.id.in_(document_ids), FiscalDocument.state.in_(STANDING))
            .order_by(FiscalDocument.issued_on, FiscalDocument.id)
        )
        asked = [(row.id, row.access_key or "", row.environment) for row in rows]
    for nth, (document_id, clave, environment) in enumerate(asked):
        at = now + timedelta(milliseconds=nth)
        try:
            answer = gateway_of(environment).consult(clave)
        except SriError as error:
            with tenant_work(tenant) as session:
                _note(session, (document_id, clave, at), error.kind, error.duration_ms)
            continue
        with tenant_work(tenant) as session:
            record_consultation(session, document_id, answer, at=at, now=now)


def record_consultation(
    session: Session, document_id: UUID, answer: Consulta, *, at: datetime, now: datetime
) -> None:
    """Write down what SRI said and move the document where SRI's view is another than ours."""
    said = answer.estado.strip().upper()
    messages = [asdict(answer.error)] if answer.error else []
    outcome = said or (answer.error.identificador if answer.error else "NADA")
    _note(session, (document_id, answer.clave, at), outcome, answer.duration_ms, messages)
    document = session.scalars(
        select(FiscalDocument).where(FiscalDocument.id == document_id).with_for_update()
    ).one()
    state = Estado(document.state)
    if said == ANULADO and state in (Estado.AUTHORIZED, Estado.ANNULMENT_REQUESTED):
        confirm_annulment(session, document_id, now=now)
    elif said == PENDIENTE and state is Estado.AUTHORIZED:
        note_annulment(session, document, now=now)
    elif (
        said == AUTORIZADO
        and state is Estado.ANNULMENT_REQUESTED
        and _is_refused(session, document, now)
    ):
        withdraw_annulment(session, document_id, now=now)


def _is_refused(session: Session, document: FiscalDocument, now: datetime) -> bool:
    """The receiver's five working days are over and SRI still shows it as authorised: it stands."""
    if document.kind not in WITH_ACCEPTANCE or document.annulment_at is None:
        return False
    asked_on = to_local_date(document.annulment_at)
    return to_local_date(now) > add_business_days(session, asked_on, ACCEPTANCE_DAYS)


def _note(
    session: Session,
    asked: tuple[UUID, str, datetime],
    outcome: str,
    duration_ms: int,
    messages: list[dict[str, Any]] | None = None,
) -> None:
    document_id, clave, at = asked
    session.add(
        DocumentAttempt(
            document_id=document_id,
            operation="consulta",
            at=at,
            duration_ms=duration_ms,
            request_sha256=sha256(clave.encode()).hexdigest(),
            outcome=outcome[:40],
            messages=messages or [],
        )
    )
