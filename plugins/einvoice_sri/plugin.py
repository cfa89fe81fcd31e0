"""Table of contents of the einvoice_sri plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.contracts.fiscal import DocumentFiles
from core.contracts.hooks import (
    Attention,
    BackgroundProcess,
    DemoStep,
    ExportTable,
    MenuEntry,
    Permission,
    PluginInfo,
    SettingSpec,
    SetupStep,
    Task,
)
from core.contracts.schedule import Schedule
from core.contracts.services import FiscalIssuing, SignatureChecking
from core.hookspecs import hookimpl
from core.i18n import lazy as _
from plugins.einvoice_sri import cli, demo, jobs, models, settings, views
from plugins.einvoice_sri.services import export_tables
from plugins.einvoice_sri.services.check_signatures import Checking
from plugins.einvoice_sri.services.document_files import document_files, legal_documents
from plugins.einvoice_sri.services.p12_expiry import certificate_attention
from plugins.einvoice_sri.services.request_documents import Issuing
from plugins.einvoice_sri.services.tell_certificates import setup_steps
from plugins.einvoice_sri.views.attention import attention, page_block

if TYPE_CHECKING:
    import click
    from sqlalchemy.orm import Session

    from core.web.site import Site

OFFICE = ("owner", "operator", "distributor", "adviser")
READERS = (*OFFICE, "salesperson", "accountant", "integrator")

PERMISSIONS = (
    Permission("einvoice_sri.document", "read", READERS),
    Permission("einvoice_sri.document", "correct", (*OFFICE, "accountant")),
    Permission("einvoice_sri.document", "annul", OFFICE),
    Permission(
        "einvoice_sri.purchase",
        "issue",
        ("owner", "accountant", "integrator"),
        survives_suspension=False,
    ),
    Permission("einvoice_sri.fetched", "read", (*OFFICE, "accountant")),
    Permission("einvoice_sri.fetched", "write", (*OFFICE, "accountant")),
    Permission("einvoice_sri.certificate", "read", OFFICE),
    Permission("einvoice_sri.certificate", "write", ("owner",)),
)

MENU = (
    MenuEntry(
        _("Electronic documents"),
        "einvoice_sri.document.index",
        "einvoice_sri.document:read",
        order=60,
        icon="document",
    ),
    MenuEntry(
        _("Signing certificates"),
        "einvoice_sri.certificate.index",
        "einvoice_sri.certificate:read",
        order=80,
        icon="certificate",
    ),
)


DEEDS = {  # what the actions of the audit read as
    "add_certificate": _("Uploaded a signing certificate"),
    "move_certificate": _("Moved the date of a certificate"),
    "wipe_certificate": _("Destroyed the key of a certificate"),
    "make_upload_link": _("Made a link to upload a P12 file"),
    "use_upload_link": _("Uploaded a P12 file with a link"),
    "revoke_upload_links": _("Revoked the links to upload a P12 file"),
    "request_annulment": _("Requested an annulment at SRI"),
    "confirm_annulment": _("Noted that SRI annulled a document"),
    "withdraw_annulment": _("Withdrew an annulment"),
    "correct_document": _("Corrected a document"),
    "resume_emission": _("Resumed the emission"),
    "reissue_purchase": _("Issued an annulled document again"),
    "issue_settlement": _("Issued a purchase settlement"),
    "issue_withholding": _("Issued a withholding certificate"),
}


class EinvoiceSriPlugin:
    """SRI documents: XML, signature, reception, authorisation, RIDE."""

    info = PluginInfo(
        name="einvoice_sri",
        label=_("Electronic documents"),
        table_prefix="sri_",
        permissions=PERMISSIONS,
        deeds=DEEDS,
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
        """``FiscalIssuing`` and ``SignatureChecking``."""
        registry[FiscalIssuing] = Issuing()
        registry[SignatureChecking] = Checking()

    @hookimpl
    def register_views(self, site: Site) -> None:
        """Certificates, and what the views package lists."""
        views.register(site)

    @hookimpl
    def menu_entries(self, role: str) -> Sequence[MenuEntry]:
        """Signing certificates."""
        return MENU

    @hookimpl
    def home_attention(self, session: Session, role: str, now: datetime) -> Sequence[Attention]:
        """Stops, refused and late documents; no certificate, or one that ends soon."""
        return [*attention(session, role, now), *certificate_attention(session, role, now)]

    @hookimpl
    def page_blocks(
        self, place: str, session: Session, subject_id: UUID | None, now: datetime
    ) -> str | None:
        """The fiscal state under an invoice, note or guía; the month on the home page."""
        return page_block(place, session, subject_id, now)

    @hookimpl
    def document_files(self, session: Session, access_key: str) -> DocumentFiles | None:
        """The authorised file and the RIDE."""
        return document_files(session, access_key)

    @hookimpl
    def legal_documents(self, session: Session, after: str, size: int) -> Sequence[str]:
        """The keys of what SRI authorised."""
        return legal_documents(session, after, size)

    @hookimpl
    def setup_steps(self, session: Session) -> Sequence[SetupStep]:
        """The signing file."""
        return setup_steps(session)

    @hookimpl
    def background_processes(self) -> Sequence[BackgroundProcess]:
        """The simulator, for the demo."""
        return demo.PROCESSES

    @hookimpl
    def export_tables(self) -> Sequence[ExportTable]:
        """What a company takes with it."""
        return export_tables.TABLES

    @hookimpl
    def seed_demo(self, context: Any) -> None:
        """A signing file for each company."""
        demo.seed_demo(context)

    @hookimpl
    def demo_steps(self) -> Sequence[DemoStep]:
        """The simulator answers."""
        return demo.STEPS

    @hookimpl
    def register_commands(self, group: click.Group) -> None:
        """``yupana sri``."""
        cli.register(group)

    @hookimpl
    def benchmarks(self) -> Mapping[str, Callable[..., Any]]:
        """``yupana bench emission``."""
        from plugins.einvoice_sri.cli.bench_emission import emission

        return {"emission": emission}

    @hookimpl
    def register_tasks(self) -> Sequence[Task]:
        """Emission, mail, sweep."""
        return jobs.TASKS

    @hookimpl
    def register_schedules(self) -> Sequence[Schedule]:
        """The look for stragglers."""
        return jobs.SCHEDULES


plugin = EinvoiceSriPlugin()
