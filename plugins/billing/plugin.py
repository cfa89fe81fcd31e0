"""Table of contents of the billing plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy.orm import Session

from core.contracts.events import Event
from core.contracts.hooks import (
    Attention,
    DemoStep,
    EventContext,
    ExportTable,
    MenuEntry,
    Permission,
    PluginInfo,
    SettingSpec,
    SetupStep,
    Task,
)
from core.contracts.schedule import Schedule
from core.hookspecs import hookimpl
from core.i18n import lazy as _
from plugins.billing import api, cli, demo, jobs, models, settings, views
from plugins.billing.services import contracts, export_tables, find_attention, reactions

if TYPE_CHECKING:
    from core.app import Site

OFFICE = ("owner", "operator")
READERS = (*OFFICE, "accountant", "integrator")

PERMISSIONS = (
    Permission("billing.plan", "read", READERS),
    Permission("billing.plan", "write", OFFICE),
    Permission("billing.subscription", "read", READERS),
    Permission("billing.subscription", "write", (*OFFICE, "integrator"), survives_suspension=False),
    Permission("billing.subscription", "cancel", (*OFFICE, "integrator")),
    Permission("billing.run", "read", READERS),
    Permission("billing.run", "issue", OFFICE, survives_suspension=False),
    Permission("billing.chart", "read", READERS),
)

MENU = (
    MenuEntry(
        _("Subscriptions"),
        "billing.subscription.index",
        "billing.subscription:read",
        order=35,
        icon="calendar",
    ),
)


DEEDS = {  # what the actions of the audit read as
    "billing.plan.change": _("Changed a plan"),
    "billing.price.change": _("Changed the price of a plan"),
    "billing.subscription.cancel": _("Cancelled a subscription"),
    "billing.subscription.change_plan": _("Changed the plan of a subscription"),
    "billing.subscription.credit": _("Credited a cancelled subscription"),
    "billing.subscription.keep": _("Kept a subscription that was to end"),
}


class BillingPlugin:
    """Plans, subscriptions, the billing calendar, the day-25 run, reminders."""

    info = PluginInfo(
        name="billing",
        label=_("Billing"),
        table_prefix="billing_",
        permissions=PERMISSIONS,
        deeds=DEEDS,
        requires=("sales",),
    )

    @hookimpl
    def register_models(self) -> Sequence[type]:
        """Tables ``billing_*``."""
        return models.ALL

    @hookimpl
    def register_settings(self) -> Sequence[SettingSpec]:
        """Settings ``billing.*``."""
        return settings.SPECS

    @hookimpl
    def register_services(self, registry: dict[type, Any]) -> None:
        """``Subscribing``."""
        contracts.register(registry)

    @hookimpl
    def register_views(self, site: Site) -> None:
        """Plans, subscriptions, runs, charts; the API."""
        views.register(site)
        api.register(site)

    @hookimpl
    def menu_entries(self, role: str) -> Sequence[MenuEntry]:
        """Subscriptions (with plans, runs and charts behind)."""
        return MENU

    @hookimpl
    def home_attention(self, session: Session, role: str, now: datetime) -> Sequence[Attention]:
        """The coming run, and what the last one could not invoice."""
        return find_attention.attention(session, role, now)

    @hookimpl
    def register_tasks(self) -> Sequence[Task]:
        """Runs, sweeps, mails."""
        return jobs.TASKS

    @hookimpl
    def register_schedules(self) -> Sequence[Schedule]:
        """Sweep 00:05, run 02:00, mails 07:00."""
        return jobs.SCHEDULES

    @hookimpl
    def subscribed_events(self) -> Sequence[type[Event]]:
        """What becomes of the invoices."""
        return reactions.LISTENS_TO

    @hookimpl
    def handle_event(self, event: Event, context: EventContext) -> None:
        """Charges follow their invoices."""
        reactions.react_to(event, context)

    @hookimpl
    def setup_steps(self, session: Session) -> Sequence[SetupStep]:
        """The first subscription, for a company that has begun to make plans."""
        return find_attention.setup_steps(session)

    @hookimpl
    def export_tables(self) -> Sequence[ExportTable]:
        """What a company takes with it."""
        return export_tables.TABLES

    @hookimpl
    def seed_demo(self, context: Any) -> None:
        """Plans and members."""
        demo.seed(context)

    @hookimpl
    def demo_steps(self) -> Sequence[DemoStep]:
        """The gym's day 25."""
        return demo.STEPS

    @hookimpl
    def benchmarks(self) -> Mapping[str, Callable[..., Any]]:
        """``yupana bench billing``."""
        from plugins.billing.cli.bench import bench_command

        return {"billing": bench_command}

    @hookimpl
    def register_commands(self, group: click.Group) -> None:
        """``yupana billing …``."""
        cli.register(group)


plugin = BillingPlugin()
