"""Asking for a link: forgotten passwords, proof by a document one holds, invitations.

The answer to whoever asks is the same whether there was anything to send or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import jobs
from core.db.session import also_as_receivers
from core.errors import DomainError
from core.i18n import _
from plugins.customer_portal.domain.identities import identity_of
from plugins.customer_portal.models import InboxItem, OutgoingLink
from plugins.customer_portal.services.accounts import find_account

MAIL_LINK = "customer_portal.mail_link"


@dataclass(frozen=True, slots=True)
class Proof:
    """What only somebody who holds the printed document knows (SE-07)."""

    tax_id: str
    issuer_tax_id: str
    number: str
    issued_on: date
    total: Decimal


def ask_reset(session: Session, email: str) -> None:
    """Mail a link to choose a new password, if the address has an account."""
    account = find_account(session, email)
    if account is not None:
        _send(session, OutgoingLink(purpose="reset", email=account.email))


def ask_by_proof(session: Session, email: str, proof: Proof) -> None:
    """Mail a link to ``email`` if the document exists as described."""
    check_email(email)
    receiver_id = identity_of(proof.tax_id)
    if receiver_id is None:
        return
    with also_as_receivers(session, (receiver_id,)):
        access_key = session.scalar(
            select(InboxItem.access_key).where(
                InboxItem.receiver_id == receiver_id,
                InboxItem.issuer_tax_id == proof.issuer_tax_id,
                InboxItem.number == proof.number,
                InboxItem.issued_on == proof.issued_on,
                InboxItem.total == proof.total,
            )
        )
    if access_key is not None:
        _send(
            session,
            OutgoingLink(
                purpose="proof", email=email.lower(), tax_id=proof.tax_id, access_key=access_key
            ),
        )


def invite(session: Session, email: str, tax_id: str) -> None:
    """Mail an invitation to read the documents of ``tax_id`` (an identity of whoever invites)."""
    check_email(email)
    _send(session, OutgoingLink(purpose="invitation", email=email.lower(), tax_id=tax_id))


def check_email(email: str) -> None:
    """Raises ``DomainError`` for what cannot be an address."""
    name, at, domain = email.strip().partition("@")
    if not (name and at and "." in domain) or any(c.isspace() for c in email.strip()):
        raise DomainError(
            _("Write an e-mail address such as name@example.com."), code="email", field="email"
        )


def _send(session: Session, link: OutgoingLink) -> None:
    session.add(link)
    session.flush()
    jobs.defer(session, MAIL_LINK, {"link": str(link.id)}, priority=50)
