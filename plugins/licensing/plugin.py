"""Table of contents of the licensing plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from core.contracts.events import Event
from core.contracts.hooks import (
    AccessDecision,
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
from core.contracts.services import AwaitedPayments
from core.hookspecs import hookimpl
from core.i18n import lazy as _
from plugins.licensing import cli, demo, jobs, models, settings, views
from plugins.licensing.services import (
    awaited_payments,
    decide_access,
    export_tables,
    find_attention,
    first_access,
    reactions,
)
from plugins.licensing.views.home import home_block

if TYPE_CHECKING:
    from core.app import Site

MEMBERS = ("owner", "accountant", "salesperson", "integrator")
DESK = ("distributor", "adviser")

PERMISSIONS = (
    Permission("licensing.licence", "read", MEMBERS, survives_expiry=True),
    Permission("licensing.licence", "report", ("owner", "accountant"), survives_expiry=True),
    Permission("licensing.licence", "decide", ("owner",), survives_expiry=True),
    Permission("licensing.licence", "download", ("owner", "accountant"), survives_expiry=True),
    Permission("licensing.licence", "export", ("owner",)),
    Permission("licensing.licence", "attend", MEMBERS),
    Permission("licensing.training", "read", (*DESK, "operator")),
    Permission("licensing.training", "write", (*DESK, "operator")),
    Permission("licensing.support", "read", ("owner", *DESK), survives_expiry=True),
    Permission("licensing.support", "ask", ("owner",)),
    Permission("licensing.support", "work", DESK),
    Permission("licensing.portfolio", "read", DESK),
    Permission("licensing.portfolio", "write", DESK),
    Permission("licensing.portfolio", "decide", ("distributor",)),
    Permission("licensing.queue", "read", (*DESK, "operator")),
    Permission("licensing.queue", "decide", ("distributor", "operator")),
    Permission("licensing.office", "read", ("operator",)),
    Permission("licensing.office", "write", ("operator",)),
)


DEEDS = {  # what the actions of the audit read as
    "licensing.active": _("Licence active"),
    "licensing.due": _("Licence with an invoice to pay"),
    "licensing.reported": _("Licence with a reported payment"),
    "licensing.suspended": _("Licence suspended"),
    "licensing.expired": _("Licence expired"),
    "licensing.cancelled": _("Licence cancelled"),
    "licensing.add_distributor": _("Added a distributor"),
    "licensing.adviser": _("Changed the adviser of a client"),
    "licensing.ask_plan": _("Asked for another plan"),
    "licensing.ask_transfer": _("Asked to move a client"),
    "licensing.booked": _("Confirmed a payment that was in the books"),
    "licensing.cancel": _("Cancelled a licence"),
    "licensing.change_plan": _("Changed the plan of a licence"),
    "licensing.confirm": _("Confirmed a payment"),
    "licensing.credit": _("Confirmed a credit note"),
    "licensing.create_client": _("Created a client"),
    "licensing.training": _("Set, changed or called off a training"),
    "licensing.install": _("Installed a signed licence"),
    "licensing.export": _("Downloaded all data"),
    "licensing.enable": _("Sent the first access"),
    "licensing.order": _("Ordered a licence"),
    "licensing.order_refused": _("Refused an order"),
    "licensing.reenter": _("Contracted again"),
    "licensing.reject": _("Rejected a payment"),
    "licensing.report": _("Reported a payment"),
    "licensing.sign": _("Signed the licence"),
    "licensing.transfer": _("Moved a client"),
}


class LicensingPlugin:
    """Distributors, licences, access over time, the confirmation queue, support hours."""

    info = PluginInfo(
        name="licensing",
        label=_("Licences"),
        table_prefix="lic_",
        permissions=PERMISSIONS,
        deeds=DEEDS,
        requires=("sales", "billing"),
    )

    @hookimpl
    def register_models(self) -> Sequence[type]:
        """Tables ``lic_*``."""
        return models.ALL

    @hookimpl
    def register_settings(self) -> Sequence[SettingSpec]:
        """Settings ``licensing.*``."""
        return settings.ALL

    @hookimpl
    def register_services(self, registry: dict[type, Any]) -> None:
        """What a bank statement may settle."""
        registry[AwaitedPayments] = awaited_payments.Awaited()

    @hookimpl
    def register_tasks(self) -> Sequence[Task]:
        """Sweep, letters, day 25."""
        return jobs.TASKS

    @hookimpl
    def register_schedules(self) -> Sequence[Schedule]:
        """Sweep at 00:05, transfers and support hours on day 25."""
        return jobs.SCHEDULES

    @hookimpl
    def subscribed_events(self) -> Sequence[type[Event]]:
        """What happens to invoices, payments and licences."""
        return reactions.LISTENS_TO

    @hookimpl
    def handle_event(self, event: Event, context: EventContext) -> None:
        """To the scope's use case."""
        reactions.react_to(event, context)

    @hookimpl
    def access_decision(
        self, tenant_id: UUID, permission: str, now: datetime
    ) -> AccessDecision | None:
        """Dates, payments, reports and now."""
        return decide_access.decide_access(tenant_id, permission, now)

    @hookimpl
    def entitlements(self, tenant_id: UUID) -> Mapping[str, Any] | None:
        """What the plan contains."""
        return decide_access.read_entitlements(tenant_id)

    @hookimpl
    def register_views(self, site: Site) -> None:
        """Licence, portfolio, queue, office, support."""
        views.register(site)

    @hookimpl
    def menu_entries(self, role: str) -> Sequence[MenuEntry]:
        """The shell leaves out what the role may not open."""
        return views.MENU

    @hookimpl
    def home_attention(self, session: Session, role: str, now: datetime) -> Sequence[Attention]:
        """Own licence, queue, lights."""
        return find_attention.find_attention(session, role, now)

    @hookimpl
    def page_blocks(
        self, place: str, session: Session, subject_id: UUID | None, now: datetime
    ) -> str | None:
        """Licences in figures on the home page."""
        return home_block(place, session, now=now)

    @hookimpl
    def register_commands(self, group: click.Group) -> None:
        """``yupana licence …``."""
        cli.register(group)

    @hookimpl
    def export_tables(self) -> Sequence[ExportTable]:
        """What a company takes with it."""
        return export_tables.TABLES

    @hookimpl
    def seed_demo(self, context: Any) -> None:
        """Two distributors, three licences in three states."""
        demo.seed(context)

    @hookimpl
    def demo_steps(self) -> Sequence[DemoStep]:
        """From contract to paid, over HTTP."""
        return demo.STEPS

    @hookimpl
    def setup_steps(self, session: Session) -> Sequence[SetupStep]:
        """Company, regime, establishment, point, logo, first authorised document."""
        return first_access.own_steps(session)


plugin = LicensingPlugin()
