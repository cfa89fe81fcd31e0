"""Guided annulment: SRI has no service for it, so a person does it in the portal and we keep the state.

Rules of 2026 (../shared/sri/README.md, section 9): until day 7 of the following month, the next
working day when that is none; facturas to consumidor final can be neither annulled nor credited;
notes and retenciones need the receiver's acceptance within five working days; more than 1000 a month
need a special request.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.events import AnnulmentChanged
from core.db.events import emit
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.services.audit import write_audit
from core.services.holidays import add_business_days, is_business_day, next_business_day
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.domain.estados import (
    Estado,
    Respuesta,
    TransicionInvalida,
    siguiente,
)
from plugins.einvoice_sri.domain.tipos import CONSUMIDOR_FINAL
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.intend_mail import intend_mails

DEADLINE_DAY = 7
ACCEPTANCE_DAYS = 5
MOST_A_MONTH = 1000
DUE_SOON = timedelta(days=2)
WITH_ACCEPTANCE = frozenset({"04", "05", "07"})  # the receiver has five working days to accept


def annulment_deadline(session: Session, issued_on: date) -> date:
    """The last day on which SRI's portal annuls a document of that date."""
    year, month = (
        (issued_on.year + 1, 1) if issued_on.month == 12 else (issued_on.year, issued_on.month + 1)
    )
    day = date(year, month, DEADLINE_DAY)
    return day if is_business_day(session, day) else next_business_day(session, day)


def annulment_rules(session: Session, document: FiscalDocument) -> list[str]:
    """What the rules of 2026 say about annulling this document, one sentence each."""
    found = [
        _(
            "SRI annuls it until %(day)s, in its portal only; the deadline is day 7 of the month after,"
            " or the next working day.",
            day=f"{annulment_deadline(session, document.issued_on):%d/%m/%Y}",
        )
    ]
    if document.kind == "01":
        found.append(
            _(
                "A factura can be annulled there or credited with a nota de crédito; one that was"
                " negotiated, or used for a refund, cannot be annulled."
            )
        )
    if document.kind in WITH_ACCEPTANCE:
        asked_on = to_local_date(document.annulment_at) if document.annulment_at else None
        sentence = _(
            "The receiver must accept within five working days; silence means that the document stands."
        )
        if asked_on is not None:
            last = add_business_days(session, asked_on, ACCEPTANCE_DAYS)
            sentence += " " + _("Its time to accept ends on %(day)s.", day=f"{last:%d/%m/%Y}")
        found.append(sentence)
    month = document.issued_on.replace(day=1)
    asked = session.scalar(
        select(func.count())
        .select_from(FiscalDocument)
        .where(
            FiscalDocument.state.in_((Estado.ANNULMENT_REQUESTED, Estado.ANNULLED)),
            FiscalDocument.issued_on >= month,
            FiscalDocument.environment != settings.PRACTICE,
        )
    )
    if (asked or 0) >= MOST_A_MONTH:
        found.append(_("More than 1000 annulments a month need a special request to SRI."))
    return found


def annulments_due(session: Session, *, today: date) -> tuple[int, date] | None:
    """How many annulments must be finished in the portal within two days, and by when; None: none."""
    days = session.scalars(
        select(FiscalDocument.issued_on).where(
            FiscalDocument.state == Estado.ANNULMENT_REQUESTED,
            FiscalDocument.environment != settings.PRACTICE,
        )
    ).all()
    deadlines = [annulment_deadline(session, month) for month in sorted(set(days))]
    due = [one for one in deadlines if one - DUE_SOON <= today <= one]
    if not due:
        return None
    first = min(due)
    return sum(annulment_deadline(session, one) == first for one in days), first


def request_annulment(
    session: Session, document_id: UUID, *, today: date, now: datetime
) -> FiscalDocument:
    """A person says that he has asked SRI's portal to annul the document; its receiver is told.

    Raises ``DomainError`` when the rules do not allow it, ``Conflict`` when it is not authorised.
    """
    document = find_document(session, document_id, lock=True)
    if document.kind == "01" and document.receiver_tax_id == CONSUMIDOR_FINAL:
        raise DomainError(
            _("A factura to consumidor final can be neither annulled nor credited."),
            code="sri_annul_final_consumer",
        )
    deadline = annulment_deadline(session, document.issued_on)
    if today > deadline:
        raise DomainError(
            _(
                "SRI annuls this document until %(day)s; issue a credit note instead.",
                day=f"{deadline:%d/%m/%Y}",
            ),
            code="sri_annul_late",
        )
    note_annulment(session, document, now=now)
    return document


def note_annulment(session: Session, document: FiscalDocument, *, now: datetime) -> None:
    """Its annulment is under way, whoever asked for it: state, audit, event, mail to the receiver."""
    _move(document, Respuesta.ANULACION_PEDIDA)
    document.annulment_at = now
    write_audit(session, action="request_annulment", subject_id=document.id)
    _announce(session, document, "requested", now)
    intend_mails(session, [document], occasion="annulment", now=now)


def confirm_annulment(session: Session, document_id: UUID, *, now: datetime) -> FiscalDocument:
    """SRI shows the document as annulled (seen by a person, or by ConsultaComprobante)."""
    document = find_document(session, document_id, lock=True)
    _move(document, Respuesta.ANULADO)
    document.annulment_at = now
    write_audit(session, action="confirm_annulment", subject_id=document.id)
    _announce(session, document, "annulled", now)
    intend_mails(session, [document], occasion="annulled", now=now)
    return document


def withdraw_annulment(session: Session, document_id: UUID, *, now: datetime) -> FiscalDocument:
    """The receiver did not accept, or the request was a mistake: the document stands."""
    document = find_document(session, document_id, lock=True)
    _move(document, Respuesta.ANULACION_NEGADA)
    document.annulment_at = None
    write_audit(session, action="withdraw_annulment", subject_id=document.id)
    _announce(session, document, "withdrawn", now)
    return document


def find_document(session: Session, document_id: UUID, *, lock: bool = False) -> FiscalDocument:
    """A fiscal document of the company. Raises ``NotFound``."""
    query = select(FiscalDocument).where(FiscalDocument.id == document_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound
    return found


def _announce(session: Session, document: FiscalDocument, step: str, now: datetime) -> None:
    session.flush()
    emit(
        session,
        AnnulmentChanged(
            document_id=document.id,
            kind=document.kind,
            access_key=document.access_key or "",
            number=document.number,
            receiver_tax_id=document.receiver_tax_id,
            step=step,
            at=now,
        ),
        now=now,
    )


def _move(document: FiscalDocument, respuesta: Respuesta) -> None:
    try:
        document.state = siguiente(Estado(document.state), respuesta)
    except TransicionInvalida as error:
        raise Conflict(
            _("The document is in another state by now; look at it again."), code="sri_state"
        ) from error
