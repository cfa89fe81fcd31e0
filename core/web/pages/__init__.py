"""The pages of core itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.web.site import Site


def register(site: Site) -> None:
    """Add every page and API of core to the site."""
    from core.web.pages import (
        account,
        company,
        door,
        home,
        numbering,
        people,
        platform,
        settings,
        token,
    )

    for module in (home, door, account, company, numbering, people, settings, platform):
        for cls in module.PAGES:
            site.add_pages(cls, plugin="core")
    for api in token.APIS:
        site.add_api(api, plugin="core")
