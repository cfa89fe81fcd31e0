"""What the portal does when something has happened elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from core.contracts.events import AnnulmentChanged, DocumentAuthorized, Event
from core.contracts.hooks import EventContext
from plugins.customer_portal.services.inbox import publish, show_annulment

LISTENS_TO = (DocumentAuthorized, AnnulmentChanged)


def react_to(told: Sequence[tuple[Event, EventContext]]) -> None:
    """Publish authorised documents to their receivers, then what became of documents."""
    authorized = [
        (event, context.tenant_id)
        for event, context in told
        if isinstance(event, DocumentAuthorized)
    ]
    if authorized:
        publish(told[0][1].session, authorized, now=told[0][1].now)
    for event, context in told:
        if isinstance(event, AnnulmentChanged):
            show_annulment(context.session, event)
