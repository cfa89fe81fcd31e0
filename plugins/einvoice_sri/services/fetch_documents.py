"""Fetching authorised documents by their access keys: a list that is worked off, minute by minute.

Whose document it is does not matter; SRI gives the authorised file to who knows the key. The list is
in the database, so a stopped worker goes on where it was, and no key is asked for twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import jobs
from core.db.session import tenant_work
from core.db.tenancy import scope_of, utc_now
from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.services import settings as tenant_settings
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.domain import clave_acceso
from plugins.einvoice_sri.domain.estados import Respuesta, de_autorizacion, elegir
from plugins.einvoice_sri.domain.ports import RespuestaAutorizacion, SriError, SriGateway
from plugins.einvoice_sri.domain.sobre import ensobrar, partes
from plugins.einvoice_sri.models.fetched import FetchedDocument
from plugins.einvoice_sri.services.pace_calls import next_minute, take_calls

FETCH = "einvoice_sri.fetch"
PENDING, FOUND, ABSENT, FAILED = "pending", "found", "absent", "failed"
MOST_KEYS = 2000
MOST_TRIES = 8
AGAIN = (1, 5, 15, 60, 240)  # minutes after the first, second … answer that could not be used
_SPLIT = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a person's list came to."""

    new: int
    known: int


def read_keys(text: str) -> list[str]:
    """The access keys in a text (one a line, or between commas and blanks), each once.

    Raises ``DomainError`` naming the first that is none, or when they are more than ``MOST_KEYS``.
    """
    keys = list(dict.fromkeys(one for one in _SPLIT.split(text.strip()) if one))
    for one in keys:
        if not clave_acceso.is_valid(one):
            raise DomainError(
                _("“%(key)s” is no access key: 49 digits with a check digit.", key=one[:60]),
                code="sri_key_invalid",
                field="keys",
            )
    if not keys or len(keys) > MOST_KEYS:
        raise DomainError(
            _("Write from 1 to %(most)s access keys.", most=MOST_KEYS),
            code="sri_keys_count",
            field="keys",
        )
    return keys


def list_keys(session: Session, keys: Sequence[str], *, now: datetime) -> Listed:
    """Put the keys on the company's list and start working it off; known ones stay as they are."""
    rows = [
        {
            "id": new_id(),
            "tenant_id": scope_of(session).tenant_id,
            "created_at": utc_now(),
            "access_key": key,
            "requested_at": now,
            "next_at": now,
        }
        for key in keys
    ]
    made = session.execute(
        insert(FetchedDocument)
        .on_conflict_do_nothing(index_elements=["tenant_id", "access_key"])
        .returning(FetchedDocument.id),
        rows,
    ).all()
    if made:
        defer_fetch(session)
    return Listed(len(made), len(keys) - len(made))


def defer_fetch(session: Session, *, at: datetime | None = None) -> None:
    """Have a worker go on with the list, once however often this is asked."""
    tenant = str(scope_of(session).tenant_id)
    jobs.defer(session, FETCH, {"tenant": tenant}, at=at, queueing_lock=f"{FETCH}:{tenant}")


def fetch_listed(tenant: UUID, gateway_of: Callable[[int], SriGateway], *, now: datetime) -> None:
    """Ask for as many keys as the minute allows, oldest first; then come back for the rest."""
    with tenant_work(tenant) as session:
        most = int(tenant_settings.read(session, settings.FETCHES_PER_MINUTE))
        due = session.scalars(
            select(FetchedDocument.access_key)
            .where(FetchedDocument.state == PENDING, FetchedDocument.next_at <= now)
            .order_by(FetchedDocument.next_at, FetchedDocument.access_key)
            .limit(max(most, 1))
        ).all()
        count = take_calls(session, environment=0, wanted=len(due), most=most, now=now)
    for key in due[:count]:
        try:
            answer: RespuestaAutorizacion | str = gateway_of(int(key[23])).authorization(key)
        except SriError as error:
            answer = error.kind
        with tenant_work(tenant) as session:
            _record(session, key, answer, now)
    with tenant_work(tenant) as session:
        next_at = session.scalar(
            select(func.min(FetchedDocument.next_at)).where(FetchedDocument.state == PENDING)
        )
        if next_at is not None:
            defer_fetch(session, at=max(next_at, next_minute(now)))


def _record(session: Session, key: str, answer: RespuestaAutorizacion | str, now: datetime) -> None:
    row = session.scalars(
        select(FetchedDocument).where(FetchedDocument.access_key == key).with_for_update()
    ).one()
    if row.state != PENDING:
        return
    row.asked_at = now
    row.tries += 1
    row.problem = ""
    if isinstance(answer, str):
        row.problem = answer[:200]
        _later(row, now, FAILED)
        return
    node, meaning = elegir(answer), de_autorizacion(answer)
    if node is not None and meaning is Respuesta.AUTORIZADO and node.comprobante:
        head, tail = partes(node, key)
        row.state, row.content = FOUND, ensobrar(head, node.comprobante.encode(), tail)
    elif node is None or meaning is Respuesta.EN_PROCESO:
        row.problem = "NADA" if node is None else node.estado[:200]
        _later(row, now, ABSENT)
    else:
        row.state, row.problem = ABSENT, node.estado[:200]


def _later(row: FetchedDocument, now: datetime, at_last: str) -> None:
    """Ask again after a pause that grows; ``at_last`` when it was tried often enough."""
    if row.tries >= MOST_TRIES:
        row.state = at_last
    else:
        row.next_at = now + timedelta(minutes=AGAIN[min(row.tries, len(AGAIN)) - 1])


def find_fetched(session: Session, access_key: str) -> FetchedDocument:
    """A key of the company's list. Raises ``NotFound``."""
    row = session.scalar(select(FetchedDocument).where(FetchedDocument.access_key == access_key))
    if row is None:
        raise NotFound(_("This access key is not on the list."))
    return row


def counts(session: Session) -> dict[str, int]:
    """How many keys of the list are in each state."""
    query = select(FetchedDocument.state, func.count()).group_by(FetchedDocument.state)
    return {row[0]: row[1] for row in session.execute(query)}


def ask_again(session: Session, keys: Iterable[str], *, now: datetime) -> None:
    """Try keys once more that came to nothing."""
    for key in keys:
        row = find_fetched(session, key)
        if row.state in (ABSENT, FAILED):
            row.state, row.tries, row.next_at = PENDING, 0, now
    session.flush()
    defer_fetch(session)
