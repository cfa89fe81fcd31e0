"""Logos, slips and photos of the tenant in scope."""

from __future__ import annotations

import hashlib
from uuid import UUID

from sqlalchemy.orm import Session

from core.adapters.images import MAX_BYTES, reencode
from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.models import Blob

PDF = "application/pdf"


def store(
    session: Session, content: bytes, media_type: str, filename: str, *, field: str | None = None
) -> UUID:
    """Keep a picture (written anew) or a PDF; its id.

    The type is read from the content; ``media_type`` is only what the browser claims.

    Raises:
        DomainError: too large, or neither a picture nor a PDF.
    """
    if content.startswith(b"%PDF-"):
        if len(content) > MAX_BYTES:
            raise DomainError(
                _("The file is larger than 5 MB: choose a smaller one."),
                code="file_size",
                field=field,
            )
        kind = PDF
    else:
        content, kind = reencode(content, field=field)
    blob = Blob(
        id=new_id(),
        media_type=kind,
        filename=filename[:200],
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
    )
    session.add(blob)
    session.flush()
    return blob.id


def read(session: Session, blob_id: UUID) -> Blob:
    """A stored file. Raises ``NotFound`` for one that is not the tenant's."""
    found = session.get(Blob, blob_id)
    if found is None:
        raise NotFound(_("This file does not exist."))
    return found
