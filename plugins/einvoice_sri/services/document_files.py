"""The files of a document: the authorised XML as SRI gave it, and the printed sheet made on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.fiscal import DocumentFiles
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.document_blobs import read_authorized, read_signed
from plugins.einvoice_sri.services.print_ride import drawn, logo_of


def document_files(session: Session, access_key: str) -> DocumentFiles | None:
    """The files of an authorised document of the tenant at hand; None when there is none."""
    query = select(FiscalDocument).where(FiscalDocument.access_key == access_key)
    document = session.scalar(query)
    return None if document is None else files_of(session, document)


def legal_documents(session: Session, after: str, size: int) -> Sequence[str]:
    """Access keys of the authorised documents of the tenant at hand behind ``after``, in their order."""
    keys = (
        select(FiscalDocument.access_key)
        .where(
            FiscalDocument.authorized_at.is_not(None),
            FiscalDocument.access_key > after,
            FiscalDocument.environment != settings.PRACTICE,
        )
        .order_by(FiscalDocument.access_key)
        .limit(size)
    )
    return [key for key in session.scalars(keys) if key is not None]


def files_of(session: Session, document: FiscalDocument) -> DocumentFiles | None:
    """The files of a document; None before it is authorised."""
    return files_of_many(session, [document]).get(document.id)


def files_of_many(
    session: Session, documents: Sequence[FiscalDocument]
) -> Mapping[UUID, DocumentFiles]:
    """The files of those of the documents that are authorised, by document."""
    ready = [one for one in documents if one.authorized_at is not None and one.access_key]
    if not ready:
        return {}
    read = read_authorized(session, [one.id for one in ready])
    logo = logo_of(session)
    found = {}
    for one in ready:
        file = read.get(one.id)
        if file is not None:
            ride = drawn(one, file.signed, logo)
            found[one.id] = DocumentFiles(one.access_key or "", file.content, ride)
    return found


def signed_of(session: Session, document: FiscalDocument) -> bytes | None:
    """The bytes that were signed; None before."""
    return read_signed(session, [document.id]).get(document.id)
