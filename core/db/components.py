"""Components: core and each plugin, with the tables and the migration history it owns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.plugins import Plugin


@dataclass(frozen=True, slots=True)
class Component:
    """Who owns which tables. ``versions`` is the folder of its migrations."""

    name: str
    prefixes: tuple[str, ...]
    versions: Path

    @property
    def version_table(self) -> str:
        """Where alembic notes the component's revision."""
        return f"alembic_version_{self.name}"

    def owns(self, table: str) -> bool:
        """Whether a table of that name belongs to this component."""
        return table.startswith(self.prefixes)


CORE = Component("core", ("core_", "ab_"), Path(__file__).parents[1] / "migrations" / "versions")


def component_of(plugin: Plugin) -> Component:
    """The component of a loaded plugin: its prefix and ``migrations/versions`` in its folder."""
    versions = plugin.folder / "migrations" / "versions"
    return Component(plugin.name, (plugin.info.table_prefix,), versions)


def components(plugins: Iterable[Plugin]) -> list[Component]:
    """Core first, then the plugins by name: the order of upgrades."""
    return [CORE, *sorted((component_of(one) for one in plugins), key=lambda one: one.name)]
