"""Slips that come as PDF, written anew: only what is drawn on the pages is kept."""

from __future__ import annotations

import io
import logging

from core.errors import DomainError
from core.i18n import _

MAX_PAGES = 10
_ON_A_PAGE = ("/Annots", "/AA", "/PieceInfo", "/Metadata", "/B", "/Tabs")


def written_anew(content: bytes) -> bytes:
    """The pages of a PDF in a new file: no programs, forms, links, attachments or data about it.

    Raises ``DomainError`` for a PDF that is damaged, locked, empty or longer than ten pages.
    """
    from pypdf import PdfReader, PdfWriter  # a start should not pay for it

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it comments on every crooked file
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted or not 0 < len(reader.pages) <= MAX_PAGES:
            raise _unusable()
        writer = PdfWriter()
        for page in reader.pages:
            for name in _ON_A_PAGE:
                if name in page:
                    del page[name]
            writer.add_page(page)
        out = io.BytesIO()
        writer.write(out)
    except DomainError:
        raise
    except Exception as error:  # pypdf raises whatever it stumbles over in a foreign file
        raise _unusable() from error
    return out.getvalue()


def _unusable() -> DomainError:
    return DomainError(
        _("This PDF cannot be read: it is damaged, locked, or longer than ten pages."
          " Send a photo of the slip instead."),
        code="slip_unreadable",
        field="slip",
    )  # fmt: skip
