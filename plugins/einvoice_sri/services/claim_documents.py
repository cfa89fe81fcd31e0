"""Taking documents for a conversation: the row says UNKNOWN before the first byte leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from core.services import settings as tenant_settings
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.domain.estados import Estado, Respuesta, siguiente
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.document_blobs import read_signed
from plugins.einvoice_sri.services.pace_calls import next_minute, take_calls
from plugins.einvoice_sri.services.pauses import open_pauses, stops
from plugins.einvoice_sri.services.send_document import Delivery

LEASE = timedelta(seconds=90)
TALKING = (Estado.SIGNED, Estado.UNKNOWN, Estado.RECEIVED)


@dataclass(frozen=True, slots=True)
class Claim:
    """What was taken, of one environment each."""

    environment: int
    deliveries: tuple[Delivery, ...]


def claim(
    session: Session, document_ids: Sequence[UUID], *, now: datetime, simulated: bool
) -> list[Claim]:
    """Take those of the documents that are due and nobody else's, oldest first.

    A signed document becomes UNKNOWN here, with the moment of its delivery, unless its issuer,
    establishment or point is stopped. The caller commits before it talks.
    """
    rows = session.scalars(
        select(FiscalDocument)
        .where(
            FiscalDocument.id.in_(document_ids),
            FiscalDocument.state.in_(TALKING),
            or_(FiscalDocument.next_at.is_(None), FiscalDocument.next_at <= now),
            or_(FiscalDocument.claimed_until.is_(None), FiscalDocument.claimed_until <= now),
        )
        .order_by(FiscalDocument.priority.desc(), FiscalDocument.issued_on, FiscalDocument.sequence)
        .with_for_update(skip_locked=True)
    ).all()
    if not simulated:
        rows = _within_the_minute(session, rows, now)
    pauses = open_pauses(session) if rows else ()
    taken: dict[int, list[Delivery]] = {}
    contents = read_signed(session, [one.id for one in rows])
    changes: list[dict[str, object]] = []
    for row in rows:
        estado, is_fresh = Estado(row.state), False
        sent_at = row.sent_at
        if estado is Estado.SIGNED:
            if row.environment != settings.PRACTICE and stops(pauses, row):
                continue
            estado, is_fresh, sent_at = siguiente(estado, Respuesta.ENVIANDO), True, now
        changes.append(
            {
                "id": row.id,
                "state": estado,
                "sent_at": sent_at,
                "claimed_until": now + LEASE,
                "is_simulated": simulated or row.environment == settings.PRACTICE,
            }
        )
        delivery = Delivery(
            document_id=row.id,
            clave=row.access_key or "",
            xml=contents[row.id],
            estado=estado,
            is_fresh=is_fresh,
            last_code=row.code,
            sent_at=sent_at,
        )
        taken.setdefault(row.environment, []).append(delivery)
    if changes:
        session.execute(update(FiscalDocument), changes)
    return [Claim(environment, tuple(found)) for environment, found in taken.items()]


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
    session.flush()
    return taken
