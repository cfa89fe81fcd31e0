"""The one alembic environment, run once per component (``core/db/migrate.py``)."""

from __future__ import annotations

from typing import Any

from alembic import context

from core.db.base import Base
from core.db.components import Component
from core.db.operations import add_fences

component: Component = context.config.attributes["component"]


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Admit only the component's own tables."""
    if kind == "schema":
        return name is None
    return kind != "table" or (name is not None and component.owns(name))


def include_object(
    thing: Any, name: str | None, kind: str, _reflected: bool, _compare: Any
) -> bool:
    """Admit only the component's own tables of the metadata."""
    return kind != "table" or (name is not None and component.owns(name))


def process_revision_directives(_context: Any, _revision: Any, directives: Any) -> None:
    """Fence each new table."""
    for script in directives:
        add_fences(script.upgrade_ops)


def render_item(kind: str, thing: Any, _context: Any) -> str | bool:
    """Name our column types by their module."""
    module = type(thing).__module__
    if kind == "type" and module.startswith(("core.", "plugins.")):
        return f"{module}.{type(thing).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=component.version_table,
    include_name=include_name,
    include_object=include_object,
    process_revision_directives=process_revision_directives,
    render_item=render_item,
    compare_type=True,
    compare_server_default=False,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
