"""Writing down what SRI said: state, attempts, envelope, event, mail intent, pause, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from core.contracts.events import DocumentAuthorized, DocumentRejected
from core.db.arrays import among, insert_rows, update_rows
from core.db.events import emit
from core.db.tenancy import scope_of
from core.models import Tenant
from core.services import companies
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.domain.estados import ENDS, STANDING, Estado, detiene, pausa
from plugins.einvoice_sri.domain.ports import Mensaje
from plugins.einvoice_sri.domain.sobre import fecha_de, mismo_documento, partes
from plugins.einvoice_sri.models.documents import DocumentAttempt, FiscalDocument
from plugins.einvoice_sri.services.document_blobs import Envelope, add_envelopes
from plugins.einvoice_sri.services.intend_mail import intend_mails
from plugins.einvoice_sri.services.pauses import pause
from plugins.einvoice_sri.services.send_document import Delivery, Outcome

ADDRESS = "address"
_CHANGED = (
    "id",
    "state",
    "code",
    "messages",
    "sends",
    "questions",
    "received_at",
    "authorized_at",
    "next_at",
    "claimed_until",
)


def record(
    session: Session,
    talked: Sequence[tuple[Delivery, Outcome]],
    *,
    now: datetime,
) -> None:
    """Write the outcomes of conversations; a document that another worker has brought to its end
    meanwhile keeps its state, the attempts are kept in any case.
    """
    rows = _locked(session, [delivery.document_id for delivery, _outcome in talked])
    _write_attempts(session, [outcome for _delivery, outcome in talked])
    authorized: list[FiscalDocument] = []
    envelopes: list[Envelope] = []
    for delivery, outcome in talked:
        row = rows[delivery.document_id]
        row.sends += outcome.sends
        row.questions += outcome.questions
        row.claimed_until = None
        if Estado(row.state) in ENDS:
            continue
        _apply(session, row, outcome, now)
        if outcome.estado is Estado.AUTHORIZED and outcome.autorizacion is not None:
            envelopes.append(_envelope(delivery, outcome))
            authorized.append(row)
    _finish(session, rows, authorized, envelopes, now)


def record_late(session: Session, delivery: Delivery, outcome: Outcome, *, now: datetime) -> None:
    """Write what SRI said when a person asked again about the key of a refused document. Only
    AUTORIZADO about the key that it still has moves it; the attempt is kept in any case.
    """
    rows = _locked(session, [delivery.document_id])
    row = rows[delivery.document_id]
    _write_attempts(session, [outcome])
    row.questions += outcome.questions
    authorized: list[FiscalDocument] = []
    is_refused = row.state == Estado.REJECTED and row.access_key == delivery.clave
    if is_refused and outcome.estado is Estado.AUTHORIZED:
        _apply(session, row, outcome, now)
        authorized.append(row)
    _finish(session, rows, authorized, [_envelope(delivery, outcome) for _ in authorized], now)


def _finish(
    session: Session,
    rows: Mapping[UUID, FiscalDocument],
    authorized: Sequence[FiscalDocument],
    envelopes: Sequence[Envelope],
    now: datetime,
) -> None:
    """Write the rows back; keep, tell and mail what is authorised."""
    update_rows(
        session,
        FiscalDocument,
        [{name: getattr(row, name) for name in _CHANGED} for row in rows.values()],
    )
    add_envelopes(session, envelopes)
    _announce(session, authorized, now)
    intend_mails(session, authorized, occasion="authorized", now=now)


def _locked(session: Session, ids: Iterable[UUID]) -> dict[UUID, FiscalDocument]:
    """The documents without their snapshots, to be changed in memory and written in one statement."""
    query = select(FiscalDocument).where(among(FiscalDocument.id, ids))
    found = session.scalars(
        query.options(defer(FiscalDocument.request)).order_by(FiscalDocument.id).with_for_update()
    ).all()
    session.expunge_all()
    return {one.id: one for one in found}


def _apply(session: Session, row: FiscalDocument, outcome: Outcome, now: datetime) -> None:
    row.state = outcome.estado
    row.code = outcome.code[:40]
    row.messages = as_json(outcome.mensajes)
    if outcome.estado in ENDS:
        row.next_at = None
    else:
        row.next_at = now + pausa(row.questions + row.sends)
    if outcome.estado is Estado.RECEIVED or outcome.is_verdict:
        row.received_at = row.received_at or now
    if outcome.is_blocked:
        pause(session, code=ADDRESS, detail=outcome.intentos[-1].resultado, now=now)
    if outcome.estado is Estado.AUTHORIZED and outcome.autorizacion is not None:
        row.authorized_at = fecha_de(outcome.autorizacion.fecha) or now
    if detiene(outcome.estado, outcome.code):
        pause(session, code=outcome.code, detail=_first(outcome.mensajes), now=now, document=row)
    if outcome.estado in (Estado.REJECTED, Estado.PAUSED):
        emit(
            session,
            DocumentRejected(
                document_id=row.id,
                kind=row.kind,
                access_key=row.access_key or "",
                number=row.number,
                code=outcome.code,
                message=_first(outcome.mensajes),
            ),
            now=now,
        )


def _envelope(delivery: Delivery, outcome: Outcome) -> Envelope:
    node = outcome.autorizacion
    if node is None:
        raise ValueError("no authorisation")
    head, tail = partes(node, delivery.clave)
    given = node.comprobante or ""
    if mismo_documento(delivery.xml, given):
        return Envelope(delivery.document_id, head, tail)
    return Envelope(delivery.document_id, head, tail, replaced=given.encode())


def _write_attempts(session: Session, outcomes: Sequence[Outcome]) -> None:
    rows = [
        {
            "document_id": outcome.document_id,
            "operation": one.operacion,
            "at": one.at,
            "duration_ms": one.duration_ms,
            "request_sha256": one.request_sha256,
            "outcome": one.resultado[:40],
            "messages": as_json(one.mensajes),
        }
        for outcome in outcomes
        for one in outcome.intentos
    ]
    insert_rows(session, DocumentAttempt, rows)


def _announce(session: Session, documents: Sequence[FiscalDocument], now: datetime) -> None:
    documents = [one for one in documents if one.environment != settings.PRACTICE]
    if not documents:
        return
    tenant = session.get_one(Tenant, scope_of(session).tenant_id)
    name = companies.profile(session).legal_name
    for row in documents:
        if row.authorized_at is None or Estado(row.state) not in STANDING:
            raise ValueError("announced before it is authorised")
        emit(
            session,
            DocumentAuthorized(
                document_id=row.id,
                kind=row.kind,
                access_key=row.access_key or "",
                number=row.number,
                issued_on=row.issued_on,
                issuer_tax_id=tenant.tax_id,
                issuer_name=name,
                receiver_tax_id_type=row.receiver_tax_id_type,
                receiver_tax_id=row.receiver_tax_id,
                receiver_name=row.receiver_name,
                receiver_email=row.receiver_email,
                total=row.total,
                environment=row.environment,
                authorized_at=row.authorized_at,
            ),
            now=now,
        )


def as_json(mensajes: Iterable[Mensaje]) -> list[dict[str, Any]]:
    """Messages as they are kept in a row."""
    return [asdict(one) for one in mensajes]


def from_json(rows: Iterable[dict[str, Any]]) -> tuple[Mensaje, ...]:
    """Messages as they were kept."""
    return tuple(Mensaje(**one) for one in rows)


def _first(mensajes: tuple[Mensaje, ...]) -> str:
    chosen = next((one for one in mensajes if not one.is_warning), None)
    if chosen is None:
        return ""
    return f"{chosen.mensaje.strip()} {chosen.informacion_adicional.strip()}".strip()
