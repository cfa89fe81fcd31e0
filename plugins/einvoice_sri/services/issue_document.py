"""From request to signed bytes: build, check, sign, and write key and bytes down before anything leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.errors import DomainError
from core.failpoints import failpoint
from core.services import settings as tenant_settings
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.domain.estados import Estado, Respuesta, siguiente
from plugins.einvoice_sri.domain.xades import SigningKey, sign_canonical
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.build_document import NotIssuable, build_document
from plugins.einvoice_sri.services.document_blobs import SignedBytes, store_signed
from plugins.einvoice_sri.services.pauses import CERTIFICATE, pause
from plugins.einvoice_sri.services.read_issuer import IssuerReader
from plugins.einvoice_sri.services.request_documents import request_of

KeySource = Callable[[Session, datetime], SigningKey]
LOCAL = "local"


def sign_requested(
    session: Session,
    document_ids: Sequence[UUID],
    *,
    key_for: KeySource,
    practice_key_for: KeySource | None = None,
    now: datetime,
) -> int:
    """Sign those of the documents that are only requested; returns how many are signed now.

    Key, number and bytes are written in the caller's transaction; nothing leaves before it commits.
    Without a usable certificate the issuer is paused and the documents stay requested. Practice
    documents are signed with ``practice_key_for``, never with the company's own key.
    """
    waiting = session.scalars(
        select(FiscalDocument)
        .where(FiscalDocument.id.in_(document_ids), FiscalDocument.state == Estado.REQUESTED)
        .order_by(FiscalDocument.priority.desc(), FiscalDocument.issued_on, FiscalDocument.sequence)
        .with_for_update(skip_locked=True)
    ).all()
    practice = [one for one in waiting if one.environment == settings.PRACTICE]
    count = 0
    if practice and practice_key_for is not None:
        count += _sign(session, practice, practice_key_for(session, now), now)
        waiting = [one for one in waiting if one.environment != settings.PRACTICE]
    if not waiting:
        return count
    try:
        key = key_for(session, now)
    except DomainError as error:
        pause(session, code=CERTIFICATE, detail=str(error), now=now)
        return count
    return count + _sign(session, waiting, key, now)


def _sign(
    session: Session, waiting: Sequence[FiscalDocument], key: SigningKey, now: datetime
) -> int:
    hash_name = tenant_settings.read(session, settings.HASH)
    issuers = IssuerReader(session)
    today = to_local_date(now)
    signed: list[SignedBytes] = []
    changes: list[dict[str, object]] = []
    for document in waiting:
        try:
            clave, content = build_document(
                request_of(document), issuers, environment=document.environment, today=today
            )
        except NotIssuable as refusal:
            _refuse(document, refusal)
            continue
        content = sign_canonical(content, key, signing_time=now, hash=hash_name)
        failpoint("sri.after_sign")
        topic = f"{document.kind}-{key.certificado.serial:x}"
        signed.append(SignedBytes(document.id, topic[:80], content))
        changes.append(
            {
                "id": document.id,
                "state": siguiente(Estado.REQUESTED, Respuesta.FIRMADO),
                "access_key": clave,
                "signed_at": now,
                "code": "",
                "messages": [],
                "next_at": now,
            }
        )
    session.flush()
    store_signed(session, signed)
    if changes:
        session.execute(update(FiscalDocument), changes)
    failpoint("sri.before_sign_commit")
    return len(changes)


def _refuse(document: FiscalDocument, refusal: NotIssuable) -> None:
    document.state = siguiente(Estado.REQUESTED, Respuesta.NO_FIRMABLE)
    document.code = LOCAL
    document.messages = [
        {
            "identificador": LOCAL,
            "mensaje": one.en_palabras,
            "informacion_adicional": "",
            "tipo": "ERROR",
        }
        for one in refusal.findings
    ]
    document.next_at = None
