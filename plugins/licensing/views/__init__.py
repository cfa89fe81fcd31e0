"""Pages of licensing: parse, call a service, render."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.contracts.hooks import MenuEntry
from core.i18n import lazy as _
from plugins.licensing.views.copies import CopyPages
from plugins.licensing.views.licence import LicencePages
from plugins.licensing.views.office import OfficePages
from plugins.licensing.views.portfolio import PortfolioPages
from plugins.licensing.views.portfolio_bulk import PortfolioBulkPages
from plugins.licensing.views.queue import QueuePages
from plugins.licensing.views.support import SupportPages
from plugins.licensing.views.trainings import LessonPages, TrainingPages
from plugins.licensing.views.unpaid import OfficeUnpaidPages, PortfolioUnpaidPages

if TYPE_CHECKING:
    from core.app import Site

PAGES = (
    LicencePages,
    CopyPages,
    PortfolioPages,
    PortfolioUnpaidPages,
    PortfolioBulkPages,
    QueuePages,
    OfficePages,
    OfficeUnpaidPages,
    SupportPages,
    TrainingPages,
    LessonPages,
)

MENU = (
    MenuEntry(
        _("Portfolio"), "licensing.portfolio.index", "licensing.portfolio:read", 20, "people"
    ),
    MenuEntry(_("Licences"), "licensing.office.index", "licensing.office:read", 30, "licence"),
    MenuEntry(
        _("Payments to confirm"), "licensing.queue.index", "licensing.queue:read", 40, "report"
    ),
    MenuEntry(
        _("Support hours"), "licensing.support.index", "licensing.support:read", 700, "calendar"
    ),
    MenuEntry(
        _("Trainings"), "licensing.training.index", "licensing.training:read", 705, "calendar"
    ),
    MenuEntry(_("Tutorials"), "licensing.licence.help", "licensing.licence:read", 720, "document"),
    MenuEntry(_("My licence"), "licensing.licence.index", "licensing.licence:read", 710, "licence"),
)


def register(site: Site) -> None:
    """Add every page of licensing to the site."""
    for pages in PAGES:
        site.add_pages(pages, plugin="licensing")
