"""Dispatch guides for the goods of an invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.fiscal import (
    DispatchGuideRequest,
    GuideDestination,
)
from core.contracts.sales import CustomerData
from core.db.locks import wait_for
from core.domain.money import ZERO
from core.errors import DomainError
from core.i18n import _
from core.ids import new_id
from core.services import numbering
from plugins.sales.domain.vocabulary import (
    DISPATCH_GUIDE_KIND,
)
from plugins.sales.models import DispatchGuide
from plugins.sales.services.issue_invoices import invoice_row
from plugins.sales.services.note_parts import (
    NoteRef,
    buyer_of,
    known_note,
    request_document,
    supported_by,
)
from plugins.sales.services.practice import environment_of_note
from plugins.sales.services.read_invoices import lines_of


@dataclass(frozen=True, slots=True)
class GuideData:
    """What a dispatch guide says: ``carrier`` moves the goods of an invoice from here to there."""

    carrier: CustomerData
    plate: str
    start_address: str
    starts_on: date
    ends_on: date
    destination_address: str
    reason: str


def issue_dispatch_guide(
    session: Session, invoice_id: UUID, guide: GuideData, *, source_key: str, now: datetime
) -> NoteRef:
    """Issue a dispatch guide for the goods of an invoice. Raises ``DomainError``, ``NotFound``."""
    wait_for(session, f"guide/{source_key}")
    known = known_note(session, DispatchGuide, source_key)
    if known is not None:
        return known
    invoice = invoice_row(session, invoice_id)
    for field, value in (
        ("plate", guide.plate),
        ("start_address", guide.start_address),
        ("destination_address", guide.destination_address),
        ("reason", guide.reason),
    ):
        if not value.strip() or len(value) > 300:
            raise DomainError(
                _("Fill in plate, addresses and reason of the transport."),
                code="guide_incomplete",
                field=field,
            )
    if guide.ends_on < guide.starts_on:
        raise DomainError(
            _("The transport ends before it begins. Correct the days."),
            code="guide_dates",
            field="ends_on",
        )
    environment = environment_of_note(session, invoice)
    series = numbering.allocate(
        session,
        issue_point_id=invoice.issue_point_id,
        document_kind=DISPATCH_GUIDE_KIND,
        environment=environment,
    )
    guide_id, today = new_id(), to_local_date(now)
    number = series.written(series.first)
    items = tuple(
        (line.code, line.description, line.quantity)
        for line in lines_of(session, [invoice_id])[invoice_id]
    )
    destination = GuideDestination(
        consignee=buyer_of(invoice),
        address=guide.destination_address.strip(),
        reason=guide.reason.strip(),
        items=items,
        supported=supported_by(invoice),
    )
    session.add(
        DispatchGuide(
            id=guide_id,
            invoice_id=invoice_id,
            environment=environment,
            number=number,
            issued_on=today,
            issued_at=now,
            carrier=[guide.carrier.tax_id_type, guide.carrier.tax_id, guide.carrier.legal_name],
            plate=guide.plate.strip()[:20],
            start_address=guide.start_address.strip(),
            starts_on=guide.starts_on,
            ends_on=guide.ends_on,
            destinations=[
                [
                    destination.address,
                    destination.reason,
                    [[code, words, str(quantity)] for code, words, quantity in items],
                ]
            ],
            source_key=source_key,
        )
    )
    session.flush()
    request_document(
        session,
        DispatchGuideRequest(
            document_id=guide_id,
            branch_code=series.branch_code,
            issue_point_code=series.issue_point_code,
            sequence=series.first,
            issued_on=today,
            counterpart=guide.carrier,
            start_address=guide.start_address.strip(),
            starts_on=guide.starts_on,
            ends_on=guide.ends_on,
            plate=guide.plate.strip()[:20],
            destinations=(destination,),
        ),
        now=now,
    )
    return NoteRef(guide_id, number, ZERO, created=True)
