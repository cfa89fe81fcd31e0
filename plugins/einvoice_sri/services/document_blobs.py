"""The bytes of documents: compressed with zstd against an earlier document of the tenant, given back exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

import zstandard
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core.db.arrays import among, insert_rows
from core.db.tenancy import scope_of, utc_now
from core.ids import new_id
from plugins.einvoice_sri.domain.sobre import ensobrar
from plugins.einvoice_sri.models.documents import BlobDictionary, DocumentBlob

LEVEL = 3
MAX_BYTES = 1024 * 1024
_REPLACE = (
    "(tenant_id, document_id) DO UPDATE SET codec = excluded.codec, sha256 = excluded.sha256,"
    " dictionary_id = excluded.dictionary_id, size = excluded.size, body = excluded.body"
)
_ADD_ENVELOPES = text(
    "UPDATE sri_document_blob b SET envelope_head = e.head, envelope_tail = e.tail"
    " FROM unnest(CAST(:documents AS uuid[]), CAST(:heads AS bytea[]), CAST(:tails AS bytea[]))"
    " AS e(document_id, head, tail)"
    " WHERE b.tenant_id = :tenant AND b.document_id = e.document_id"
)


@dataclass(frozen=True, slots=True)
class SignedBytes:
    """Bytes to be kept. ``topic`` names documents that resemble each other (kind and certificate)."""

    document_id: UUID
    topic: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """What SRI put around a document; ``replaced`` when SRI holds other bytes than we did."""

    document_id: UUID
    head: bytes
    tail: bytes
    replaced: bytes | None = None


def store_signed(session: Session, contents: Sequence[SignedBytes]) -> None:
    """Keep signed documents; a document that is signed again after a correction replaces its bytes."""
    if not contents:
        return
    dictionaries = _dictionaries(session, contents)
    rows = []
    for one in contents:
        dictionary_id, dictionary = dictionaries[one.topic]
        compressor = _compressor(dictionary_id, dictionary)
        rows.append(
            {
                "document_id": one.document_id,
                "codec": "zstd",
                "dictionary_id": dictionary_id,
                "sha256": sha256(one.content).hexdigest(),
                "size": len(one.content),
                "body": compressor.compress(one.content),
            }
        )
    insert_rows(session, DocumentBlob, rows, on_conflict=_REPLACE)


def read_signed(session: Session, document_ids: Iterable[UUID]) -> Mapping[UUID, bytes]:
    """The exact bytes that were signed, by document; those never signed are left out.

    Raises ``BlobDamaged`` when they do not hash to what was written.
    """
    wanted = list(document_ids)
    rows = session.scalars(
        select(DocumentBlob).where(among(DocumentBlob.document_id, wanted))
    ).all()
    known = _load_dictionaries(session, {one.dictionary_id for one in rows} - {None})
    return {one.document_id: _content(one, known) for one in rows}


def add_envelopes(session: Session, envelopes: Sequence[Envelope]) -> None:
    """Write what SRI put around documents that are authorised now."""
    if not envelopes:
        return
    session.execute(
        _ADD_ENVELOPES,
        {
            "documents": [one.document_id for one in envelopes],
            "heads": [one.head for one in envelopes],
            "tails": [one.tail for one in envelopes],
            "tenant": scope_of(session).tenant_id,
        },
    )
    for one in envelopes:
        if one.replaced is not None:
            _replace(session, one.document_id, one.replaced)


def _replace(session: Session, document_id: UUID, content: bytes) -> None:
    session.execute(
        update(DocumentBlob)
        .where(DocumentBlob.document_id == document_id)
        .values(
            codec="raw",
            dictionary_id=None,
            body=content,
            size=len(content),
            sha256=sha256(content).hexdigest(),
        )
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class AuthorizedFile:
    """A signed document, and the file people keep: SRI's envelope with the document inside."""

    signed: bytes
    content: bytes


def read_authorized(
    session: Session, document_ids: Iterable[UUID]
) -> Mapping[UUID, AuthorizedFile]:
    """The authorised files by document; those that have none yet are left out."""
    wanted = list(document_ids)
    rows = session.scalars(
        select(DocumentBlob).where(among(DocumentBlob.document_id, wanted))
    ).all()
    known = _load_dictionaries(session, {one.dictionary_id for one in rows} - {None})
    found = {}
    for row in rows:
        if row.envelope_head is not None and row.envelope_tail is not None:
            signed = _content(row, known)
            whole = ensobrar(row.envelope_head, signed, row.envelope_tail)
            found[row.document_id] = AuthorizedFile(signed, whole)
    return found


class BlobDamaged(RuntimeError):
    """Stored bytes do not hash to what was written: restore them from the backup."""


def _content(row: DocumentBlob, dictionaries: Mapping[UUID, bytes]) -> bytes:
    content = row.body
    if row.codec == "zstd":
        dictionary = dictionaries.get(row.dictionary_id) if row.dictionary_id else None
        content = _decompressor(row.dictionary_id, dictionary).decompress(
            row.body, max_output_size=MAX_BYTES
        )
    if sha256(content).hexdigest() != row.sha256:
        raise BlobDamaged(f"document {row.document_id}")
    return content


def _dictionaries(
    session: Session, contents: Sequence[SignedBytes]
) -> dict[str, tuple[UUID, bytes]]:
    """The dictionary of each topic; the first document of a topic becomes it."""
    first: dict[str, bytes] = {}
    for one in contents:
        first.setdefault(one.topic, one.content)
    query = select(BlobDictionary).where(BlobDictionary.topic.in_(first))
    found = {one.topic: (one.id, one.content) for one in session.scalars(query)}
    missing = [topic for topic in first if topic not in found]
    if missing:
        session.execute(
            upsert(BlobDictionary).on_conflict_do_nothing(),
            [
                {
                    "id": new_id(),
                    "tenant_id": scope_of(session).tenant_id,
                    "created_at": utc_now(),
                    "topic": topic,
                    "content": first[topic],
                }
                for topic in missing
            ],
        )
        found = {one.topic: (one.id, one.content) for one in session.scalars(query)}
    return found


def _load_dictionaries(session: Session, ids: Iterable[UUID | None]) -> dict[UUID, bytes]:
    wanted = [one for one in ids if one is not None]
    if not wanted:
        return {}
    rows = session.execute(
        select(BlobDictionary.id, BlobDictionary.content).where(BlobDictionary.id.in_(wanted))
    )
    return {row.id: row.content for row in rows}


@lru_cache(maxsize=256)
def _dictionary(dictionary_id: UUID, content: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _compressor(dictionary_id: UUID, content: bytes) -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=LEVEL, dict_data=_dictionary(dictionary_id, content))


def _decompressor(dictionary_id: UUID | None, content: bytes | None) -> zstandard.ZstdDecompressor:
    if dictionary_id is None or content is None:
        return zstandard.ZstdDecompressor()
    return zstandard.ZstdDecompressor(dict_data=_dictionary(dictionary_id, content))
