"""Table of contents of the einvoice_sri plugin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.contracts.hooks import Permission, PluginInfo, SettingSpec, Task
from core.contracts.schedule import Schedule
from core.contracts.services import FiscalIssuing
from core.hookspecs import hookimpl
from core.i18n import lazy as _
from plugins.einvoice_sri import jobs, models, settings
from plugins.einvoice_sri.services.request_documents import Issuing

OFFICE = ("owner", "operator", "distributor", "adviser")
READERS = (*OFFICE, "salesperson", "accountant", "integrator")

PERMISSIONS = (
    Permission("einvoice_sri.document", "read", READERS),
    Permission("einvoice_sri.document", "correct", (*OFFICE, "accountant")),
    Permission("einvoice_sri.document", "annul", OFFICE),
    Permission("einvoice_sri.certificate", "read", OFFICE),
    Permission("einvoice_sri.certificate", "write", ("owner",)),
)


class EinvoiceSriPlugin:
    """SRI documents: XML, signature, reception, authorisation, RIDE."""

    info = PluginInfo(
        name="einvoice_sri",
        label=_("Electronic documents"),
        table_prefix="sri_",
        permissions=PERMISSIONS,
    )

    @hookimpl
    def register_models(self) -> Sequence[type]:
        """Tables ``sri_*``."""
        return models.ALL

    @hookimpl
    def register_settings(self) -> Sequence[SettingSpec]:
        """Settings ``einvoice_sri.*``."""
        return settings.SPECS

    @hookimpl
    def register_services(self, registry: dict[type, Any]) -> None:
        """``FiscalIssuing``."""
        registry[FiscalIssuing] = Issuing()

    @hookimpl
    def register_tasks(self) -> Sequence[Task]:
        """Emission, mail, sweep."""
        return jobs.TASKS

    @hookimpl
    def register_schedules(self) -> Sequence[Schedule]:
        """The look for stragglers."""
        return jobs.SCHEDULES


plugin = EinvoiceSriPlugin()
