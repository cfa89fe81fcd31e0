"""The record of who did what and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.models import AuditEntry, PlatformAudit


def write_audit(
    session: Session,
    *,
    action: str,
    reason: str = "",
    subject_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry to the audit of the tenant in scope. ``details`` holds no secret."""
    session.add(
        AuditEntry(
            user_id=scope_of(session).user_id,
            action=action,
            reason=reason,
            subject_id=subject_id,
            details=dict(details or {}),
        )
    )


def write_platform_audit(session: Session, *, reason: str) -> None:
    """Record that somebody is about to look across tenants."""
    session.add(PlatformAudit(user_id=scope_of(session).user_id, reason=reason))
