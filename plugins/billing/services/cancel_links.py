"""The signed link in the notice of a new price with which a member ends a subscription (A-29)."""

from __future__ import annotations

import hmac
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from core import runtime
from core.db.tenancy import scope_of
from core.errors import NotFound


def cancel_path(session: Session, subscription_id: UUID) -> str:
    """The path of the page on which a member cancels."""
    tenant = scope_of(session).tenant_id
    return f"/suscripcion/{tenant}/{subscription_id}/{_signature(tenant, subscription_id)}"


def check_link(tenant_id: UUID, subscription_id: UUID, signature: str) -> None:
    """Raise ``NotFound`` for a link that we did not write."""
    if not hmac.compare_digest(_signature(tenant_id, subscription_id).encode(), signature.encode()):
        raise NotFound


def _signature(tenant_id: UUID | None, subscription_id: UUID) -> str:
    return _sign(runtime.keyring().derive(f"billing.cancel/{tenant_id}"), subscription_id)


def _sign(key: bytes, subscription_id: UUID) -> str:
    return hmac.new(key, str(subscription_id).encode(), sha256).hexdigest()[:40]
