"""What may have become of a document that SRI refuses for its date (65) after it took it in once.

Its key may be authorised after all, so no second key is made until SRI has decided about the first, or
still has nothing for it when the time that SRI may take (``PLAZO``) is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local
from core.i18n import _
from plugins.einvoice_sri.domain.estados import PLAZO, YA_ESTA, Estado
from plugins.einvoice_sri.domain.ports import (
    DEVUELTA,
    EN_PROCESO_ESCRITOS,
    NO_AUTORIZADO,
    RECIBIDA,
)
from plugins.einvoice_sri.models.documents import DocumentAttempt, FiscalDocument
from plugins.einvoice_sri.services.correct_document import LATE

NOTHING = "NADA"


@dataclass(frozen=True, slots=True)
class Fate:
    """``is_open``: SRI may still authorise the key. ``said`` and ``asked_at`` are of the last question
    since the last delivery; from ``counts_from`` on an answer that SRI has nothing is believed.
    """

    is_open: bool = False
    said: str = ""
    asked_at: datetime | None = None
    counts_from: datetime | None = None


def fate_of(session: Session, document: FiscalDocument) -> Fate:
    """What the attempts say about the present key of a document."""
    attempts = session.scalars(
        select(DocumentAttempt)
        .where(DocumentAttempt.document_id == document.id)
        .order_by(DocumentAttempt.at, DocumentAttempt.id)
    )
    return fate(attempts, document.access_key or "")


def fate(attempts: Iterable[DocumentAttempt], clave: str) -> Fate:
    """The fate of ``clave`` after ``attempts``, oldest first."""
    is_open = is_returned = False
    said, asked_at, counts_from = "", None, None
    digest = sha256(clave.encode()).hexdigest()
    for one in attempts:
        if one.operation == "recepcion":
            is_taken = one.outcome == RECIBIDA or (one.outcome == DEVUELTA and _is_there(one))
            is_returned = one.outcome == DEVUELTA and not is_taken
            is_open |= is_taken
            if not is_returned:  # an answer that was lost may have been RECIBIDA
                counts_from = one.at + PLAZO
            said, asked_at = "", None
        elif one.operation == "autorizacion":
            is_late = counts_from is not None and one.at >= counts_from
            if one.request_sha256 == digest:
                said, asked_at = one.outcome, one.at
                is_open &= not (one.outcome == NOTHING and is_returned and is_late)
            is_open &= one.outcome != NO_AUTORIZADO
    return Fate(is_open, said, asked_at, counts_from)


def _is_there(attempt: DocumentAttempt) -> bool:
    return any(one["identificador"].strip().lstrip("0") in YA_ESTA for one in attempt.messages)


def open_fate(session: Session, document: FiscalDocument) -> Fate | None:
    """The fate of a document refused for its date that SRI may still authorise; None: any other."""
    if document.state != Estado.REJECTED or document.code != LATE:
        return None
    found = fate_of(session, document)
    return found if found.is_open else None


def fate_words(found: Fate) -> str:
    """Why there is no second key yet, what SRI said last, and what to do."""
    if found.asked_at is None:
        return _(
            "SRI took this document in once and never said what became of it, so its key may be"
            " authorised. Ask SRI again: until it answers there is no second key."
        )
    at = _at(found.asked_at)
    if found.said == NOTHING and found.counts_from is not None:
        return _(
            "On %(at)s SRI had nothing for its key, but it may still be deciding: ask again from"
            " %(since)s on. Until then there is no second key.",
            at=at,
            since=_at(found.counts_from),
        )
    if found.said.strip().upper() in ("", *EN_PROCESO_ESCRITOS):
        return _(
            "On %(at)s SRI was still deciding about its key. The document stays as it is: ask again"
            " later.",
            at=at,
        )
    return _(
        "On %(at)s SRI gave no answer that decides (%(said)s). The document stays as it is: ask again"
        " later.",
        at=at,
        said=found.said,
    )


def _at(instant: datetime) -> str:
    return f"{to_local(instant):%d/%m/%Y %H:%M}"
