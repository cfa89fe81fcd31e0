"""Pages of the portal: open to anybody, with a session cookie of their own."""

from __future__ import annotations

from core.app import Site
from plugins.customer_portal.views.door import PortalDoorPages
from plugins.customer_portal.views.inbox import PortalInboxPages
from plugins.customer_portal.views.people import PortalPeoplePages

NAME = "customer_portal"


def register(site: Site) -> None:
    """Add its pages."""
    for pages in (PortalDoorPages, PortalInboxPages, PortalPeoplePages):
        site.add_pages(pages, plugin=NAME)
