"""What the home page asks of a person about electronic documents, and the block under an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from flask import render_template, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.contracts.hooks import Attention
from core.i18n import _, ngettext
from core.web.access import identity
from plugins.einvoice_sri.domain.estados import Estado
from plugins.einvoice_sri.models.documents import FiscalDocument
from plugins.einvoice_sri.services.cancel_document import annulments_due
from plugins.einvoice_sri.services.pauses import open_pauses
from plugins.einvoice_sri.services.read_documents import (
    counts,
    month_counts,
    pause_words,
    problem_of,
)
from plugins.einvoice_sri.services.read_issuer import is_regime_unconfirmed
from plugins.einvoice_sri.services.read_states import TONES, sentence, word

READERS = ("owner", "operator", "distributor", "adviser", "accountant")
HOME = "core.home"
PLACES = ("sales.invoice", "sales.note", "sales.guide")


def attention(session: Session, role: str, now: datetime) -> Sequence[Attention]:
    """Stops first, then refused documents, then those that SRI leaves waiting, then failed mails."""
    if role not in READERS:
        return ()
    list_url = url_for("einvoice_sri.document.index")
    found = [
        Attention(pause_words(one)[0], list_url, order=10, tone="bad")
        for one in open_pauses(session)
    ]
    known = counts(session, now=now)
    if known["refused"]:
        words = ngettext(
            "%(num)s electronic document needs to be corrected",
            "%(num)s electronic documents need to be corrected",
            known["refused"],
        )
        url = url_for("einvoice_sri.document.index", group="problem")
        found.append(Attention(words, url, order=20, tone="bad", count=known["refused"]))
    if known["late"]:
        words = ngettext(
            "%(num)s document has waited for SRI for more than a day",
            "%(num)s documents have waited for SRI for more than a day",
            known["late"],
        )
        url = url_for("einvoice_sri.document.index", group="waiting")
        found.append(Attention(words, url, order=30, tone="warn", count=known["late"]))
    due = annulments_due(session, today=to_local_date(now))
    if due is not None:
        words = ngettext(
            "%(num)s annulment must be finished in SRI's portal by %(day)s",
            "%(num)s annulments must be finished in SRI's portal by %(day)s",
            due[0],
            day=f"{due[1]:%d/%m/%Y}",
        )
        url = url_for("einvoice_sri.document.index", group="annulled")
        found.append(Attention(words, url, order=25, tone="bad", count=due[0]))
    if role == "owner" and is_regime_unconfirmed(session, to_local_date(now)):
        words = _(
            "Confirm the company's tax regime for %(year)s: SRI publishes the lists each January.",
            year=to_local_date(now).year,
        )
        found.append(Attention(words, url_for("core.company.regime"), order=40, tone="warn"))
    if known["unmailed"]:
        words = _("Some documents could not be mailed: check the addresses.")
        found.append(Attention(words, list_url, order=60, tone="warn", count=known["unmailed"]))
    return found


def page_block(place: str, session: Session, subject_id: UUID | None, now: datetime) -> str | None:
    """The fiscal state under a commercial document; None for other places and unknown documents."""
    if place == HOME:
        return home_block(session, now)
    if place not in PLACES:
        return None
    document = session.scalar(select(FiscalDocument).where(FiscalDocument.id == subject_id))
    if document is None:
        return None
    return render_template(
        "einvoice_sri/block.html",
        document=document,
        tone=TONES[Estado(document.state)],
        word=word(document.state),
        sentence=sentence(document),
        problem=problem_of(session, document),
    )


def home_block(session: Session, now: datetime) -> str | None:
    """How many documents of this month are authorised, wait or must be corrected; None: may not read."""
    who = identity()
    if who is None or "einvoice_sri.document:read" not in who.permissions:
        return None
    today = to_local_date(now)
    known = month_counts(session, since=today.replace(day=1))
    if not any(known.values()):
        return None
    return render_template("einvoice_sri/home.html", known=known, today=today)
