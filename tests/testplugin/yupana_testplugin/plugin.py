"""Every hook once."""

from __future__ import annotations

import click
from markupsafe import Markup
from sqlalchemy import func, select

from core.contracts.events import InvoiceCancelled
from core.contracts.hooks import (
    Attention,
    BackgroundProcess,
    DemoStep,
    ExportTable,
    MenuEntry,
    Permission,
    PluginInfo,
    SettingSpec,
    Task,
)
from core.contracts.schedule import Schedule
from core.db.session import tenant_work
from core.hookspecs import hookimpl
from core.jobs import defer
from core.services.companies import find_tenant
from core.web.views import Pages, page
from yupana_testplugin.models import Note

READ = Permission("testplugin.note", "read", ("owner",))


class TestpluginNotePages(Pages):
    """One page."""

    route_base = "/testplugin/notes"
    permission = "testplugin.note"

    @page("/", action="read")
    def index(self, ctx):
        """The notes of the company."""
        notes = ctx.session.scalars(select(Note).order_by(Note.id)).all()
        return ctx.render("testplugin/notes.html", notes=notes)


class NoteKeeping:
    """A service that others may ask for."""


def write_note(args, now):
    """Task: write what the job says."""
    from uuid import UUID

    with tenant_work(UUID(args["tenant"])) as session:
        session.add(Note(words=f"{args['words']} ({now.date()})"))


class TestPlugin:
    """Table of contents."""

    __test__ = False
    info = PluginInfo("testplugin", "Notas", "tplug_", permissions=(READ,))

    @hookimpl
    def register_models(self):
        return (Note,)

    @hookimpl
    def register_settings(self):
        return (SettingSpec("testplugin.prefix", "nota", str, "First word of a note"),)

    @hookimpl
    def register_services(self, registry):
        registry[NoteKeeping] = NoteKeeping()

    @hookimpl
    def register_views(self, site):
        site.add_pages(TestpluginNotePages, plugin="testplugin")

    @hookimpl
    def menu_entries(self, role):
        return (MenuEntry("Notas", "testplugin.note.index", READ.key),)

    @hookimpl
    def home_attention(self, session, role, now):
        count = session.scalar(select(func.count()).select_from(Note))
        return (Attention("Hay notas", "/testplugin/notes/", count=count),) if count else ()

    @hookimpl
    def register_tasks(self):
        return (Task("testplugin.write", write_note),)

    @hookimpl
    def register_schedules(self):
        return (Schedule("testplugin.daily", "testplugin.write", at="04:00"),)

    @hookimpl
    def subscribed_events(self):
        return (InvoiceCancelled,)

    @hookimpl
    def handle_event(self, event, context):
        context.session.add(Note(words=f"cancelled {event.number}"))
        args = {"tenant": str(context.tenant_id), "words": "by a job"}
        defer(context.session, "testplugin.write", args)

    @hookimpl
    def handle_events(self, events):
        for event, context in events:
            self.handle_event(event, context)

    @hookimpl
    def register_commands(self, group):
        @group.command("notes")
        @click.argument("ruc")
        @click.pass_obj
        def notes(settings, ruc):
            """Print the notes of a company."""
            from core.cli.at_work import at_work
            from core.db.session import unit_of_work

            with at_work(settings):
                with unit_of_work() as session:
                    tenant = find_tenant(session, ruc).id
                with tenant_work(tenant) as session:
                    for note in session.scalars(select(Note).order_by(Note.id)):
                        click.echo(note.words)

    @hookimpl
    def access_decision(self, tenant_id, permission, now):
        return None

    @hookimpl
    def entitlements(self, tenant_id):
        return None

    @hookimpl
    def receiver_link(self, issuer_tax_id, receiver_tax_id, receiver_email, access_key):
        return None

    @hookimpl
    def document_files(self, session, access_key):
        return None

    @hookimpl
    def legal_documents(self, session, after, size):
        return None

    @hookimpl
    def export_tables(self):
        return (ExportTable("notas", "Sus notas", Note.id, {"Nota": Note.words}),)

    @hookimpl
    def setup_steps(self, session):
        return ()

    @hookimpl
    def page_blocks(self, place, session, subject_id, now):
        return Markup("<p>Notas</p>") if place == "sales.invoice" else None

    @hookimpl
    def background_processes(self):
        return (BackgroundProcess("testplugin", ("--version",)),)

    @hookimpl
    def seed_demo(self, context):
        with context.acting(context.tenants["gym"]) as session:
            session.add(Note(words="una nota de la demo"))

    @hookimpl
    def demo_steps(self):
        return (DemoStep("a note is shown", 900, lambda check: None),)

    @hookimpl
    def benchmarks(self):
        return {"notes": lambda: click.echo("fast")}

    @hookimpl
    def doctor_checks(self):
        return (lambda: None,)


plugin = TestPlugin()
