"""Names that one transaction of a company holds at a time."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of


def wait_for(session: Session, name: str) -> None:
    """Hold ``name`` until this transaction ends; another one of the same company waits for that.

    For what must not be done twice at the same moment: a repeated request, the same payment.
    """
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 1))"),
        {"name": f"{scope_of(session).tenant_id}/{name}"},
    )
