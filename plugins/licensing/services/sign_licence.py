"""The vendor's signed licence document for clients who host themselves (Ed25519)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.errors import DomainError, NotFound
from core.i18n import _
from core.services import secrets
from core.services.audit import write_audit
from plugins.licensing.domain.document import LicenceDocument, sign
from plugins.licensing.models import Contract, PlanTerms

KEY = "licensing.signing_key"


def signing_key(session: Session) -> Ed25519PrivateKey:
    """The operator's key, made on first use and kept in the vault."""
    raw = secrets.get(session, KEY)
    if raw is None:
        made = Ed25519PrivateKey.generate()
        secrets.put(session, KEY, made.private_bytes_raw())
        return made
    return Ed25519PrivateKey.from_private_bytes(raw)


def public_key(session: Session) -> Ed25519PublicKey | None:
    """The public half of the operator's key; None: he has signed nothing yet."""
    raw = secrets.get(session, KEY)
    return None if raw is None else Ed25519PrivateKey.from_private_bytes(raw).public_key()


def sign_contract(session: Session, contract_id: UUID, *, now: datetime) -> bytes:
    """The signed document of an enabled contract, good to its paid-through day plus grace.

    Raises ``NotFound``, or ``DomainError`` while nothing is paid.
    """
    contract = session.get(Contract, contract_id)
    if contract is None:
        raise NotFound
    through: date | None = contract.paid_through_on
    if contract.state != "enabled" or through is None:
        raise DomainError(
            _("Nothing is paid yet: a signed licence needs a paid day."), code="nothing_paid"
        )
    terms = session.scalars(
        select(PlanTerms).where(PlanTerms.plan_id == contract.plan_id)
    ).one_or_none()
    document = LicenceDocument(
        licence_id=str(contract.id),
        tax_id=contract.client_tax_id,
        legal_name=contract.client_name,
        plan=contract.plan_name,
        paid_through=through,
        issued_on=to_local_date(now),
        entitlements=dict(terms.entitlements) if terms else {},
    )
    write_audit(session, action="licensing.sign", subject_id=contract.id)
    return sign(document, signing_key(session))


def find_contract(session: Session, tax_id: str) -> Contract:
    """The latest enabled contract of a client's RUC. Raises ``NotFound``."""
    found = session.scalars(
        select(Contract)
        .where(Contract.client_tax_id == tax_id.strip(), Contract.state == "enabled")
        .order_by(Contract.ordered_on.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        raise NotFound(_("No enabled licence has this RUC."))
    return found
