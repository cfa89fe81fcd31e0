"""Documents as pages show them: lists, what is wrong and what to do, what has happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.i18n import _
from core.services import settings as tenant_settings
from plugins.einvoice_sri import settings
from plugins.einvoice_sri.domain import catalogos
from plugins.einvoice_sri.domain.estados import Estado
from plugins.einvoice_sri.models.documents import (
    DocumentAttempt,
    DocumentMail,
    FiscalDocument,
    IssuerPause,
)
from plugins.einvoice_sri.services.pauses import CERTIFICATE, open_pauses, stops
from plugins.einvoice_sri.services.read_fate import fate_words, open_fate
from plugins.einvoice_sri.services.record_outcomes import ADDRESS, from_json

GROUPS: dict[str, tuple[Estado, ...]] = {
    "waiting": (Estado.REQUESTED, Estado.SIGNED, Estado.UNKNOWN, Estado.RECEIVED),
    "problem": (Estado.REJECTED, Estado.PAUSED),
    "authorized": (Estado.AUTHORIZED,),
    "annulled": (Estado.ANNULMENT_REQUESTED, Estado.ANNULLED),
}
PRACTISED = "practice"  # a group of its own: practice documents are in no other
KEY_LENGTH = 49
LATE = timedelta(hours=24)


REAL = FiscalDocument.environment != settings.PRACTICE


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong and the one thing to do; ``said`` are SRI's own words. ``is_to_ask``: SRI may
    still authorise it, so ask first.
    """

    what: str
    remedy: str
    code: str = ""
    said: tuple[str, ...] = ()
    pause: IssuerPause | None = None
    is_to_ask: bool = False


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a document's timeline."""

    at: datetime
    tone: str
    words: str
    detail: str = ""


def documents(group: str = "", kind: str = "", search: str = "") -> Select[Any]:
    """The documents of a group (see ``GROUPS``), kind or search text, without an order.

    Practice documents show only in their own group, and by their access key.
    """
    wanted = search.strip()
    query = select(FiscalDocument)
    if group == PRACTISED:
        query = query.where(FiscalDocument.environment == settings.PRACTICE)
    elif len(wanted) != KEY_LENGTH:
        query = query.where(FiscalDocument.environment != settings.PRACTICE)
    if group in GROUPS:
        query = query.where(FiscalDocument.state.in_(GROUPS[group]))
    if kind:
        query = query.where(FiscalDocument.kind == kind)
    if len(wanted) == KEY_LENGTH and wanted.isdecimal():
        query = query.where(FiscalDocument.access_key == wanted)
    elif wanted.isdecimal() and len(wanted) in (10, 13):
        query = query.where(FiscalDocument.receiver_tax_id == wanted)
    elif wanted:
        sequence = wanted.rsplit("-", 1)[-1].lstrip("0")
        number = int(sequence) if sequence.isdecimal() and len(sequence) <= 9 else 0
        query = query.where(FiscalDocument.sequence == number)
    return query


def is_practising(session: Session) -> bool:
    """Does the company practise at the moment?"""
    return int(tenant_settings.read(session, settings.ENVIRONMENT)) == settings.PRACTICE


def has_practised(session: Session) -> bool:
    """Is there a document that was made to practise?"""
    found = select(FiscalDocument.id).where(FiscalDocument.environment == settings.PRACTICE)
    return session.scalar(found.limit(1)) is not None


def problem_of(session: Session, document: FiscalDocument) -> Problem | None:
    """What keeps the document from being authorised and needs a person; None when nothing does."""
    said = tuple(
        f"{one.identificador} {one.mensaje.strip()} {one.informacion_adicional.strip()}".strip()
        for one in from_json(document.messages)
    )
    state = Estado(document.state)
    if state is Estado.REJECTED and document.code == "local":
        words = tuple(one.mensaje for one in from_json(document.messages))
        return Problem(
            _("Something in the document is not right, so it was not sent."),
            _(
                "Correct the receiver here, or the company's data and the certificate, and send it again;"
                " it keeps its number. If a line or an amount is wrong, tell the operator."
            ),
            said=words,
        )
    pause = None
    if state not in (Estado.REJECTED, *GROUPS["authorized"], *GROUPS["annulled"]):
        pause = stops(open_pauses(session), document)
    if state in (Estado.REJECTED, Estado.PAUSED):
        known = catalogos.error(document.code)
        fate = open_fate(session, document)
        remedy = known.que_hacer if fate is None else fate_words(fate)
        return Problem(known.que_paso, remedy, document.code, said, pause, fate is not None)
    if pause is not None and state in (Estado.REQUESTED, Estado.SIGNED):
        what, remedy = pause_words(pause)
        return Problem(what, remedy, pause.code, (pause.detail,) if pause.detail else (), pause)
    return None


def pause_words(pause: IssuerPause) -> tuple[str, str]:
    """What a stop means and what to do about it."""
    if pause.code == CERTIFICATE:
        return (
            _("There is no certificate to sign with."),
            _("Upload a valid P12 file; the documents leave by themselves."),
        )
    if pause.code == ADDRESS:
        return (
            _("The address of SRI does not answer as SRI does."),
            _("The operator checks the address in the settings and lifts the stop."),
        )
    known = catalogos.error(pause.code)
    return known.que_paso, known.que_hacer


def timeline(session: Session, document: FiscalDocument) -> list[Happening]:
    """What has happened to a document, oldest first."""
    found = [Happening(document.requested_at, "wait", _("Requested"))]
    if document.signed_at is not None:
        found.append(Happening(document.signed_at, "wait", _("Signed")))
    attempts = select(DocumentAttempt).where(DocumentAttempt.document_id == document.id)
    for one in session.scalars(attempts.order_by(DocumentAttempt.at, DocumentAttempt.id)):
        asked = one.operation != "recepcion"
        words = (
            _("Asked SRI: %(said)s", said=one.outcome)
            if asked
            else _("Sent to SRI: %(said)s", said=one.outcome)
        )
        detail = "; ".join(
            f"{m.identificador} {m.mensaje.strip()}" for m in from_json(one.messages)
        )
        tone = {"AUTORIZADO": "ok", "NO AUTORIZADO": "bad", "DEVUELTA": "warn"}.get(
            one.outcome, "wait"
        )
        found.append(Happening(one.at, tone, words, detail))
    mails = select(DocumentMail).where(DocumentMail.document_id == document.id)
    mails = mails.order_by(DocumentMail.intended_at, DocumentMail.recipient)
    found.extend(_mailed(mail) for mail in session.scalars(mails))
    if document.annulment_at is not None:
        words = (
            _("Annulled at SRI") if document.state == Estado.ANNULLED else _("Annulment requested")
        )
        found.append(Happening(document.annulment_at, "warn", words))
    return sorted(found, key=lambda one: one.at)


def _mailed(mail: DocumentMail) -> Happening:
    if mail.state == "sent" and mail.sent_at is not None:
        return Happening(mail.sent_at, "ok", _("Mailed to %(to)s", to=mail.recipient))
    if mail.state == "failed":
        return Happening(
            mail.intended_at,
            "bad",
            _("The mail to %(to)s did not leave", to=mail.recipient),
            mail.problem,
        )
    return Happening(
        mail.intended_at, "wait", _("Mail to %(to)s waits", to=mail.recipient), mail.problem
    )


def month_counts(session: Session, *, since: date) -> dict[str, int]:
    """Documents issued from a day on, by group of states (``GROUPS``)."""
    rows = session.execute(
        select(FiscalDocument.state, func.count())
        .where(FiscalDocument.issued_on >= since, REAL)
        .group_by(FiscalDocument.state)
    )
    states: dict[str, int] = {state: count for state, count in rows}  # noqa: C416  (a Row is no pair to mypy)
    return {name: sum(states.get(one, 0) for one in group) for name, group in GROUPS.items()}


def counts(session: Session, *, now: datetime) -> dict[str, int]:
    """How many documents need a person, and how many wait for SRI for more than a day."""
    refused = (
        select(func.count())
        .select_from(FiscalDocument)
        .where(FiscalDocument.state.in_(GROUPS["problem"]), REAL)
    )
    late = (
        select(func.count())
        .select_from(FiscalDocument)
        .where(
            FiscalDocument.state.in_(GROUPS["waiting"]),
            FiscalDocument.requested_at < now - LATE,
            REAL,
        )
    )
    failed = select(func.count()).select_from(DocumentMail).where(DocumentMail.state == "failed")
    return {
        "refused": session.scalar(refused) or 0,
        "late": session.scalar(late) or 0,
        "unmailed": session.scalar(failed) or 0,
    }
