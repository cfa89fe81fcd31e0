"""Taking documents for a conversation: the row says UNKNOWN before the first byte leaves.

The documents of a job are read, changed and written once: requested ones are signed in between
(``issue_document``), so that key, bytes and UNKNOWN are one commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from core.db.arrays import among, update_rows
from core.services import settings as tenant_settings
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.domain.estados import Alcance, Estado, Respuesta, siguiente
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.document_blobs import read_signed
from plugins.einvoice_sri.services.pace_calls import next_minute, take_calls
from plugins.einvoice_sri.services.pauses import open_pauses, scope_stopped, stops
from plugins.einvoice_sri.services.send_document import Delivery

LEASE = timedelta(seconds=90)
TALKING = (Estado.SIGNED, Estado.UNKNOWN, Estado.RECEIVED)
_CHANGED = (
    "id",
    "state",
    "access_key",
    "code",
    "messages",
    "signed_at",
    "sent_at",
    "next_at",
    "claimed_until",
    "is_simulated",
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What was taken, of one environment each, and what was stopped at that moment."""

    environment: int
    deliveries: tuple[Delivery, ...]
    stopped: frozenset[Alcance] = frozenset()


def due_documents(
    session: Session, document_ids: Sequence[UUID], *, now: datetime
) -> list[FiscalDocument]:
    """Lock those of the documents that are requested, or due and nobody else's; oldest first.

    They are the caller's to change in memory; ``write_back`` writes them, all in one statement.
    """
    is_due = and_(
        FiscalDocument.state.in_(TALKING),
        or_(FiscalDocument.next_at.is_(None), FiscalDocument.next_at <= now),
        or_(FiscalDocument.claimed_until.is_(None), FiscalDocument.claimed_until <= now),
    )
    rows = session.scalars(
        select(FiscalDocument)
        .where(
            among(FiscalDocument.id, document_ids),
            or_(FiscalDocument.state == Estado.REQUESTED, is_due),
        )
        .order_by(FiscalDocument.priority.desc(), FiscalDocument.issued_on, FiscalDocument.sequence)
        .with_for_update(skip_locked=True)
    ).all()
    session.expunge_all()
    return list(rows)


def write_back(session: Session, documents: Sequence[FiscalDocument]) -> None:
    """Write what signing and claiming changed."""
    update_rows(
        session,
        FiscalDocument,
        [{name: getattr(one, name) for name in _CHANGED} for one in documents],
    )


def claim(
    session: Session,
    documents: Sequence[FiscalDocument],
    signed: Mapping[UUID, bytes],
    *,
    now: datetime,
    simulated: bool,
) -> list[Claim]:
    """Take those of the locked documents that may go now; ``signed`` are the bytes at hand.

    A signed document becomes UNKNOWN here, with the moment of its delivery, unless its issuer,
    establishment or point is stopped. One that may have been sent is taken in any case, to be asked
    for; ``Claim.stopped`` says that it may not leave again. The caller writes back and commits before it talks.
    """
    rows = [one for one in documents if one.state in TALKING]
    if not simulated:
        rows = _within_the_minute(session, rows, now)
    pauses = open_pauses(session) if rows else ()
    taken: dict[int, list[Delivery]] = {}
    contents = {
        **signed,
        **read_signed(session, [one.id for one in rows if one.id not in signed]),
    }
    for row in rows:
        estado, is_fresh = Estado(row.state), False
        if estado is Estado.SIGNED:
            if row.environment != settings.PRACTICE and stops(pauses, row):
                continue
            estado, is_fresh = siguiente(estado, Respuesta.ENVIANDO), True
            row.state, row.sent_at = estado, now
        row.claimed_until = now + LEASE
        row.is_simulated = simulated or row.environment == settings.PRACTICE
        delivery = Delivery(
            document_id=row.id,
            clave=row.access_key or "",
            xml=contents[row.id],
            estado=estado,
            is_fresh=is_fresh,
            last_code=row.code,
            sent_at=row.sent_at,
            branch_code=row.branch_code,
            issue_point_code=row.issue_point_code,
        )
        taken.setdefault(row.environment, []).append(delivery)
    stopped = frozenset(scope_stopped(one) for one in pauses)
    return [Claim(environment, tuple(found), stopped) for environment, found in taken.items()]


def _within_the_minute(
    session: Session, rows: Sequence[FiscalDocument], now: datetime
) -> list[FiscalDocument]:
    """As many as the issuer may bring to SRI in this minute; the others wait for the next one."""
    most = int(tenant_settings.read(session, settings.DOCUMENTS_PER_MINUTE))
    taken: list[FiscalDocument] = []
    for environment in sorted({row.environment for row in rows}):
        ours = [row for row in rows if row.environment == environment]
        if environment == settings.PRACTICE:
            taken += ours
            continue
        count = take_calls(session, environment=environment, wanted=len(ours), most=most, now=now)
        taken += ours[:count]
        for row in ours[count:]:
            row.next_at = next_minute(now)
    return taken
