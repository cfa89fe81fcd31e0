"""Sending a refused document once more: same number, same key, built and signed anew."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import jobs
from core.adapters.clock import to_local_date
from core.db.tenancy import scope_of
from core.errors import Conflict
from core.i18n import _
from core.services.audit import write_audit
from plugins.einvoice_sri.domain.estados import (
    Estado,
    Respuesta,
    TransicionInvalida,
    siguiente,
)
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.cancel_document import find_document
from plugins.einvoice_sri.services.request_documents import emission

HIGH = 50
LATE = "65"  # SRI's code for a date that it does not accept


def correct_document(session: Session, document_id: UUID, *, now: datetime) -> FiscalDocument:
    """A person has corrected the cause (company data, certificate, catalogue): build, sign and send
    again with the same number and key. Raises ``Conflict`` when SRI has not refused it, or refuses its
    date, which sending it again does not change.
    """
    document = find_document(session, document_id, lock=True)
    if document.code == LATE and document.issued_on < to_local_date(now):
        raise Conflict(
            _("SRI refuses its date: correct the document and give it today's."), code="sri_late"
        )
    send_again(session, document)
    return document


def send_again(
    session: Session,
    document: FiscalDocument,
    *,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Let a worker build, sign and send a locked, corrected document; ``details`` are for the audit.

    Raises ``Conflict`` when SRI has not refused it.
    """
    try:
        document.state = siguiente(Estado(document.state), Respuesta.CORREGIDO)
    except TransicionInvalida as error:
        raise Conflict(
            _("Only a document that SRI has refused can be sent again."), code="sri_state"
        ) from error
    document.code, document.messages, document.next_at = "", [], None
    document.received_at = None
    write_audit(session, action="correct_document", subject_id=document.id, details=details)
    session.flush()
    tenant = scope_of(session).tenant_id
    jobs.defer_many(session, [emission(tenant, [document.id], priority=HIGH)])
