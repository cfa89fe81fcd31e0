"""Correcting what a refused document says: its receiver, or its date when SRI calls it late (65).

The number always stays. The key stays too unless the date changes, for the key begins with the date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.codec import to_texts
from core.contracts.events import DocumentCorrected
from core.contracts.fiscal import FiscalRequest
from core.contracts.sales import CustomerData
from core.db.events import emit
from core.domain import tax_ids
from core.errors import Conflict, DomainError
from core.i18n import _
from plugins.einvoice_sri.domain.estados import Estado
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.build_document import check_requests
from plugins.einvoice_sri.services.cancel_document import find_document
from plugins.einvoice_sri.services.correct_document import LATE, send_again
from plugins.einvoice_sri.services.read_fate import fate_of, open_fate
from plugins.einvoice_sri.services.read_issuer import IssuerReader
from plugins.einvoice_sri.services.request_documents import SAID_BY_COLUMNS, request_of

GUIDE = "06"  # its counterpart carries the goods; the receivers stand in its destinations
MOST = {"legal_name": 300, "email": 200, "address": 300}
#: Our own checks speak of SRI's fields; the form has these.
FIELDS = {
    "sri_identificacion": "tax_id",
    "sri_consumidor_final": "tax_id_type",
    "sri_consumidor_final_numero": "tax_id",
    "sri_consumidor_final_limite": "tax_id_type",
    "sri_tipo_sujeto": "tax_id_type",
}


def is_late(document: FiscalDocument, today: date) -> bool:
    """Does SRI refuse its date, so that only another date helps?"""
    return (
        document.state == Estado.REJECTED and document.code == LATE and document.issued_on != today
    )


def has_receiver(document: FiscalDocument) -> bool:
    """Is there one receiver that can be corrected?"""
    return document.kind != GUIDE


def may_amend(session: Session, document: FiscalDocument, today: date) -> bool:
    """Was it refused, and is there something that a person can correct in it now?"""
    if document.state != Estado.REJECTED:
        return False
    if is_late(document, today):  # only with another key, which waits for the fate of this one
        return open_fate(session, document) is None
    return has_receiver(document)


def amend_document(
    session: Session,
    document_id: UUID,
    *,
    receiver: CustomerData | None,
    is_dated_today: bool = False,
    now: datetime,
) -> FiscalDocument:
    """Write the receiver (None: it stays) and today's date into a refused document, check it as a first
    request is checked, and send it again with the same number.

    Raises ``Conflict`` unless SRI has refused it and nothing else of it can be at SRI; ``DomainError``
    with its field for what SRI would refuse.
    """
    document = find_document(session, document_id, lock=True)
    today = to_local_date(now)
    if document.state != Estado.REJECTED:
        raise Conflict(
            _("Only a document that SRI has refused can be corrected."), code="sri_state"
        )
    asked = before = request_of(document)
    if receiver is not None:
        asked = replace(asked, counterpart=_receiver(document, receiver))
    if is_dated_today:
        _may_be_dated(session, document, today)
        asked = replace(asked, issued_on=today)
    elif is_late(document, today):
        raise DomainError(
            _("SRI refuses its date: give the document today's."),
            code="sri_late",
            field="is_dated_today",
        )
    _check(session, asked, document.environment, today)
    old_key = document.access_key or ""
    _write(document, asked)
    if is_dated_today:
        document.access_key = None  # until it is signed: the key begins with the date
    send_again(session, document, details=_changes(before, asked, old_key))
    who = asked.counterpart
    emit(
        session,
        DocumentCorrected(
            document_id=document.id,
            kind=document.kind,
            number=document.number,
            issued_on=asked.issued_on,
            receiver_tax_id_type=who.tax_id_type,
            receiver_tax_id=who.tax_id,
            receiver_name=who.legal_name,
            receiver_email=who.email,
            receiver_address=who.address,
            at=now,
        ),
        now=now,
    )
    return document


def _receiver(document: FiscalDocument, typed: CustomerData) -> CustomerData:
    """The receiver with tidy fields; what the form does not hold stays."""
    if not has_receiver(document):
        raise DomainError(
            _("A guía has a receiver in each destination: issue it anew."), code="sri_receiver"
        )
    finding = tax_ids.check(typed.tax_id_type, typed.tax_id)
    if not finding.is_valid:
        field = "tax_id_type" if finding.code == "type" else "tax_id"
        raise DomainError(str(finding.sentence), code=finding.code, field=field)
    tidy = replace(
        typed,
        tax_id=finding.number,
        legal_name=" ".join(typed.legal_name.split()),
        email=typed.email.strip(),
        address=" ".join(typed.address.split()),
        phone=request_of(document).counterpart.phone,
    )
    if not tidy.legal_name:
        raise DomainError(_("Write the name of who receives it."), code="empty", field="legal_name")
    if tidy.email and ("@" not in tidy.email or len(tidy.email.split()) > 1):
        raise DomainError(
            _("Write one mail address, such as ana@example.com."), code="email", field="email"
        )
    for field, most in MOST.items():
        if len(getattr(tidy, field)) > most:
            sentence = _("At most %(most)s letters fit here: shorten it.", most=most)
            raise DomainError(sentence, code="too_long", field=field)
    return tidy


def _may_be_dated(session: Session, document: FiscalDocument, today: date) -> None:
    """Another date makes another key: never while SRI may still decide about the first one."""
    if not is_late(document, today):
        raise Conflict(
            _("The date changes only when SRI refuses it (65); otherwise number and key stay."),
            code="sri_date",
            field="is_dated_today",
        )
    if fate_of(session, document).is_open:
        raise Conflict(
            _(
                "SRI took this document in once and never said what became of it: ask SRI again on"
                " its page. It gets no second key while the first may be authorised."
            ),
            code="sri_fate",
            field="is_dated_today",
        )


def _check(session: Session, asked: FiscalRequest, environment: int, today: date) -> None:
    try:
        check_requests([asked], IssuerReader(session), environment=environment, today=today)
    except DomainError as error:
        field = FIELDS.get(error.code or "")
        raise DomainError(str(error), code=error.code, field=field) from error


def _write(document: FiscalDocument, asked: FiscalRequest) -> None:
    """The snapshot and what columns say of it (``SAID_BY_COLUMNS``)."""
    who = asked.counterpart
    document.issued_on = asked.issued_on
    document.receiver_tax_id_type, document.receiver_tax_id = who.tax_id_type, who.tax_id
    document.receiver_name, document.receiver_email = who.legal_name, who.email
    document.request = json.loads(to_texts([asked], without=SAID_BY_COLUMNS)[0])


def _changes(before: FiscalRequest, asked: FiscalRequest, old_key: str) -> Mapping[str, Any]:
    """What the audit keeps: each field that changed with its old value, and the key that ended."""
    found: dict[str, Any] = {
        name: getattr(before.counterpart, name)
        for name in ("tax_id_type", "tax_id", "legal_name", "email", "address")
        if getattr(before.counterpart, name) != getattr(asked.counterpart, name)
    }
    if before.issued_on != asked.issued_on:
        found |= {"issued_on": before.issued_on.isoformat(), "access_key": old_key}
    return {"before": found}
