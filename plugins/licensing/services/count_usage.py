"""What the limits and the traffic lights need of a client's own work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.contracts.events import (
    CertificateChanged,
    DocumentAuthorized,
    DocumentRejected,
    InvoicesIssued,
)
from core.db.tenancy import scope_of, utc_now
from core.ids import new_id
from plugins.licensing.models import FirstAccess, Signals, Usage
from plugins.licensing.services.installed_licence import find_installed
from plugins.licensing.services.standing import find_licence, refresh


def count_documents(session: Session, event: InvoicesIssued, *, now: datetime) -> None:
    """More documents in their month; nothing for a tenant without licence or signed document."""
    has_licence = find_licence(session) is not None
    if not has_licence and find_installed(session) is None:
        return
    issued_on = event.issued_on
    month = issued_on.replace(day=1)
    values = {
        "id": new_id(),
        "tenant_id": scope_of(session).tenant_id,
        "created_at": utc_now(),
        "month": month,
        "documents": len(event.invoice_ids),
    }
    row = insert(Usage).values(**values)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["tenant_id", "month"],
            set_={"documents": Usage.documents + row.excluded.documents},
        )
    )
    if not has_licence:
        return
    signals = _signals(session)
    is_new_day = signals.last_document_on is None or signals.last_document_on < issued_on
    if is_new_day:
        signals.last_document_on = issued_on
        session.flush()
        refresh(session, now=now)
    first = session.scalars(select(FirstAccess)).one_or_none()
    if first is not None and first.first_invoice_at is None:
        first.first_invoice_at = now


def note_rejection(session: Session, event: DocumentRejected, *, now: datetime) -> None:
    """SRI refused a document: the distributor's light goes on."""
    if find_licence(session) is not None:
        _signals(session).rejected_documents += 1
        session.flush()
        refresh(session, now=now)


def note_authorization(session: Session, event: DocumentAuthorized, *, now: datetime) -> None:
    """SRI authorised a document: the first one ends the guided first access and its timer."""
    first = session.scalars(
        select(FirstAccess).where(FirstAccess.finished_at.is_(None))
    ).one_or_none()
    if first is not None:
        first.finished_at = now
        first.first_invoice_at = first.first_invoice_at or now
    signals = session.scalars(select(Signals)).one_or_none()
    if signals is not None and signals.rejected_documents:
        signals.rejected_documents -= 1
        session.flush()
        refresh(session, now=now)


def note_certificate(session: Session, event: CertificateChanged, *, now: datetime) -> None:
    """Until when the client can sign: the distributor's light goes on 60 days before."""
    signals = _signals(session)
    if signals.certificate_until != event.ends_on and find_licence(session) is not None:
        signals.certificate_until = event.ends_on
        session.flush()
        refresh(session, now=now)
    signals.certificate_until = event.ends_on


def _signals(session: Session) -> Signals:
    row = session.scalars(select(Signals)).one_or_none()
    if row is None:
        row = Signals(rejected_documents=0)
        session.add(row)
        session.flush()
    return row
