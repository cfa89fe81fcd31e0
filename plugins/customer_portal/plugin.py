"""The customer portal: what it registers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from core import runtime
from core.contracts.events import Event
from core.contracts.hooks import DemoStep, EventContext, PluginInfo, Task
from core.hookspecs import hookimpl
from core.i18n import lazy
from plugins.customer_portal import demo, jobs, models, views
from plugins.customer_portal.services import links, reactions

if TYPE_CHECKING:
    from core.app import Site


class CustomerPortalPlugin:
    """Table of contents of the portal."""

    info = PluginInfo(name="customer_portal", label=lazy("Customer portal"), table_prefix="portal_")

    @hookimpl
    def register_models(self) -> Sequence[type]:
        """Its tables."""
        return models.ALL

    @hookimpl
    def register_tasks(self) -> Sequence[Task]:
        """Its background work."""
        return jobs.TASKS

    @hookimpl
    def register_views(self, site: Site) -> None:
        """Its pages."""
        views.register(site)

    @hookimpl
    def subscribed_events(self) -> Sequence[type[Event]]:
        """What it listens to."""
        return reactions.LISTENS_TO

    @hookimpl
    def handle_event(self, event: Event, context: EventContext) -> None:
        """Publish what was authorised."""
        reactions.react_to([(event, context)])

    @hookimpl
    def handle_events(self, events: Sequence[tuple[Event, EventContext]]) -> None:
        """The same for all of a run, in one statement."""
        reactions.react_to(events)

    @hookimpl
    def receiver_link(
        self, issuer_tax_id: str, receiver_tax_id: str, receiver_email: str, access_key: str
    ) -> str | None:
        """The address in the mail of a document."""
        given = runtime.current()
        invitation = links.Invitation(receiver_email, receiver_tax_id, access_key, "mail")
        ends = given.clock.now() + timedelta(days=links.DOCUMENT_DAYS)
        token = links.document_token(given.keyring.derive(jobs.KEY), invitation, ends_at=ends)
        return f"{given.settings.address}/portal/l/{token}"

    @hookimpl
    def demo_steps(self) -> Sequence[DemoStep]:
        """Its steps of the demo check."""
        return demo.STEPS


plugin = CustomerPortalPlugin()
