"""The inbox: publishing into it, listing it, opening and answering what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.contracts.events import AnnulmentChanged, DocumentAuthorized, DocumentDisputed
from core.db.arrays import insert_rows
from core.db.events import emit
from core.db.session import also_as_receivers
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from plugins.customer_portal.domain.answers import NoSuchStep, next_answer
from plugins.customer_portal.domain.identities import identity_of
from plugins.customer_portal.models import InboxItem, Reading

NOTE_LIMIT = 500
AT_ONCE = 50  # row-level security reads the list of receivers again for each row
_ONCE = "(receiver_id, document_id) DO NOTHING"


def publish(
    session: Session, told: Sequence[tuple[DocumentAuthorized, UUID]], *, now: datetime
) -> None:
    """Put authorised documents, each with its issuer's id, into their receivers' inboxes; a second
    time changes nothing.

    Rejected and pending documents never get here (CF-20).
    """
    rows = [
        {
            "created_at": now,
            "receiver_id": receiver_id,
            "issuer_id": issuer_id,
            "document_id": event.document_id,
            "access_key": event.access_key,
            "kind": event.kind,
            "number": event.number,
            "issued_on": event.issued_on,
            "issuer_tax_id": event.issuer_tax_id,
            "issuer_name": event.issuer_name,
            "receiver_tax_id": event.receiver_tax_id,
            "receiver_name": event.receiver_name,
            "total": event.total,
            "environment": event.environment,
            "authorized_at": event.authorized_at,
            "state": "authorized",
            "answer": "",
            "answer_note": "",
        }
        for event, issuer_id in told
        if (receiver_id := identity_of(event.receiver_tax_id)) is not None
    ]
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        receivers = {cast("UUID", row["receiver_id"]): None for row in some}
        with also_as_receivers(session, tuple(receivers)):
            insert_rows(session, InboxItem, some, on_conflict=_ONCE)


_SHOWN = {"requested": "annulling", "annulled": "annulled", "withdrawn": "authorized"}


def show_annulment(session: Session, event: AnnulmentChanged) -> None:
    """Show the receiver what becomes of a document; the files stay. An end is not undone by a late event."""
    receiver_id = identity_of(event.receiver_tax_id)
    if receiver_id is None:
        return
    with also_as_receivers(session, (receiver_id,)):
        session.execute(
            update(InboxItem)
            .where(
                InboxItem.receiver_id == receiver_id,
                InboxItem.document_id == event.document_id,
                InboxItem.state != "annulled",
            )
            .values(state=_SHOWN[event.step])
            .execution_options(synchronize_session=False)
        )


def listing(
    account_id: UUID,
    *,
    kind: str = "",
    since: date | None = None,
    until: date | None = None,
    text: str = "",
    pending: bool = False,
) -> Any:
    """(item, opened_at, downloaded_at) of the identities in scope, as one person sees them.

    ``text`` matches the number's end, the access key or the issuer's RUC or name.
    """
    mine = (Reading.item_id == InboxItem.id) & (Reading.account_id == account_id)
    wanted: Any = select(InboxItem, Reading.opened_at, Reading.downloaded_at).outerjoin(
        Reading, mine
    )
    if kind:
        wanted = wanted.where(InboxItem.kind == kind)
    if since:
        wanted = wanted.where(InboxItem.issued_on >= since)
    if until:
        wanted = wanted.where(InboxItem.issued_on <= until)
    if text:
        wanted = wanted.where(
            InboxItem.number.endswith(text, autoescape=True)
            | (InboxItem.access_key == text)
            | (InboxItem.issuer_tax_id == text)
            | InboxItem.issuer_name.icontains(text, autoescape=True)
        )
    if pending:
        wanted = wanted.where(~_downloaded_by(account_id))
    return wanted


def _downloaded_by(account_id: UUID) -> Any:
    return exists().where(
        Reading.item_id == InboxItem.id,
        Reading.account_id == account_id,
        Reading.downloaded_at.is_not(None),
    )


def pending_items(session: Session, account_id: UUID, *, limit: int) -> list[InboxItem]:
    """What this person has never downloaded (AT-08), oldest first, at most ``limit``."""
    return list(
        session.scalars(
            select(InboxItem)
            .where(~_downloaded_by(account_id))
            .order_by(InboxItem.issued_on, InboxItem.id)
            .limit(limit)
        )
    )


def find_item(session: Session, item_id: UUID) -> InboxItem:
    """A document of the identities in scope. Raises ``NotFound``."""
    item = session.scalar(select(InboxItem).where(InboxItem.id == item_id))
    if item is None:
        raise NotFound
    return item


def find_by_key(session: Session, access_key: str) -> InboxItem | None:
    """The document of an access key among the identities in scope."""
    return session.scalar(select(InboxItem).where(InboxItem.access_key == access_key).limit(1))


def mark(
    session: Session,
    items: Sequence[InboxItem],
    account_id: UUID,
    *,
    now: datetime,
    downloaded: bool = False,
) -> None:
    """Note that this person opened (and perhaps downloaded) the items; the first time stays."""
    for item in items:
        times = {"opened_at": now} | ({"downloaded_at": now} if downloaded else {})
        statement = insert(Reading).values(
            id=new_id(),
            created_at=now,
            receiver_id=item.receiver_id,
            item_id=item.id,
            account_id=account_id,
            **times,
        )
        kept = {
            name: func.coalesce(getattr(Reading, name), statement.excluded[name]) for name in times
        }
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["receiver_id", "item_id", "account_id"], set_=kept
            )
        )


def answer(session: Session, item: InboxItem, action: str, note: str, *, now: datetime) -> None:
    """Accept or dispute a document (SE-21); the issuer hears it by ``DocumentDisputed``.

    Raises ``DomainError`` for a dispute without a word, ``Conflict`` when the answer stands already.
    """
    note = note.strip()[:NOTE_LIMIT]
    try:
        item.answer = next_answer(item.answer, action)
    except NoSuchStep:
        raise Conflict(
            _("This document has that answer already."), code="portal.answered"
        ) from None
    if item.answer == "disputed" and not note:
        raise DomainError(
            _("Write in a few words what is not right, so that the issuer can correct it."),
            code="portal.note",
            field="note",
        )
    item.answer_note, item.answered_at = note, now
    emit(
        session,
        DocumentDisputed(
            document_id=item.document_id,
            access_key=item.access_key,
            accepted=item.answer == "accepted",
            note=note,
            answered_at=now,
        ),
        to=item.issuer_id,
        now=now,
    )
