"""Pages of billing: parse, call a service, render."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.billing.views.clock import ClockPages
from plugins.billing.views.plans import PlanPages
from plugins.billing.views.reminders import LeavingPages, ReminderPages
from plugins.billing.views.runs import ChartPages, RunPages
from plugins.billing.views.subscriptions import SubscriptionPages

if TYPE_CHECKING:
    from core.app import Site

PAGES = (
    SubscriptionPages,
    PlanPages,
    RunPages,
    ChartPages,
    ReminderPages,
    LeavingPages,
    ClockPages,
)


def register(site: Site) -> None:
    """Add every page of billing to the site."""
    for pages in PAGES:
        site.add_pages(pages, plugin="billing")
