"""Asking SRI again about a document that it refused for its date after it had taken it in (``read_fate``)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from core import jobs
from core.db.session import tenant_work
from core.db.tenancy import scope_of
from core.errors import Conflict
from core.i18n import _
from plugins.einvoice_sri.domain.estados import (
    Estado,
    Respuesta,
    de_autorizacion,
    elegir,
    siguiente,
)
from plugins.einvoice_sri.domain.ports import (
    Intento,
    Mensaje,
    RespuestaAutorizacion,
    SriError,
    SriGateway,
)
from plugins.einvoice_sri.services.cancel_document import find_document
from plugins.einvoice_sri.services.document_blobs import read_signed
from plugins.einvoice_sri.services.read_fate import NOTHING, open_fate
from plugins.einvoice_sri.services.record_outcomes import record_late
from plugins.einvoice_sri.services.send_document import Delivery, Outcome

ASK = "einvoice_sri.ask_fate"


def defer_question(session: Session, document_id: UUID) -> None:
    """Let a worker ask SRI for the key of a refused document; pressing twice asks once.

    Raises ``Conflict`` when nothing of the document is open at SRI.
    """
    document = find_document(session, document_id, lock=True)
    if open_fate(session, document) is None:
        raise Conflict(
            _("SRI has said what became of this document; look at it again."), code="sri_state"
        )
    args = {"tenant": str(scope_of(session).tenant_id), "document": str(document_id)}
    # one question after the other: an answer is written down before the next one is asked
    name = f"{ASK}:{document_id}"
    jobs.defer(session, ASK, args, priority=50, lock=name, queueing_lock=name)


def ask_fate(
    tenant: UUID, document_id: UUID, gateway_of: Callable[[int], SriGateway], *, now: datetime
) -> None:
    """Ask, outside any transaction, and write down the answer. AUTORIZADO authorises the document;
    every other answer is kept with the attempts, where ``read_fate`` reads what follows from it.
    """
    with tenant_work(tenant) as session:
        document = find_document(session, document_id)
        if open_fate(session, document) is None:
            return
        delivery = Delivery(
            document_id=document.id,
            clave=document.access_key or "",
            xml=read_signed(session, [document.id])[document.id],
            estado=Estado(document.state),
            is_fresh=False,
        )
        environment = document.environment
    try:
        answer = gateway_of(environment).authorization(delivery.clave, delivery.xml)
    except SriError as error:
        outcome = Outcome(delivery.document_id, delivery.estado, questions=1)
        outcome.intentos.append(_attempt(delivery, now, error.kind, error.duration_ms))
    else:
        outcome = _outcome(delivery, answer, now)
    with tenant_work(tenant) as session:
        record_late(session, delivery, outcome, now=now)


def _outcome(delivery: Delivery, answer: RespuestaAutorizacion, now: datetime) -> Outcome:
    node = elegir(answer)
    outcome = Outcome(delivery.document_id, delivery.estado, questions=1)
    said, mensajes = (NOTHING, ()) if node is None else (node.estado[:40], node.mensajes)
    attempt = _attempt(delivery, now, said, answer.duration_ms, mensajes)
    outcome.intentos.append(attempt)
    if node is not None and de_autorizacion(answer) is Respuesta.AUTORIZADO:
        outcome.estado = siguiente(delivery.estado, Respuesta.AUTORIZADO)
        outcome.autorizacion, outcome.mensajes = node, node.mensajes
        outcome.is_verdict = True
    return outcome


def _attempt(
    delivery: Delivery,
    at: datetime,
    said: str,
    duration_ms: int,
    mensajes: tuple[Mensaje, ...] = (),
) -> Intento:
    digest = sha256(delivery.clave.encode()).hexdigest()
    return Intento("autorizacion", at, duration_ms, digest, said, mensajes)
