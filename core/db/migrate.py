"""Migrations: one alembic history per component, each with its own version table.

Run by the owner of the schema (``DATABASE_OWNER_URL``), never by the run-time login. Each component
upgrades in one transaction, core first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from core.db.base import Base
from core.db.components import CORE, Component
from core.db.session import PLATFORM_ROLE
from core.errors import SetupError
from core.i18n import _

SCRIPTS = Path(__file__).parents[1] / "migrations"
UPGRADE_LOCK = 7_209_001  # advisory lock: one upgrade at a time per database


def _config(component: Component, connection: Connection | None = None) -> Config:
    config = Config(stdout=StringIO())
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("version_locations", str(component.versions))
    config.set_main_option("path_separator", "newline")
    config.attributes["component"] = component
    config.attributes["connection"] = connection
    return config


@contextmanager
def _owner(owner_url: str) -> Iterator[Connection]:
    engine = create_engine(owner_url, poolclass=NullPool)
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise SetupError(
            _(
                "The database does not answer at %(place)s: start it, or correct its address.",
                place=make_url(owner_url).render_as_string(hide_password=True),
            )
        ) from error
    try:
        yield connection
    finally:
        connection.close()
        engine.dispose()


def head_of(component: Component) -> str | None:
    """The newest revision in the component's folder."""
    return ScriptDirectory.from_config(_config(component)).get_current_head()


def revision_in(connection: Connection, component: Component) -> str | None:
    """The revision the database stands at."""
    context = MigrationContext.configure(
        connection, opts={"version_table": component.version_table}
    )
    return context.get_current_revision()


def upgrade(
    owner_url: str,
    runtime_role: str,
    parts: Sequence[Component],
    *,
    on_step: Callable[[str], None] = lambda _line: None,
) -> None:
    """Bring every component to its head and give the run-time login its rights.

    One advisory lock makes two simultaneous upgrades wait for each other.
    """
    with _owner(owner_url) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": UPGRADE_LOCK})
        connection.commit()
        try:
            for part in parts:
                if revision_in(connection, part) != head_of(part):
                    on_step(f"{part.name} -> {head_of(part)}")
                connection.rollback()
                command.upgrade(_config(part, connection), "heads")
                connection.commit()
            grant(connection, runtime_role)
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": UPGRADE_LOCK})
            connection.commit()


def grant(connection: Connection, runtime_role: str) -> None:
    """What the run-time login and the platform role may touch; row-level security does the rest."""
    role = connection.dialect.identifier_preparer.quote(runtime_role)
    for statement in (
        f"GRANT USAGE ON SCHEMA public, procrastinate TO {role}, {PLATFORM_ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, procrastinate TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public, procrastinate TO {role}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public, procrastinate TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {PLATFORM_ROLE}",
        f"REVOKE UPDATE, DELETE ON core_audit_entry, core_platform_audit FROM {role}",
        f"REVOKE UPDATE ON core_event, core_event_done FROM {role}",
    ):
        connection.execute(text(statement))
    for table in connection.scalars(
        text(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'alembic%'"
        )
    ):
        connection.execute(text(f'REVOKE INSERT, UPDATE, DELETE ON "{table}" FROM {role}'))


def revise(owner_url: str, part: Component, message: str) -> Path:
    """Write the next revision of a component from the difference between models and database."""
    part.versions.mkdir(parents=True, exist_ok=True)
    taken = sorted(part.versions.glob(f"{part.name}_[0-9]*.py"))
    number = int(taken[-1].name.removeprefix(f"{part.name}_")[:4]) + 1 if taken else 1
    identifier = f"{part.name}_{number:04d}"
    slug = "_".join("".join(c if c.isalnum() else " " for c in message.lower()).split())[:40]
    with _owner(owner_url) as connection:
        config = _config(part, connection)
        config.set_main_option("file_template", f"{identifier}_{slug}")
        command.revision(
            config, message=message[:1].upper() + message[1:], autogenerate=True, rev_id=identifier
        )
        connection.rollback()
    return part.versions / f"{identifier}_{slug}.py"


def differences(connection: Connection, part: Component) -> list[Any]:
    """What models and database disagree on, for one component."""

    def mine(name: str | None, kind: str, _parents: Any) -> bool:
        if kind == "schema":
            return name is None
        return kind != "table" or (name is not None and part.owns(name))

    def own(_thing: Any, name: str | None, kind: str, _reflected: bool, _compare: Any) -> bool:
        return kind != "table" or (name is not None and part.owns(name))

    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": part.version_table,
            "include_name": mine,
            "include_object": own,
            "compare_type": True,
        },
    )
    return list(compare_metadata(context, Base.metadata))


def check(owner_url: str, parts: Sequence[Component]) -> list[str]:
    """Sentences on what is wrong: components behind their head, models that differ. Empty: all well."""
    wrong: list[str] = []
    with _owner(owner_url) as connection:
        for part in parts:
            if revision_in(connection, part) != head_of(part):
                wrong.append(_("%(part)s: not at %(head)s", part=part.name, head=head_of(part)))
                continue
            wrong += [f"{part.name}: {change}" for change in differences(connection, part)]
    return wrong


def uninstall(owner_url: str, part: Component) -> None:
    """Remove a plugin's tables and its version table: downgrade to nothing, then drop the note."""
    if part is CORE:
        raise SetupError(_("Core cannot be uninstalled."))
    with _owner(owner_url) as connection:
        command.downgrade(_config(part, connection), "base")
        connection.commit()
        connection.execute(text(f'DROP TABLE IF EXISTS "{part.version_table}"'))
        connection.commit()
