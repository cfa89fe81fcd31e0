"""What the portal does when something has happened elsewhere."""

from __future__ import annotations

from core.contracts.events import AnnulmentChanged, DocumentAuthorized, Event
from core.contracts.hooks import EventContext
from plugins.customer_portal.services.inbox import publish, show_annulment

LISTENS_TO = (DocumentAuthorized, AnnulmentChanged)


def react_to(event: Event, context: EventContext) -> None:
    """Publish an authorised document to its receiver, and what becomes of it."""
    if isinstance(event, DocumentAuthorized):
        publish(context.session, event, context.tenant_id, now=context.now)
    elif isinstance(event, AnnulmentChanged):
        show_annulment(context.session, event)
