"""The printed sheet of a document, made on demand from its signed bytes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.errors import DomainError, NotFound
from core.i18n import _
from core.services import blobs, companies
from plugins.einvoice_sri.domain import xml
from plugins.einvoice_sri.domain.comprobantes import Comprobante
from plugins.einvoice_sri.domain.estados import Estado
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.ride import DatosAutorizacion, hoja
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.document_blobs import read_signed


def print_ride(session: Session, document: FiscalDocument, *, is_ticket: bool = False) -> bytes:
    """The RIDE as PDF; the same bytes whenever it is printed again. ``is_ticket``: on 80 mm.

    Before authorisation, in pruebas, simulated or annulled the sheet says that it has no tax value.
    Raises ``NotFound`` for a document that is not signed yet, and as ``render`` does.
    """
    signed = read_signed(session, [document.id]).get(document.id)
    if signed is None:
        raise NotFound(_("The document is not signed yet: it has no printed form."))
    logo = None if is_ticket else logo_of(session)  # a thermal head prints no pictures
    return drawn(document, signed, logo, is_ticket=is_ticket)


def drawn(
    document: FiscalDocument, signed: bytes, logo: bytes | None, *, is_ticket: bool = False
) -> bytes:
    """The RIDE of a document from its signed bytes, with its issuer's logo."""
    authorization = None
    if document.authorized_at is not None:
        authorization = DatosAutorizacion(
            numero=document.access_key or "",
            fecha=document.authorized_at,
            simulada=document.is_simulated,
            anulada=document.state == Estado.ANNULLED,
        )
    return render(xml.read(signed), authorization, logo, is_ticket=is_ticket)


def render(
    comprobante: Comprobante,
    authorization: DatosAutorizacion | None,
    logo: bytes | None,
    *,
    is_ticket: bool = False,
) -> bytes:
    """A document on A4, or a factura on a roll of 80 mm: raises ``DomainError`` for other kinds."""
    # ReportLab and its fonts: when one prints
    from plugins.einvoice_sri.adapters import ride_pdf, ride_ticket

    if is_ticket and not isinstance(comprobante, Factura):
        raise DomainError(
            _("Only a factura fits on a ticket of 80 mm: print this document on A4."),
            code="sri_ride_ticket",
        )
    sheet = hoja(comprobante, authorization, logo=logo)
    return ride_ticket.render(sheet) if is_ticket else ride_pdf.render(sheet)


def logo_of(session: Session) -> bytes | None:
    """The logo of the company in scope; None when it has none."""
    blob_id = companies.profile(session).logo_blob_id
    return None if blob_id is None else blobs.read(session, blob_id).content
