"""Table of contents of the sales plugin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

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
from core.hookspecs import hookimpl
from core.i18n import lazy as _
from plugins.sales import api, demo, jobs, models, settings, views
from plugins.sales.services import contracts, export_tables, find_attention, reactions, setup_steps
from plugins.sales.views.home import home_block
from plugins.sales.views.reissue import document_block

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.app import Site

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
    Permission("sales.till", "read", SELLERS),
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
    Permission("sales.report", "write", (*OFFICE, "accountant", "integrator")),
    Permission("sales.report", "decide", OFFICE),
    Permission("sales.account", "read", READERS),
    Permission("sales.account", "write", ("owner", "operator")),
)

MENU = (
    MenuEntry(_("Sell"), "sales.till.sell", "sales.till:issue", order=10, icon="till"),
    MenuEntry(_("Invoices"), "sales.invoice.index", "sales.invoice:read", order=20, icon="invoice"),
    MenuEntry(
        _("Customers"), "sales.customer.index", "sales.customer:read", order=30, icon="customer"
    ),
    MenuEntry(_("Payments"), "sales.payment.index", "sales.payment:read", order=40, icon="payment"),
    MenuEntry(_("Products"), "sales.product.index", "sales.product:read", order=50, icon="product"),
    MenuEntry(
        _("Salespeople"),
        "sales.salesperson.index",
        "sales.salesperson:write",
        order=60,
        icon="people",
    ),
)


DEEDS = {  # what the actions of the audit read as
    "sales.invoice_annulled": _("Annulled an invoice"),
    "sales.invoice_reissued": _("Issued an annulled invoice again"),
    "sales.payment_reversed": _("Took a payment back"),
    "sales.pin_locked": _("Locked a PIN after wrong attempts"),
    "sales.pin_set": _("Set the PIN of a salesperson"),
}


class SalesPlugin:
    """Customers, products, salespeople, commercial documents, receivables and payments."""

    info = PluginInfo(
        name="sales", label=_("Sales"), table_prefix="sales_", permissions=PERMISSIONS, deeds=DEEDS
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

    @hookimpl
    def register_views(self, site: Site) -> None:
        """Pages and API."""
        views.register(site)
        api.register(site)

    @hookimpl
    def subscribed_events(self) -> Sequence[type[Event]]:
        """Answers to payment reports."""
        return reactions.LISTENS_TO

    @hookimpl
    def handle_event(self, event: Event, context: EventContext) -> None:
        """Reports are decided wherever somebody answers them."""
        reactions.react_to(event, context)

    @hookimpl
    def register_tasks(self) -> Sequence[Task]:
        """``sales.mail_receipt``."""
        return jobs.TASKS

    @hookimpl
    def menu_entries(self, role: str) -> Sequence[MenuEntry]:
        """Sell, invoices, customers, products, payments, salespeople."""
        return MENU

    @hookimpl
    def home_attention(self, session: Session, role: str, now: datetime) -> Sequence[Attention]:
        """Overdue invoices, reports to confirm, a till that nobody can use."""
        return find_attention.attention(session, role, now)

    @hookimpl
    def page_blocks(
        self, place: str, session: Session, subject_id: UUID | None, now: datetime
    ) -> str | None:
        """The month in figures on the home page; the invoice on an electronic document's page."""
        return home_block(place, session, now) or document_block(place, session, subject_id)

    @hookimpl
    def setup_steps(self, session: Session) -> Sequence[SetupStep]:
        """Product, customer, salesperson, account, first invoice."""
        return setup_steps.steps(session)

    @hookimpl
    def export_tables(self) -> Sequence[ExportTable]:
        """What a company takes with it."""
        return export_tables.TABLES

    @hookimpl
    def seed_demo(self, context: Any) -> None:
        """Products, customers, salespeople, accounts, invoices."""
        demo.seed(context)

    @hookimpl
    def demo_steps(self) -> Sequence[DemoStep]:
        """A sale at the till."""
        return demo.STEPS


plugin = SalesPlugin()
