"""What a company may take with it: everything while it is entitled, its legal documents for good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import plugins
from core.errors import NotFound
from core.i18n import _
from core.services import company_copy
from core.services.audit import write_audit
from plugins.licensing.domain.lifecycle import STATES
from plugins.licensing.services.standing import Standing

LEGAL_YEARS = 7


def has_documents(session: Session) -> bool:
    """Whether the tenant in scope has an authorised document."""
    return bool(plugins.call("legal_documents", session=session, after="", size=1))


def take_documents(
    session: Session, tenant_id: UUID, *, after: str = "", now: datetime
) -> Iterator[bytes]:
    """XML and RIDE of everything that was authorised, as one ZIP, also after expiry; behind the access
    key ``after`` when a broken download goes on. Raises ``NotFound`` when there is nothing.
    """
    if not plugins.call("legal_documents", session=session, after=after, size=1):
        raise NotFound(_("There are no authorised documents to download."))
    return company_copy.stream_documents(tenant_id, after=after, now=now)


def take_everything(session: Session, tenant_id: UUID, *, now: datetime) -> Iterator[bytes]:
    """All of the company's own data as one ZIP; noted in the audit. The permission is asked before."""
    write_audit(session, action="licensing.export", subject_id=tenant_id)
    return company_copy.stream_copy(tenant_id, now=now)


def may_take_everything(standing: Standing) -> bool:
    """Whether the licence still reaches the company's data."""
    return STATES[standing.state].reach != "licence"
