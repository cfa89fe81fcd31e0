"""Where documents stand, as sentences for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local
from core.contracts.fiscal import FiscalStatus
from core.i18n import _, lazy
from plugins.einvoice_sri.domain.estados import Estado
from plugins.einvoice_sri.models.documents import FiscalDocument

TONES = {
    Estado.REQUESTED: "wait",
    Estado.SIGNED: "wait",
    Estado.UNKNOWN: "wait",
    Estado.RECEIVED: "wait",
    Estado.AUTHORIZED: "ok",
    Estado.REJECTED: "bad",
    Estado.PAUSED: "warn",
    Estado.ANNULMENT_REQUESTED: "warn",
    Estado.ANNULLED: "warn",
}


def statuses(session: Session, document_ids: Iterable[UUID]) -> Mapping[UUID, FiscalStatus]:
    """Where these documents stand; ids never requested are left out."""
    wanted = list(document_ids)
    if not wanted:
        return {}
    rows = session.scalars(select(FiscalDocument).where(FiscalDocument.id.in_(wanted)))
    return {
        row.id: FiscalStatus(
            document_id=row.id,
            access_key=row.access_key,
            state=row.state,
            sentence=sentence(row),
            authorized_at=row.authorized_at,
        )
        for row in rows
    }


def word(state: str) -> str:
    """The state in one or two words, for a badge."""
    words = {
        Estado.REQUESTED: _("To be signed"),
        Estado.SIGNED: _("To be sent"),
        Estado.UNKNOWN: _("Waiting for SRI"),
        Estado.RECEIVED: _("Received by SRI"),
        Estado.AUTHORIZED: _("Authorised"),
        Estado.REJECTED: _("Refused"),
        Estado.PAUSED: _("Stopped"),
        Estado.ANNULMENT_REQUESTED: _("Annulment requested"),
        Estado.ANNULLED: _("Annulled"),
    }
    return words[Estado(state)]


_SENTENCES = {
    Estado.REQUESTED: lazy("The document waits to be signed."),
    Estado.SIGNED: lazy("Signed; it leaves as soon as SRI answers."),
    Estado.UNKNOWN: lazy("Sent, but SRI has not said yet whether it arrived; we keep asking."),
    Estado.RECEIVED: lazy("SRI has received the document and has not decided yet; we keep asking."),
    Estado.REJECTED: lazy(
        "SRI refuses the document as it is; correct it and send it again with the same number."
    ),
    Estado.PAUSED: lazy("Stopped until somebody settles the cause with SRI."),
    Estado.ANNULMENT_REQUESTED: lazy("Authorised; its annulment has been requested from SRI."),
}


def sentence(document: FiscalDocument) -> str:
    """The state as a sentence."""
    state = Estado(document.state)
    if state is Estado.AUTHORIZED and document.is_simulated:
        return _(
            "Authorised by the simulator on %(at)s: it has no tax value.",
            at=_at(document.authorized_at),
        )
    if state is Estado.AUTHORIZED:
        return _("Authorised on %(at)s.", at=_at(document.authorized_at))
    if state is Estado.ANNULLED:
        return _("Annulled at SRI on %(at)s.", at=_at(document.annulment_at))
    if state is Estado.REJECTED and document.code == "local":
        return _("The document was not sent: something in it must be corrected first.")
    return str(_SENTENCES[state])


def _at(instant: datetime | None) -> str:
    return "" if instant is None else f"{to_local(instant):%d/%m/%Y %H:%M}"
