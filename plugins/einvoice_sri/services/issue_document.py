"""From request to signed bytes: build, check, sign, and write key and bytes down before anything leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

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
    requested: Sequence[FiscalDocument],
    *,
    key_for: KeySource,
    practice_key_for: KeySource | None = None,
    now: datetime,
) -> dict[UUID, bytes]:
    """Sign documents that are only requested; the signed bytes of those that are signed now.

    The bytes are stored in the caller's transaction and the documents changed in memory: the caller
    writes them back, and nothing leaves before it commits. Without a usable certificate the issuer is
    paused and the documents stay requested. Practice documents are signed with ``practice_key_for``,
    never with the company's own key.
    """
    practice = [one for one in requested if one.environment == settings.PRACTICE]
    real = [one for one in requested if one.environment != settings.PRACTICE]
    contents: dict[UUID, bytes] = {}
    if practice and practice_key_for is not None:
        contents |= _sign(session, practice, practice_key_for(session, now), now)
    if not real:
        return contents
    try:
        key = key_for(session, now)
    except DomainError as error:
        pause(session, code=CERTIFICATE, detail=str(error), now=now)
        return contents
    return contents | _sign(session, real, key, now)


def _sign(
    session: Session, waiting: Sequence[FiscalDocument], key: SigningKey, now: datetime
) -> dict[UUID, bytes]:
    hash_name = tenant_settings.read(session, settings.HASH)
    issuers = IssuerReader(session)
    today = to_local_date(now)
    signed: list[SignedBytes] = []
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
        document.state = siguiente(Estado.REQUESTED, Respuesta.FIRMADO)
        document.access_key, document.signed_at, document.next_at = clave, now, now
        document.code, document.messages = "", []
    store_signed(session, signed)
    return {one.document_id: one.content for one in signed}


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
