"""Table of contents of the billing plugin."""

from __future__ import annotations

from collections.abc import Sequence

import click

from core.contracts.hooks import Permission, PluginInfo, SettingSpec
from core.hookspecs import hookimpl
from core.i18n import lazy as _
from plugins.billing import cli, models, settings

OFFICE = ("owner", "operator")
READERS = (*OFFICE, "accountant", "integrator")

PERMISSIONS = (
    Permission("billing.plan", "read", READERS),
    Permission("billing.plan", "write", OFFICE),
    Permission("billing.subscription", "read", READERS),
    Permission("billing.subscription", "write", OFFICE, survives_suspension=False),
    Permission("billing.subscription", "cancel", OFFICE),
    Permission("billing.run", "read", READERS),
    Permission("billing.run", "issue", OFFICE, survives_suspension=False),
    Permission("billing.chart", "read", READERS),
)


class BillingPlugin:
    """Plans, subscriptions, the billing calendar, the day-25 run, reminders."""

    info = PluginInfo(
        name="billing",
        label=_("Billing"),
        table_prefix="billing_",
        permissions=PERMISSIONS,
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
    def register_commands(self, group: click.Group) -> None:
        """``yupana billing …``."""
        cli.register(group)


plugin = BillingPlugin()
