"""Signed links with which a customer reports a payment without signing in.

A link carries the tenant, the invoice and an HMAC of both with a key of the tenant; it opens one
invoice and nothing else, and stops working when the tenant's key is replaced.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import runtime
from core.db.tenancy import scope_of
from core.errors import NotFound
from core.i18n import _
from core.services import secrets as vault
from plugins.sales.models import BankAccount

KEY = "sales.link_key"


def sign_link(session: Session, invoice_id: UUID) -> str:
    """The path of the page on which the customer of ``invoice_id`` reports a payment."""
    return f"/pagar/{scope_of(session).tenant_id}/{invoice_id}/{_signature(session, invoice_id)}"


def check_link(session: Session, invoice_id: UUID, signature: str) -> None:
    """Raise ``NotFound`` unless ``signature`` belongs to the invoice of the tenant in scope."""
    good = (_sign(session, invoice_id, key) for key in _keys(session))
    if not any(hmac.compare_digest(one.encode(), signature.encode()) for one in good):
        raise NotFound


def account_lines(session: Session) -> list[str]:
    """Where to pay: ``Banco Pichincha, corriente 2100123456, Gimnasio Uno (1790012345001)``."""
    kinds = {"savings": _("savings"), "checking": _("checking")}
    rows = session.execute(
        select(
            BankAccount.bank,
            BankAccount.kind,
            BankAccount.number,
            BankAccount.holder,
            BankAccount.holder_tax_id,
        )
        .where(BankAccount.is_active)
        .order_by(BankAccount.id)
        .limit(5)
    )
    return [
        f"{one.bank}, {kinds.get(one.kind, one.kind)} {one.number}, {one.holder}"
        + (f" ({one.holder_tax_id})" if one.holder_tax_id else "")
        for one in rows
    ]


def _signature(session: Session, invoice_id: UUID) -> str:
    return _sign(session, invoice_id, _keys(session)[0])


def _sign(session: Session, invoice_id: UUID, key: bytes) -> str:
    text = f"{scope_of(session).tenant_id}/{invoice_id}".encode()
    return hmac.new(key, text, sha256).hexdigest()[:40]


def _keys(session: Session) -> tuple[bytes, ...]:
    """The keys of links, the one that signs first. Looking at an invoice writes nothing: until a key
    is put, it is derived, and a rotated master key keeps its former links good.
    """
    key = vault.get(session, KEY)
    if key is not None:
        return (key,)
    return runtime.keyring().derive_all(f"sales.link/{scope_of(session).tenant_id}")
