"""Deciding who is to be mailed, and writing it down before any mail leaves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import jobs
from core.db.arrays import among, insert_rows
from core.db.tenancy import scope_of
from core.ids import new_id
from core.mail_hours import leaves_at
from core.services import settings as tenant_settings
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.models.documents import DocumentMail, FiscalDocument

MAIL = "einvoice_sri.mail"
MAIL_CHUNK = 50
DOMAIN = "documentos.yupana"


def message_id(document_id: UUID, occasion: str, recipient: str) -> str:
    """The Message-ID of a document's mail to somebody: the same whenever it is computed."""
    digest = sha256(recipient.strip().lower().encode()).hexdigest()[:16]
    return f"{document_id.hex}.{occasion}.{digest}@{DOMAIN}"


def recipients(addresses: str) -> list[str]:
    """The mail addresses in a field: separated by commas, semicolons or blanks; once each."""
    parts = addresses.replace(";", " ").replace(",", " ").split()
    return list(dict.fromkeys(one for one in parts if "@" in one))


def intend_mails(
    session: Session, documents: Sequence[FiscalDocument], *, occasion: str, now: datetime
) -> None:
    """Write the intent to mail each document to its receiver and defer the jobs; an intent that
    exists stays as it is. Nobody is mailed a practice document. That a run's document is authorised
    is not mailed before 07:00.
    """
    documents = [one for one in documents if one.environment != settings.PRACTICE]
    if not documents or not tenant_settings.read(session, settings.MAIL_DOCUMENTS):
        return
    tenant = scope_of(session).tenant_id
    morning = leaves_at(now) if occasion == "authorized" else None
    waiting = set() if morning is None else _of_runs(session, documents)
    rows = [
        {
            "id": new_id(),
            "document_id": document.id,
            "occasion": occasion,
            "recipient": recipient,
            "message_id": message_id(document.id, occasion, recipient),
            "state": "pending",
            "intended_at": morning if document.id in waiting else now,
            "tries": 0,
            "problem": "",
        }
        for document in documents
        for recipient in recipients(document.receiver_email)
    ]
    if not rows:
        return
    insert_rows(session, DocumentMail, rows, on_conflict="DO NOTHING")
    at_once = [str(row["id"]) for row in rows if row["document_id"] not in waiting]
    later = [str(row["id"]) for row in rows if row["document_id"] in waiting]
    jobs.defer_many(
        session,
        [
            jobs.Deferral(
                MAIL, {"tenant": str(tenant), "mails": ids[start : start + MAIL_CHUNK]}, at=at
            )
            for ids, at in ((at_once, None), (later, morning))
            for start in range(0, len(ids), MAIL_CHUNK)
        ],
    )


def _of_runs(session: Session, documents: Sequence[FiscalDocument]) -> set[UUID]:
    """Which of them no person made: their snapshots say so."""
    ids = among(FiscalDocument.id, [one.id for one in documents])
    by_run = FiscalDocument.request["by_run"].as_boolean()
    return set(session.scalars(select(FiscalDocument.id).where(ids, by_run)))
