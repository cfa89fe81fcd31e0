"""A file between two steps of a wizard: kept as the tenant's blob, gone after the last step."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.ids import new_id
from core.models import Blob

RAW = "application/octet-stream"


def keep_upload(session: Session, content: bytes, filename: str) -> UUID:
    """Keep ``content`` for the next step; its id."""
    blob = Blob(
        id=new_id(),
        media_type=RAW,
        filename=filename[:200],
        sha256=sha256(content).hexdigest(),
        content=content,
    )
    session.add(blob)
    session.flush()
    return blob.id


def take_upload(session: Session, blob_id: UUID) -> None:
    """The wizard is done: forget the file."""
    session.execute(
        delete(Blob).where(
            Blob.id == blob_id,
            Blob.tenant_id == scope_of(session).tenant_id,
            Blob.media_type == RAW,
        )
    )
