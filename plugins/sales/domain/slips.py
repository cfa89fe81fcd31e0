"""Slips of transfers: a PDF must be whole and passive; pictures are drawn anew by core."""

from __future__ import annotations

import re
from typing import Final

from core.errors import DomainError
from core.i18n import _

_ACTIVE: Final = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA|SubmitForm)\b")
_TAIL: Final = 2048


def check_pdf(content: bytes) -> None:
    """Raise ``DomainError`` for a PDF that is cut off or carries programs or files inside."""
    if not content.startswith(b"%PDF-"):
        return
    if b"%%EOF" not in content[-_TAIL:] or _ACTIVE.search(content):
        raise DomainError(
            _("This PDF is damaged or holds programs. Send a photo of the slip instead."),
            code="slip_unsafe",
            field="slip",
        )
