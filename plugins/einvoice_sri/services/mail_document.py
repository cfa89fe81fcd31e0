"""The mail that brings a document to its receiver: written from the document, marked when it has left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from core import plugins
from core.contracts.fiscal import DocumentFiles
from core.contracts.ports import Attachment, Mail, MailError
from core.db.arrays import among
from core.db.tenancy import scope_of
from core.i18n import _
from core.letters import Button, Fact, Part, Small, Strip, page, plain
from core.models import Tenant
from core.services import companies
from plugins.einvoice_sri.domain.tipos import TITULOS, TipoComprobante
from plugins.einvoice_sri.models.documents import DocumentMail, FiscalDocument
from plugins.einvoice_sri.services.document_files import files_of_many

PENDING, SENT, FAILED = "pending", "sent", "failed"
MAX_TRIES = 30
_MARK_SENT = (
    "UPDATE sri_mail SET state = %(state)s, sent_at = %(now)s, problem = '', tries = tries + 1"
    " WHERE id = %(id)s AND tenant_id = %(tenant_id)s"
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to go and the intent it fulfils."""

    mail_id: UUID
    mail: Mail


def write_letters(session: Session, mail_ids: Sequence[UUID], *, now: datetime) -> list[Letter]:
    """The mails of these intents with the authorised XML and the RIDE, in the order given; those that
    have left already are left out.
    """
    waiting = select(DocumentMail).where(
        among(DocumentMail.id, mail_ids), DocumentMail.state == PENDING
    )
    intents = {one.id: one for one in session.scalars(waiting)}
    ids = {one.document_id for one in intents.values()}
    if not ids:
        return []
    without = defer(FiscalDocument.request), defer(FiscalDocument.messages)
    wanted = select(FiscalDocument).where(among(FiscalDocument.id, ids)).options(*without)
    rows = session.scalars(wanted).all()
    documents = {one.id: one for one in rows}
    files = files_of_many(session, rows)
    profile = companies.profile(session)
    sender = _Sender(
        session.get_one(Tenant, scope_of(session).tenant_id).tax_id,
        profile.trade_name or profile.legal_name,
        profile.email,
    )
    return [
        _letter(intents[one], documents[intents[one].document_id], sender, file)
        for one in mail_ids
        if one in intents and (file := files.get(intents[one].document_id)) is not None
    ]


@dataclass(frozen=True, slots=True)
class _Sender:
    tax_id: str
    name: str
    reply_to: str


def _letter(
    intent: DocumentMail, document: FiscalDocument, sender: _Sender, files: DocumentFiles
) -> Letter:
    attachments = (
        Attachment(f"{files.access_key}.xml", "application/xml", files.xml),
        Attachment(f"{files.access_key}.pdf", "application/pdf", files.ride),
    )
    link = plugins.call(
        "receiver_link",
        issuer_tax_id=sender.tax_id,
        receiver_tax_id=document.receiver_tax_id,
        receiver_email=intent.recipient,
        access_key=files.access_key,
    )
    subject, parts = _words(document, intent.occasion, sender.name)
    if link:
        parts.append(Button(_("See the document"), link))
    parts.append(Small(_("The XML file is the document; the PDF is its printed form.")))
    mail = Mail(
        message_id=intent.message_id,
        to=intent.recipient,
        subject=subject,
        text=plain(parts),
        html=page(subject, sender.name, parts),
        sender_name=sender.name,
        reply_to=sender.reply_to,
        sent_at=intent.intended_at,
        attachments=attachments,
    )
    return Letter(intent.id, mail)


def _words(document: FiscalDocument, occasion: str, name: str) -> tuple[str, list[Part]]:
    kind = TITULOS[TipoComprobante(document.kind)].capitalize()
    values = {"kind": kind, "number": document.number, "name": name}
    if occasion == "annulled":
        subject = _("%(kind)s %(number)s of %(name)s was annulled", **values)
        what = _("%(name)s tells you that this document was annulled at SRI.", name=name)
    elif occasion == "annulment":
        subject = _("%(kind)s %(number)s of %(name)s is to be annulled", **values)
        what = _("%(name)s has asked SRI to annul this document.", name=name)
    else:
        subject = _("%(kind)s %(number)s of %(name)s", **values)
        what = _("%(name)s sends you this electronic document.", name=name)
    amount = f"{document.total:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")
    parts: list[Part] = [
        _("Dear %(name)s,", name=document.receiver_name),
        what,
        Fact(kind, document.number),
        Fact(_("Issued on"), f"{document.issued_on:%d/%m/%Y}"),
        Fact(_("Total"), f"$ {amount}"),
        Fact(_("Access key"), document.access_key or ""),
    ]
    if document.is_simulated:
        parts.insert(0, Strip("SIMULACIÓN · SIN VALIDEZ TRIBUTARIA"))
    elif document.environment == 1:
        parts.insert(0, Strip("AMBIENTE DE PRUEBAS · SIN VALIDEZ TRIBUTARIA"))
    return subject, parts


def mark_sent(tenant_id: UUID, mail_id: UUID, *, now: datetime) -> tuple[str, Mapping[str, object]]:
    """The statement, with its values, that says that the mail server has taken it."""
    return _MARK_SENT, {"id": mail_id, "tenant_id": tenant_id, "state": SENT, "now": now}


def mark_problem(session: Session, mail_id: UUID, error: MailError) -> bool:
    """The mail did not leave; True when it is worth trying again."""
    intent = session.get_one(DocumentMail, mail_id)
    intent.tries += 1
    intent.problem = str(error)[:400]
    if error.permanent or intent.tries >= MAX_TRIES:
        intent.state = FAILED
    return intent.state == PENDING
