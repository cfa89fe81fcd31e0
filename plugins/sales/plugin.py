"""Table of contents of the sales plugin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.contracts.hooks import Permission, PluginInfo, SettingSpec
from core.hookspecs import hookimpl
from core.i18n import lazy as _
from plugins.sales import models, settings
from plugins.sales.services import contracts

OFFICE = ("owner", "operator", "distributor", "adviser")
SELLERS = (*OFFICE, "salesperson")
READERS = (*OFFICE, "accountant", "integrator")
EVERYBODY = (
    "owner",
    "operator",
    "distributor",
    "adviser",
    "salesperson",
    "accountant",
    "integrator",
)

PERMISSIONS = (
    Permission("sales.till", "issue", SELLERS, survives_suspension=False),
    Permission("sales.invoice", "read", EVERYBODY),
    Permission("sales.invoice", "issue", (*SELLERS, "integrator"), survives_suspension=False),
    Permission("sales.invoice", "cancel", OFFICE),
    Permission("sales.note", "read", EVERYBODY),
    Permission("sales.note", "issue", (*OFFICE, "integrator")),
    Permission("sales.customer", "read", EVERYBODY),
    Permission("sales.customer", "write", (*SELLERS, "integrator")),
    Permission("sales.product", "read", EVERYBODY),
    Permission("sales.product", "write", (*OFFICE, "integrator")),
    Permission("sales.salesperson", "read", OFFICE),
    Permission("sales.salesperson", "write", ("owner", "operator")),
    Permission("sales.payment", "read", READERS),
    Permission("sales.payment", "write", (*OFFICE, "integrator")),
    Permission("sales.report", "read", READERS),
    Permission("sales.report", "write", (*OFFICE, "accountant")),
    Permission("sales.report", "decide", OFFICE),
    Permission("sales.account", "read", READERS),
    Permission("sales.account", "write", ("owner", "operator")),
)


class SalesPlugin:
    """Customers, products, salespeople, commercial documents, receivables and payments."""

    info = PluginInfo(
        name="sales", label=_("Sales"), table_prefix="sales_", permissions=PERMISSIONS
    )

    @hookimpl
    def register_models(self) -> Sequence[type]:
        """Tables ``sales_*``."""
        return models.ALL

    @hookimpl
    def register_settings(self) -> Sequence[SettingSpec]:
        """Settings ``sales.*``."""
        return settings.SPECS

    @hookimpl
    def register_services(self, registry: dict[type, Any]) -> None:
        """Customers, invoices, payments."""
        contracts.register(registry)


plugin = SalesPlugin()
