"""The printed sheet of a document, made on demand from its signed bytes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from plugins.einvoice_sri.models.documents import FiscalDocument


def print_ride(session: Session, document: FiscalDocument) -> bytes:
    """The RIDE as PDF; the same bytes whenever it is printed again."""
    from plugins.einvoice_sri.adapters import ride_pdf

    raise NotImplementedError(ride_pdf.__name__)
