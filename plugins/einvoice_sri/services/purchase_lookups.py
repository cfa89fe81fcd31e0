"""What the forms of purchase documents look up: points, suppliers, and the document withheld from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contracts.fiscal import FiscalTax, PurchaseSettlementRequest
from core.domain.money import total
from core.errors import DomainError
from core.i18n import _
from core.models import Branch, IssuePoint
from plugins.einvoice_sri.domain import clave_acceso as claves
from plugins.einvoice_sri.domain import lectura
from plugins.einvoice_sri.domain.errores import DocumentoIlegible
from plugins.einvoice_sri.domain.factura import Factura
from plugins.einvoice_sri.domain.purchase_sums import IVA
from plugins.einvoice_sri.domain.tipos import TipoComprobante
from plugins.einvoice_sri.domain.verify_envelope import open_envelope
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.models.fetched import FetchedDocument
from plugins.einvoice_sri.services.request_documents import request_of

PURCHASE_KINDS = ("03", "07")
MOST = 12


@dataclass(frozen=True, slots=True)
class Supplier:
    """Who sold to the company."""

    tax_id_type: str
    tax_id: str
    legal_name: str = ""
    email: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Supported:
    """A document that is withheld from. ``taxes`` is empty where only its key is known."""

    kind: str
    number: str
    issued_on: date
    access_key: str
    supplier: Supplier
    taxes: tuple[FiscalTax, ...] = ()


def issue_points(session: Session) -> Sequence[Any]:
    """The active emission points ``(id, written, name)``, those of people first."""
    written = (Branch.code + "-" + IssuePoint.code).label("written")
    return session.execute(
        select(IssuePoint.id, written, IssuePoint.name)
        .join(Branch, Branch.id == IssuePoint.branch_id)
        .where(IssuePoint.is_active, Branch.is_active)
        .order_by(IssuePoint.purpose != "till", written)
    ).all()


def known_supplier(session: Session, tax_id: str) -> Supplier | None:
    """Who had this number the last time that a purchase document was issued to him."""
    last = session.scalars(
        select(FiscalDocument)
        .where(FiscalDocument.receiver_tax_id == tax_id, FiscalDocument.kind.in_(PURCHASE_KINDS))
        .order_by(FiscalDocument.issued_on.desc(), FiscalDocument.id.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    who = request_of(last).counterpart
    return Supplier(who.tax_id_type, who.tax_id, who.legal_name, who.email, who.address)


def fetched_invoices(session: Session) -> list[tuple[str, claves.ClaveAcceso]]:
    """The keys of invoices that were fetched from SRI and their parts, newest first."""
    keys = session.scalars(
        select(FetchedDocument.access_key)
        .where(
            FetchedDocument.state == "found",
            FetchedDocument.access_key.like(f"________{TipoComprobante.FACTURA.value}%"),
        )
        .order_by(FetchedDocument.requested_at.desc(), FetchedDocument.id.desc())
        .limit(MOST)
    )
    return [(one, claves.parse(one)) for one in keys]


def find_supported(session: Session, access_key: str) -> Supported:
    """What is known of the document with this key: SRI's file, our own liquidación, or the key alone.

    Raises ``DomainError`` for what is no access key, or names a document nobody withholds from.
    """
    key = "".join(access_key.split())
    try:
        parts = claves.parse(key)
    except claves.ClaveInvalida as error:
        raise DomainError(
            _(
                "This is no access key: it has 49 digits and stands under the bar code. Copy it again."
            ),
            code="sri_key",
            field="access_key",
        ) from error
    if parts.cod_doc not in {TipoComprobante.FACTURA, TipoComprobante.LIQUIDACION_COMPRA,
                             TipoComprobante.NOTA_DEBITO}:  # fmt: skip
        raise DomainError(
            _("This key belongs to a document from which nothing is withheld: give an invoice's."),
            code="sri_key_kind",
            field="access_key",
        )
    own = session.scalar(select(FiscalDocument).where(FiscalDocument.access_key == key))
    found = Supported(
        kind=parts.cod_doc.value,
        number=f"{parts.establecimiento}-{parts.punto_emision}-{parts.secuencial}",
        issued_on=parts.fecha_emision,
        access_key=key,
        supplier=known_supplier(session, parts.ruc) or Supplier("04", parts.ruc),
    )
    if own is not None:
        return _from_settlement(own, found)
    content = session.scalar(
        select(FetchedDocument.content).where(FetchedDocument.access_key == key)
    )
    return found if content is None else _from_file(content, found)


def find_settlement(session: Session, document_id: UUID) -> Supported | None:
    """A liquidación of ours as the document that is withheld from; None when there is none."""
    own = session.scalar(
        select(FiscalDocument).where(
            FiscalDocument.id == document_id,
            FiscalDocument.kind == TipoComprobante.LIQUIDACION_COMPRA.value,
            FiscalDocument.access_key.is_not(None),
        )
    )
    return None if own is None else find_supported(session, own.access_key or "")


def _from_settlement(own: FiscalDocument, found: Supported) -> Supported:
    request = request_of(own)
    if not isinstance(request, PurchaseSettlementRequest):
        raise DomainError(
            _("This document was issued by your own company: give the key of a purchase."),
            code="sri_key_own",
            field="access_key",
        )
    who = request.counterpart
    return Supported(
        found.kind,
        found.number,
        found.issued_on,
        found.access_key,
        Supplier(who.tax_id_type, who.tax_id, who.legal_name, who.email, who.address),
        _by_rate(tax for line in request.lines for tax in line.taxes),
    )


def _from_file(content: bytes, found: Supported) -> Supported:
    try:
        read = lectura.read(open_envelope(content).comprobante)
    except (DomainError, DocumentoIlegible):
        return found
    if not isinstance(read, Factura):
        return found
    who = found.supplier
    return Supported(
        found.kind,
        found.number,
        found.issued_on,
        found.access_key,
        Supplier(
            "04",
            read.info_tributaria.ruc,
            read.info_tributaria.razon_social,
            who.email,
            who.address or read.info_tributaria.dir_matriz,
        ),
        _by_rate(
            FiscalTax(
                one.codigo,
                one.codigo_porcentaje,
                one.tarifa if one.tarifa is not None else Decimal(0),
                one.base_imponible,
                one.valor,
            )
            for one in read.info_factura.total_con_impuestos
        ),
    )


def _by_rate(taxes: Any) -> tuple[FiscalTax, ...]:
    """The IVA by rate; other taxes have no line of their own on the form."""
    sums: dict[str, list[FiscalTax]] = {}
    for one in taxes:
        if one.code == IVA:
            sums.setdefault(one.rate_code, []).append(one)
    return tuple(
        FiscalTax(
            IVA,
            code,
            ones[0].rate,
            total(one.base for one in ones),
            total(one.amount for one in ones),
        )
        for code, ones in sums.items()
    )
