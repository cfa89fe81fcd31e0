"""Certificates that end: a mail 60, 30, 7 and 1 days before, and a line on the home page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import runtime
from core.adapters.clock import to_local_date
from core.contracts.hooks import Attention
from core.contracts.ports import Mail
from core.i18n import _, ngettext
from core.letters import Button, Part, page, plain
from core.models import Membership
from core.security.models import Person
from core.services import companies
from plugins.einvoice_sri.models.certificates import SigningCertificate
from plugins.einvoice_sri.services.certificates import current_certificate

THRESHOLDS = (60, 30, 7, 1)
PAGE = "/sri/certificates"


@dataclass(frozen=True, slots=True)
class ExpiryLetter:
    """A warning to be mailed and then marked. Its Message-ID is the same when it is written again."""

    certificate_id: UUID
    threshold: int
    mail: Mail


def days_left(row: SigningCertificate, now: datetime) -> int:
    """Whole days in Guayaquil until the certificate ends; negative afterwards."""
    return (to_local_date(row.not_after) - to_local_date(now)).days


def threshold_due(left: int, warned: int | None) -> int | None:
    """Which of 60, 30, 7, 1 is due with ``left`` days to go after a warning at ``warned`` (None: none).

    Only the smallest that applies: who comes late gets one mail, not three. After the end: none.
    """
    if left < 0:
        return None
    due = min((one for one in THRESHOLDS if left <= one), default=None)
    return due if due is not None and (warned is None or due < warned) else None


def _replaced(session: Session, row: SigningCertificate) -> bool:
    """True when another certificate lasts longer and signs before this one ends."""
    found = session.scalar(
        select(SigningCertificate.id)
        .where(
            SigningCertificate.wiped_at.is_(None),
            SigningCertificate.not_after > row.not_after,
            SigningCertificate.use_from <= row.not_after,
        )
        .limit(1)
    )
    return found is not None


def write_expiry_letters(session: Session, *, now: datetime, host: str) -> list[ExpiryLetter]:
    """The warnings that the company in scope is due today; nothing is marked yet."""
    row = current_certificate(session, now)
    if row is None or _replaced(session, row):
        return []
    left = days_left(row, now)
    threshold = threshold_due(left, row.warned_days)
    if threshold is None:
        return []
    day = f"{to_local_date(row.not_after):%d/%m/%Y}"
    name = companies.profile(session).legal_name
    subject = ngettext(
        "The signing certificate of %(name)s ends in %(num)s day",
        "The signing certificate of %(name)s ends in %(num)s days",
        left,
        name=name,
    )
    sentence = _(
        "The certificate of %(holder)s, with which %(name)s signs its documents, ends on %(day)s."
        " Without a new one no document can be issued from then on. Ask %(authority)s for its"
        " renewal and upload the new P12 file; you may do it before the old one ends.",
        holder=row.holder,
        name=name,
        day=day,
        authority=row.authority,
    )
    parts: list[Part] = [
        sentence,
        Button(_("Upload the new signature"), runtime.current().settings.address + PAGE),
    ]
    return [
        ExpiryLetter(
            row.id,
            threshold,
            Mail(
                message_id=f"certificate-{row.id.hex}-{threshold}-{at}@{host}",
                to=address,
                subject=subject,
                text=plain(parts),
                html=page(subject, name, parts),
                sender_name=name,
                sent_at=now,
            ),
        )
        for at, address in enumerate(_recipients(session))
    ]


def mark_warned(session: Session, certificate_id: UUID, threshold: int) -> None:
    """Remember that the warning has left."""
    row = session.get(SigningCertificate, certificate_id)
    if row is not None and (row.warned_days is None or threshold < row.warned_days):
        row.warned_days = threshold


def _recipients(session: Session) -> list[str]:
    owners = session.scalars(
        select(Person.email)
        .join(Membership, Membership.user_id == Person.id)
        .where(Membership.role == "owner", Membership.is_active)
        .order_by(Person.id)
    ).all()
    company = companies.profile(session).email
    return list(dict.fromkeys(one for one in (*owners, company) if one))


def certificate_attention(session: Session, role: str, now: datetime) -> Sequence[Attention]:
    """What the home page says about the certificate: none, ended, or ending within 60 days."""
    if role not in ("owner", "accountant", "operator", "distributor", "adviser"):
        return ()
    row = current_certificate(session, now)
    if row is None:
        sentence = _("Upload the signing certificate (P12): without it no document can be issued.")
        return (Attention(sentence, PAGE, order=10, tone="bad"),)
    left = days_left(row, now)
    if now > row.not_after:
        sentence = _("The signing certificate has ended. Upload the new P12 file to go on issuing.")
        return (Attention(sentence, PAGE, order=5, tone="bad"),)
    if left > max(THRESHOLDS) or _replaced(session, row):
        return ()
    sentence = ngettext(
        "The signing certificate ends in %(num)s day. Renew it and upload the new P12 file.",
        "The signing certificate ends in %(num)s days. Renew it and upload the new P12 file.",
        left,
    )
    return (Attention(sentence, PAGE, order=20, tone="bad" if left <= 7 else "warn"),)
