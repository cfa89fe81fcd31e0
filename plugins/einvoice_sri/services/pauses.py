"""Stopping an issuer, an establishment or a point until a person has settled something, and going on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import jobs
from core.db.tenancy import scope_of, utc_now
from core.errors import NotFound
from core.i18n import _
from core.ids import new_id
from core.services.audit import write_audit
from plugins.einvoice_sri.domain.estados import (
    Alcance,
    Estado,
    Respuesta,
    alcance,
    alcanza,
    siguiente,
)
from plugins.einvoice_sri.models.documents import FiscalDocument, IssuerPause
from plugins.einvoice_sri.services.request_documents import CHUNK, emission

CERTIFICATE = "certificate"
WAITING = (Estado.REQUESTED, Estado.SIGNED, Estado.UNKNOWN, Estado.RECEIVED)


def pause(
    session: Session,
    *,
    code: str,
    detail: str,
    now: datetime,
    document: FiscalDocument | None = None,
) -> None:
    """Stop what ``code`` concerns: a point (45), an establishment (10, 56), otherwise the issuer.

    Pausing twice for the same reason changes nothing.
    """
    code = code[:40]
    branch = point = ""
    if document is not None:
        branch, point = alcance(code, document.branch_code, document.issue_point_code)
    session.execute(
        insert(IssuerPause)
        .values(
            id=new_id(),
            tenant_id=scope_of(session).tenant_id,
            created_at=utc_now(),
            branch_code=branch,
            issue_point_code=point,
            code=code,
            detail=detail[:400],
            document_id=None if document is None else document.id,
            paused_at=now,
        )
        .on_conflict_do_nothing()
    )


def open_pauses(session: Session) -> Sequence[IssuerPause]:
    """The pauses in force, oldest first."""
    query = select(IssuerPause).where(IssuerPause.resumed_at.is_(None))
    return session.scalars(query.order_by(IssuerPause.paused_at)).all()


def stops(pauses: Iterable[IssuerPause], document: FiscalDocument) -> IssuerPause | None:
    """The pause that keeps this document from leaving; None when it may."""
    for one in pauses:
        if alcanza(scope_stopped(one), document.branch_code, document.issue_point_code):
            return one
    return None


def scope_stopped(pause: IssuerPause) -> Alcance:
    """The establishment and point that a pause stops; empty: all of them."""
    return pause.branch_code, pause.issue_point_code


def resume(session: Session, pause_id: UUID, *, now: datetime) -> None:
    """A person says it is settled: lift the pause; what waited goes on, asking SRI first.

    Raises ``NotFound`` when no such pause is in force.
    """
    found = session.scalar(
        select(IssuerPause)
        .where(IssuerPause.id == pause_id, IssuerPause.resumed_at.is_(None))
        .with_for_update()
    )
    if found is None:
        raise NotFound(_("This stop has been lifted already."))
    _lift(session, found, now)


def resume_certificate(session: Session, *, now: datetime) -> None:
    """Go on now that a certificate signs; nothing happens when none was missing."""
    for one in open_pauses(session):
        if one.code == CERTIFICATE:
            _lift(session, one, now)


def _lift(session: Session, found: IssuerPause, now: datetime) -> None:
    """What no other stop holds goes on."""
    found.resumed_at = now
    found.resumed_by = scope_of(session).user_id
    write_audit(
        session, action="resume_emission", subject_id=found.id, details={"code": found.code}
    )
    paused = select(FiscalDocument).where(
        FiscalDocument.state == Estado.PAUSED, FiscalDocument.access_key.is_not(None)
    )
    session.flush()
    others = open_pauses(session)
    for document in session.scalars(paused.with_for_update()):
        if stops([found], document) and not stops(others, document):
            # refused by a verdict: SRI keeps its no to those bytes, so it is built and signed anew
            refused = document.received_at is not None
            settled = Respuesta.CORREGIDO if refused else Respuesta.REANUDADO
            document.state = siguiente(Estado.PAUSED, settled)
            document.next_at = document.received_at = None
            document.code = ""
    held = FiscalDocument.state.in_((Estado.SIGNED, Estado.UNKNOWN))
    session.execute(update(FiscalDocument).where(held).values(next_at=None))  # at once, not later
    defer_waiting(session, now=now)


def defer_waiting(session: Session, *, now: datetime) -> int:
    """Defer jobs for every document of the tenant that is not at an end; returns how many."""
    ids = session.scalars(
        select(FiscalDocument.id)
        .where(FiscalDocument.state.in_(WAITING))
        .order_by(FiscalDocument.priority.desc(), FiscalDocument.issued_on, FiscalDocument.sequence)
    ).all()
    tenant = scope_of(session).tenant_id
    jobs.defer_many(
        session,
        [
            emission(tenant, ids[start : start + CHUNK], at=now)
            for start in range(0, len(ids), CHUNK)
        ],
    )
    return len(ids)
