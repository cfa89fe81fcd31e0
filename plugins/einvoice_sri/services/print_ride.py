"""The printed sheet of a document, made on demand from its signed bytes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.errors import NotFound
from core.i18n import _
from core.services import blobs, companies
from plugins.einvoice_sri.domain import xml
from plugins.einvoice_sri.domain.estados import Estado
from plugins.einvoice_sri.domain.ride import DatosAutorizacion, hoja
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.document_blobs import read_signed


def print_ride(session: Session, document: FiscalDocument) -> bytes:
    """The RIDE as PDF; the same bytes whenever it is printed again.

    Before authorisation, in pruebas, simulated or annulled the sheet says that it has no tax value.
    Raises ``NotFound`` for a document that is not signed yet.
    """
    signed = read_signed(session, [document.id]).get(document.id)
    if signed is None:
        raise NotFound(_("The document is not signed yet: it has no printed form."))
    return drawn(document, signed, logo_of(session))


def drawn(document: FiscalDocument, signed: bytes, logo: bytes | None) -> bytes:
    """The RIDE of a document from its signed bytes, with its issuer's logo."""
    authorization = None
    if document.authorized_at is not None:
        authorization = DatosAutorizacion(
            numero=document.access_key or "",
            fecha=document.authorized_at,
            simulada=document.is_simulated,
            anulada=document.state == Estado.ANNULLED,
        )
    from plugins.einvoice_sri.adapters import ride_pdf  # ReportLab and its fonts: when one prints

    return ride_pdf.render(hoja(xml.read(signed), authorization, logo=logo))


def logo_of(session: Session) -> bytes | None:
    """The logo of the company in scope; None when it has none."""
    blob_id = companies.profile(session).logo_blob_id
    return None if blob_id is None else blobs.read(session, blob_id).content
