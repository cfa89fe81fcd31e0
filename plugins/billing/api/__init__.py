"""REST API of billing under ``/api/v1/billing``: parse, call a service, serialise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.billing.api.plans import PlanApi
from plugins.billing.api.schedule import ScheduleApi
from plugins.billing.api.subscriptions import SubscriptionApi

if TYPE_CHECKING:
    from core.app import Site

APIS = (PlanApi, SubscriptionApi, ScheduleApi)


def register(site: Site) -> None:
    """Add every API of billing to the site."""
    for api in APIS:
        site.add_api(api, plugin="billing")
