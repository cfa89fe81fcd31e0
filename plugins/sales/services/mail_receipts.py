"""The receipt of a payment by mail: deferred with the payment, sent by a worker."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from core import jobs
from core.db.tenancy import scope_of
from core.services import settings

TASK = "sales.mail_receipt"
SILENT = frozenset({"cash", "card", "credit", "withholding"})  # paid face to face, or no money


def defer_receipt(session: Session, payment_id: UUID, method: str) -> None:
    """Have the receipt mailed after the commit, where the tenant wants that."""
    if method in SILENT or not settings.read(session, "sales.mail_receipts"):
        return
    jobs.defer(
        session,
        TASK,
        {"tenant_id": str(scope_of(session).tenant_id), "payment_id": str(payment_id)},
    )
