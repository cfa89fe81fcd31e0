"""What the portal does when something has happened elsewhere."""

from __future__ import annotations

from core.contracts.events import DocumentAuthorized, Event
from core.contracts.hooks import EventContext
from plugins.customer_portal.services.inbox import publish

LISTENS_TO = (DocumentAuthorized,)


def react_to(event: Event, context: EventContext) -> None:
    """Publish an authorised document to its receiver."""
    if isinstance(event, DocumentAuthorized):
        publish(context.session, event, context.tenant_id, now=context.now)
