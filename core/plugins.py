"""The plugin host: finds, loads and asks plugins.

A plugin is an object with ``info: PluginInfo`` behind an entry point of the group ``yupana.plugins``.
One that fails is named and left out; the rest of the site starts. Hooks are called through ``call``
only, which leaves out plugins that the tenant is not entitled to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID

import pluggy

from core import hookspecs
from core.contracts.events import Event
from core.contracts.hooks import PluginInfo, SettingSpec, Task
from core.errors import ServiceMissing, SetupError
from core.i18n import _, add_translations

GROUP = "yupana.plugins"
CORE_PREFIXES = ("core_", "ab_")
_T = TypeVar("_T")


@dataclass(slots=True)
class Plugin:
    """One installed plugin: enabled or not, loaded or with the problem that prevents it."""

    name: str
    origin: str  # distribution and version
    is_enabled: bool = True
    problem: str = ""
    implementation: Any = None
    package: str = ""
    models: tuple[type, ...] = ()
    listens_to: tuple[type[Event], ...] = ()

    @property
    def is_loaded(self) -> bool:
        """Enabled and without a problem."""
        return self.implementation is not None and not self.problem

    @property
    def info(self) -> PluginInfo:
        """What the plugin says of itself."""
        return cast("PluginInfo", self.implementation.info)

    @property
    def folder(self) -> Path:
        """The folder of the plugin's package: ``migrations/versions``, ``translations``, … are in it."""
        module = import_module(self.package)
        return Path(cast("str", module.__file__)).parent


@dataclass(slots=True)
class Host:
    """The plugins of this process and what they registered."""

    installed: list[Plugin] = field(default_factory=list)
    plugins: list[Plugin] = field(default_factory=list)  # loaded ones, in load order
    settings: dict[str, SettingSpec] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    services: dict[type, Any] = field(default_factory=dict)
    _manager: pluggy.PluginManager = field(
        default_factory=lambda: pluggy.PluginManager(hookspecs.PROJECT)
    )

    def __contains__(self, name: str) -> bool:
        return any(plugin.name == name for plugin in self.plugins)

    def __getitem__(self, name: str) -> Plugin:
        for plugin in self.plugins:
            if plugin.name == name:
                return plugin
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the loaded plugins, in load order."""
        return tuple(plugin.name for plugin in self.plugins)

    @property
    def problems(self) -> list[Plugin]:
        """Enabled plugins that did not load."""
        return [plugin for plugin in self.installed if plugin.problem]

    def call(self, hook: str, *, tenant: UUID | None = None, **given: Any) -> Any:
        """Ask every plugin that ``tenant`` is entitled to (None: every one), in load order.

        Returns the list of answers, or the first one for a ``firstresult`` hook (None: nobody answered).
        """
        allowed = self.entitled(tenant) if tenant is not None else None
        left_out = [p for p in self.plugins if allowed is not None and p.name not in allowed]
        return self._caller(hook, left_out)(**given)

    def ask(self, name: str, hook: str, **given: Any) -> Any:
        """Ask one plugin; None (or an empty list) when it does not implement the hook."""
        others = [plugin for plugin in self.plugins if plugin.name != name]
        return self._caller(hook, others)(**given)

    def has_hook(self, name: str, hook: str) -> bool:
        """Whether a plugin implements a hook."""
        return hasattr(self[name].implementation, hook)

    def entitled(self, tenant: UUID) -> frozenset[str]:
        """The plugins a tenant may use; all of them where no plugin answers ``entitlements``."""
        memo = _entitlements.get()
        if memo is not None and tenant in memo:
            return memo[tenant]
        answer: Mapping[str, Any] | None = self._caller("entitlements", [])(tenant_id=tenant)
        listed = None if answer is None else answer.get("plugins")
        names = frozenset(self.names) if listed is None else frozenset(listed)
        if memo is not None:
            memo[tenant] = names
        return names

    def service(self, protocol: type[_T]) -> _T:
        """The implementation of an internal service. Raises ``ServiceMissing``."""
        try:
            return cast("_T", self.services[protocol])
        except KeyError:
            raise ServiceMissing(protocol.__name__) from None

    def subscribers(self, event: str) -> list[str]:
        """Names of the plugins that listen to an event, by its class name."""
        return [p.name for p in self.plugins if any(e.__name__ == event for e in p.listens_to)]

    def event_class(self, name: str) -> type[Event]:
        """The class of an event that somebody listens to. Raises ``KeyError``."""
        for plugin in self.plugins:
            for event in plugin.listens_to:
                if event.__name__ == name:
                    return event
        raise KeyError(name)

    def _caller(self, hook: str, left_out: list[Plugin]) -> pluggy.HookCaller:
        return self._manager.subset_hook_caller(hook, [one.implementation for one in left_out])

    # -- loading ---------------------------------------------------------------------------------

    def add(self, plugin: Plugin) -> None:
        """Take a plugin in, or note its problem and leave it out."""
        try:
            _check(plugin, self.plugins)
            self._manager.register(plugin.implementation, name=plugin.name)
            self._manager.check_pending()
            self.plugins.append(plugin)
            self._register(plugin)
        except Exception as error:  # noqa: BLE001  (any plugin may fail in any way; it is named)
            self.leave_out(plugin, error)

    def leave_out(self, plugin: Plugin, error: Exception) -> None:
        """Go on without a plugin that failed; it is named on the console and in ``problems``."""
        if self._manager.has_plugin(plugin.name):
            self._manager.unregister(name=plugin.name)
        self.plugins = [one for one in self.plugins if one is not plugin]
        plugin.problem = f"{type(error).__name__}: {error}"
        _say(plugin)

    def _register(self, plugin: Plugin) -> None:
        plugin.models = tuple(_flat(self.ask(plugin.name, "register_models")))
        for model in plugin.models:
            table = model.__tablename__  # type: ignore[attr-defined]
            if not table.startswith(plugin.info.table_prefix):
                raise SetupError(
                    f"its table {table} does not begin with {plugin.info.table_prefix}"
                )
        specs = {one.key: one for one in _flat(self.ask(plugin.name, "register_settings"))}
        tasks = {one.name: one for one in _flat(self.ask(plugin.name, "register_tasks"))}
        for what in (*specs, *tasks):
            if not what.startswith(f"{plugin.name}."):
                raise SetupError(f"{what} does not begin with {plugin.name}.")
        services: dict[type, Any] = {}
        self.ask(plugin.name, "register_services", registry=services)
        for taken in services.keys() & self.services.keys():
            raise SetupError(f"{taken.__name__} is provided by another plugin already")
        plugin.listens_to = tuple(_flat(self.ask(plugin.name, "subscribed_events")))
        self.settings |= specs
        self.tasks |= tasks
        self.services |= services
        add_translations(plugin.folder / "translations")


_entitlements: ContextVar[dict[UUID, frozenset[str]] | None] = ContextVar(
    "entitlements", default=None
)
_host: Host | None = None


@contextmanager
def remembering_entitlements() -> Iterator[None]:
    """Ask the hook ``entitlements`` at most once per tenant inside the block (a request, a job)."""
    token = _entitlements.set({})
    try:
        yield
    finally:
        _entitlements.reset(token)


def load(names: Sequence[str] | None = None) -> Host:
    """Load the named plugins (None: all that are installed) and make them those of this process.

    Raises ``SetupError`` for a name that nobody installed; a plugin that fails is said on the console.
    """
    found = {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda p: p.name)}
    for name in names or ():
        if name not in found:
            known = ", ".join(found) or "-"
            raise SetupError(
                _(
                    "No installed plugin is called %(name)s: correct YUPANA_PLUGINS. There are: %(known)s.",
                    name=name,
                    known=known,
                )
            )
    installed = [_open(point, names is None or point.name in names) for point in found.values()]
    return start(installed)


def start(installed: Sequence[Plugin]) -> Host:
    """Build the host from opened plugins and make it the one of this process."""
    global _host
    host = Host(installed=list(installed))
    host._manager.add_hookspecs(hookspecs)  # noqa: SLF001
    for plugin in _in_order([one for one in installed if one.is_loaded]):
        host.add(plugin)
    host._manager = _in_load_order(host)  # noqa: SLF001
    _host = host
    return host


def host() -> Host:
    """The plugins of this process. Raises ``SetupError`` before ``load``."""
    if _host is None:
        raise SetupError(
            "The plugins are not loaded yet: start through the command line or create_app."
        )
    return _host


@contextmanager
def as_before() -> Iterator[None]:
    """Whatever is loaded inside the block, afterwards the plugins of this process are those of now."""
    global _host
    known = _host
    try:
        yield
    finally:
        _host = known


def call(hook: str, *, tenant: UUID | None = None, **given: Any) -> Any:
    """``Host.call`` on the plugins of this process."""
    return host().call(hook, tenant=tenant, **given)


def service(protocol: type[_T]) -> _T:
    """The implementation of an internal service. Raises ``ServiceMissing``."""
    return host().service(protocol)


def _open(point: EntryPoint, is_enabled: bool) -> Plugin:
    origin = f"{point.dist.name} {point.dist.version}" if point.dist else ""
    plugin = Plugin(
        name=point.name,
        origin=origin,
        is_enabled=is_enabled,
        package=point.module.rpartition(".")[0],
    )
    if is_enabled:
        try:
            plugin.implementation = point.load()
        except Exception as error:  # noqa: BLE001  (any plugin may fail in any way; it is named)
            plugin.problem = f"{type(error).__name__}: {error}"
            _say(plugin)
    return plugin


def _say(plugin: Plugin) -> None:
    sys.stderr.write(f"yupana: the plugin {plugin.name} is left out. {plugin.problem}\n")


def _check(plugin: Plugin, before: Sequence[Plugin]) -> None:
    info = plugin.info
    if info.name != plugin.name:
        raise SetupError(f"it calls itself {info.name}, its entry point {plugin.name}")
    prefix = info.table_prefix
    if len(prefix) < 2 or not prefix.endswith("_"):
        raise SetupError(f"its table prefix {prefix!r} does not end in an underscore")
    taken = dict.fromkeys(CORE_PREFIXES, "core") | {p.info.table_prefix: p.name for p in before}
    for other, owner in taken.items():
        if prefix.startswith(other) or other.startswith(prefix):
            raise SetupError(f"its table prefix {prefix} clashes with {other} of {owner}")


def _in_order(plugins: Sequence[Plugin]) -> list[Plugin]:
    """By name, each after the plugins that it requires."""
    waiting = sorted(plugins, key=lambda one: one.name)
    names = {one.name for one in waiting}
    done: list[Plugin] = []
    while waiting:
        have = {one.name for one in done}
        ready = [p for p in waiting if not (_required(p) & names) - have] or waiting
        done.append(ready[0])
        waiting.remove(ready[0])
    return done


def _required(plugin: Plugin) -> set[str]:
    return set(getattr(getattr(plugin.implementation, "info", None), "requires", ()))


def _in_load_order(host: Host) -> pluggy.PluginManager:
    """A manager that asks the plugins in load order (pluggy asks the latest first)."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for plugin in reversed(host.plugins):
        manager.register(plugin.implementation, name=plugin.name)
    return manager


def _flat(answers: Sequence[Sequence[Any]]) -> list[Any]:
    return [one for answer in answers for one in answer]
