"""Signed links with which a customer reports a payment without signing in.

A link carries the tenant, the invoice and an HMAC of both with a key of the tenant; it opens one
invoice and nothing else, and stops working when the tenant's key is replaced.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.errors import NotFound
from core.services import secrets as vault

KEY = "sales.link_key"


def sign_link(session: Session, invoice_id: UUID) -> str:
    """The path of the page on which the customer of ``invoice_id`` reports a payment."""
    return f"/pagar/{scope_of(session).tenant_id}/{invoice_id}/{_signature(session, invoice_id)}"


def check_link(session: Session, invoice_id: UUID, signature: str) -> None:
    """Raise ``NotFound`` unless ``signature`` belongs to the invoice of the tenant in scope."""
    if vault.get(session, KEY) is None:
        raise NotFound
    if not hmac.compare_digest(_signature(session, invoice_id).encode(), signature.encode()):
        raise NotFound


def _signature(session: Session, invoice_id: UUID) -> str:
    key = vault.get(session, KEY)
    if key is None:
        key = secrets.token_bytes(32)
        vault.put(session, KEY, key)
    text = f"{scope_of(session).tenant_id}/{invoice_id}".encode()
    return hmac.new(key, text, sha256).hexdigest()[:40]
