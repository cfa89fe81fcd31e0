"""Payment slips: core writes pictures anew and knows a PDF; a PDF that acts is refused here."""

from __future__ import annotations

import re
from uuid import UUID

from sqlalchemy.orm import Session

from core.errors import DomainError
from core.i18n import _
from core.services import blobs

_ACTIVE = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA)\b", re.IGNORECASE)


def store_slip(session: Session, content: bytes) -> UUID:
    """Keep a slip in the scope at hand. Neither its name nor its announced type is believed.

    Raises ``DomainError`` (field ``slip``) that says what is wrong and what to do.
    """
    if not content:
        raise DomainError(
            _("The file of the slip is empty: choose it again."), code="slip_empty", field="slip"
        )
    is_pdf = content.startswith(b"%PDF-")
    if is_pdf and b"%%EOF" not in content[-2048:]:
        raise DomainError(
            _("The PDF of the slip is cut off: download it again from the bank."),
            code="slip_cut",
            field="slip",
        )
    if is_pdf and _ACTIVE.search(content):
        raise DomainError(
            _("The PDF of the slip holds scripts or other files: send a photo of it instead."),
            code="slip_active",
            field="slip",
        )
    name, kind = (
        ("comprobante.pdf", "application/pdf") if is_pdf else ("comprobante.jpg", "image/jpeg")
    )
    return blobs.store(session, content, kind, name, field="slip")
