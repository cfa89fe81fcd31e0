# mypy: disable-error-code="empty-body"
"""Every hook of the product. Plugins implement them; core and plugins call them through
``core.plugins.call`` only. Documented again, with the callers, in ``docs/hooks.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pluggy

if TYPE_CHECKING:
    import click
    from sqlalchemy.orm import Session

    from core.app import Site
    from core.contracts.events import Event
    from core.contracts.fiscal import DocumentFiles
    from core.contracts.hooks import (
        AccessDecision,
        Attention,
        BackgroundProcess,
        DemoStep,
        EventContext,
        ExportTable,
        MenuEntry,
        SettingSpec,
        SetupStep,
        Task,
    )
    from core.contracts.schedule import Schedule

PROJECT = "yupana"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_models() -> Sequence[type]:
    """The plugin's mapped classes. Asked once at load; no transaction. An exception disables the plugin."""


@hookspec
def register_settings() -> Sequence[SettingSpec]:
    """The plugin's tenant settings with default, type and help. Asked once at load."""


@hookspec
def register_services(registry: dict[type, Any]) -> None:
    """Put implementations of ``core.contracts.services`` protocols into ``registry``. Once at load."""


@hookspec
def register_views(site: Site) -> None:
    """Add pages and APIs to the site. Once per web process, inside ``create_app``; no SQL."""


@hookspec
def menu_entries(role: str) -> Sequence[MenuEntry]:
    """Entries of the shell's menu for a role. Once per request and role; no SQL."""


@hookspec
def home_attention(session: Session, role: str, now: datetime) -> Sequence[Attention]:
    """What needs the person today, dearest first; in the request's transaction."""


@hookspec
def register_tasks() -> Sequence[Task]:
    """The callables that workers may run, by name. Once at load."""


@hookspec
def register_schedules() -> Sequence[Schedule]:
    """What the calendar starts and when (America/Guayaquil). Once per scheduler."""


@hookspec
def subscribed_events() -> Sequence[type[Event]]:
    """The events the plugin listens to. Once at load."""


@hookspec
def handle_event(event: Event, context: EventContext) -> None:
    """React to one event, in a transaction of its own under the destination tenant's scope; the
    effect and the mark in ``core_event_done`` commit together. At least once: an exception makes
    the engine try again.
    """


@hookspec
def handle_events(events: Sequence[tuple[Event, EventContext]]) -> None:
    """React to all events of a chunk at once, in one transaction; a plugin that has this hook is asked
    it first. When it raises, the same events come again one by one, to ``handle_event``.
    """


@hookspec
def register_commands(group: click.Group) -> None:
    """Add click commands or groups under ``yupana``. Once per command line."""


@hookspec(firstresult=True)
def access_decision(tenant_id: UUID, permission: str, now: datetime) -> AccessDecision | None:
    """May this tenant use this permission at this instant? A pure function of dates and payments in
    the tenant's own scope, asked at every page, API call and job that starts work. None: no opinion
    (allowed). In the caller's transaction.
    """


@hookspec(firstresult=True)
def entitlements(tenant_id: UUID) -> Mapping[str, Any] | None:
    """Which plugins (key ``plugins``: names) and limits the tenant has. None: everything."""


@hookspec(firstresult=True)
def receiver_link(
    issuer_tax_id: str, receiver_tax_id: str, receiver_email: str, access_key: str
) -> str | None:
    """The address at which the receiver finds this document; asked when its mail is written, in the
    issuer's transaction. None: the mail goes without a link.
    """


@hookspec(firstresult=True)
def document_files(session: Session, access_key: str) -> DocumentFiles | None:
    """The files of an authorised document of the tenant at hand; in the caller's transaction."""


@hookspec(firstresult=True)
def legal_documents(session: Session, after: str, size: int) -> Sequence[str] | None:
    """Access keys of the authorised documents of the tenant at hand, in the order of the keys, those
    behind ``after`` (empty: from the start), at most ``size``. In the caller's transaction.
    """


@hookspec
def export_tables() -> Sequence[ExportTable]:
    """The plugin's tables of the copy of everything that a company takes with it, each a CSV file. They
    are read in the company's own scope, a page of rows per transaction. Asked when a copy is listed or
    made; of every plugin, also of those that its plan no longer contains.
    """


@hookspec
def setup_steps(session: Session) -> Sequence[SetupStep]:
    """The plugin's steps of a new company's guided first access, and whether each is done; in the
    request's transaction, in the company's scope.
    """


@hookspec
def page_blocks(place: str, session: Session, subject_id: UUID | None, now: datetime) -> str | None:
    """A piece of HTML (``markupsafe.Markup``) for a named place of another plugin's page, such as
    ``sales.invoice`` (the fiscal state under an invoice), ``einvoice_sri.document`` (the invoice of an
    electronic document) or ``core.welcome`` (the public first page, of no company). In the request's
    transaction.
    """


@hookspec
def background_processes() -> Sequence[BackgroundProcess]:
    """Processes that ``yupana serve --all`` starts beside web, worker and scheduler when asked for
    by name (the demo's simulator). Once per start.
    """


@hookspec
def seed_demo(context: Any) -> None:
    """Write the plugin's part of the demo through its services; ``context`` is
    ``core.demo.seed.DemoContext``. Once, on an empty installation, plugins in load order.
    """


@hookspec
def demo_steps() -> Sequence[DemoStep]:
    """The plugin's steps of ``yupana demo --check``, ordered by ``order``."""


@hookspec
def benchmarks() -> Mapping[str, Callable[..., Any]]:
    """Click commands under ``yupana bench`` by name."""


@hookspec
def doctor_checks() -> Sequence[Callable[[], str | None]]:
    """Checks of ``yupana doctor``: None when well, otherwise one sentence with the remedy."""
