"""A plugin that is absent, disabled or broken leaves the rest whole."""

from __future__ import annotations

import itertools
import sys
from importlib.metadata import EntryPoint

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from core import plugins
from core.app import create_app
from core.contracts.hooks import Permission, PluginInfo
from core.contracts.services import InvoiceIssuing
from core.errors import ServiceMissing, SetupError
from core.hookspecs import hookimpl
from core.settings import current

SHIPPED = ("billing", "customer_portal", "einvoice_sri", "licensing", "sales")
SUBSETS = [
    names for size in range(len(SHIPPED) + 1) for names in itertools.combinations(SHIPPED, size)
]


@pytest.fixture
def whole(host):
    """Puts the host of the session back."""
    yield host
    plugins._host = host


@pytest.mark.parametrize("names", SUBSETS, ids=lambda names: "+".join(names) or "core alone")
def test_every_subset_boots_without_a_word_to_the_database(whole, names):
    statements = []
    listen = lambda *args: statements.append(args[2])  # noqa: E731
    event.listen(Engine, "before_cursor_execute", listen)
    try:
        loaded = plugins.load(names)
        app = create_app(current(), loaded)
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
    assert set(loaded.names) == set(names)
    assert loaded.problems == []
    assert statements == []
    assert "core.door.sign_in" in app.view_functions


def test_an_unknown_plugin_is_refused_by_name(whole):
    with pytest.raises(SetupError, match=r"nowhere.*YUPANA_PLUGINS.*billing"):
        plugins.load(("sales", "nowhere"))


def opened(name, implementation, prefix=None):
    if prefix is not None:
        implementation.info = PluginInfo(name=name, label=name, table_prefix=prefix)
    return plugins.Plugin(name, "test 1", implementation=implementation, package="core")


class Quiet:
    """A plugin that does nothing."""


@pytest.mark.parametrize("prefix", ["core_", "ab_x_", "sales_more_", "sa", "sales_", "c"])
def test_a_clashing_or_odd_prefix_is_refused(whole, capsys, prefix):
    first, second = opened("a", Quiet(), "sales_"), opened("b", Quiet(), prefix)
    host = plugins.start([first, second])
    assert host.names == ("a",)
    assert "prefix" in second.problem
    assert "the plugin b is left out" in capsys.readouterr().err


def test_a_plugin_that_breaks_is_named_and_the_others_start(whole, capsys, monkeypatch):
    class Unknown(Quiet):
        @hookimpl
        def register_wings(self):
            """No such hook."""

    class Broken(Quiet):
        @hookimpl
        def register_settings(self):
            raise RuntimeError("no settings today")

    class Elsewhere(Quiet):
        @hookimpl
        def register_tasks(self):
            from core.contracts.hooks import Task

            return (Task("core.steal", lambda args, now: None),)

    host = plugins.start(
        [
            opened("good", Quiet(), "good_"),
            opened("unknown", Unknown(), "unknown_"),
            opened("broken", Broken(), "broken_"),
            opened("elsewhere", Elsewhere(), "elsewhere_"),
        ]
    )
    said = capsys.readouterr().err
    assert host.names == ("good",)
    for name, why in (
        ("unknown", "register_wings"),
        ("broken", "no settings today"),
        ("elsewhere", "core.steal"),
    ):
        assert f"the plugin {name} is left out" in said
        assert why in said


def test_a_plugin_whose_pages_break_is_left_out_of_the_site(whole, capsys):
    class Torn(Quiet):
        @hookimpl
        def register_views(self, site):
            raise RuntimeError("no pages today")

    host = plugins.start([opened("torn", Torn(), "torn_"), opened("good", Quiet(), "good_")])
    app = create_app(current(), host)
    assert host.names == ("good",)
    assert "torn is left out. RuntimeError: no pages today" in capsys.readouterr().err
    assert "core.door.sign_in" in app.view_functions


def test_an_import_that_fails_is_named(whole, capsys, monkeypatch):
    point = EntryPoint("torn", "core.nowhere_at_all:plugin", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point])
    host = plugins.load(None)
    assert host.names == ()
    assert "torn is left out. ModuleNotFoundError" in capsys.readouterr().err
    assert "core.nowhere_at_all" not in sys.modules


def test_order_and_entitlements(whole, now):
    from uuid import UUID

    class Says(Quiet):
        def __init__(self, word, plugins_of=None):
            self.word, self.plugins_of = word, plugins_of

        @hookimpl
        def menu_entries(self, role):
            return [self.word]

        @hookimpl
        def entitlements(self, tenant_id):
            return None if self.plugins_of is None else {"plugins": self.plugins_of}

    a, b, c = Says("a"), Says("b"), Says("c", plugins_of=("a", "c"))
    listed = [opened("c", c, "cc_"), opened("b", b, "bb_"), opened("a", a, "aa_")]
    c.info = PluginInfo("c", "c", "cc_")
    a.info = PluginInfo("a", "a", "aa_", requires=("b",))
    host = plugins.start(listed)
    assert host.names == ("b", "a", "c")
    assert host.call("menu_entries", role="owner") == [["b"], ["a"], ["c"]]
    tenant = UUID(int=7)
    assert host.call("menu_entries", tenant=tenant, role="owner") == [["a"], ["c"]]
    with plugins.remembering_entitlements():
        assert host.entitled(tenant) == {"a", "c"}
        c.plugins_of = ("b",)
        assert host.entitled(tenant) == {"a", "c"}
    assert host.entitled(tenant) == {"b"}
    with pytest.raises(ServiceMissing, match="InvoiceIssuing"):
        host.service(InvoiceIssuing)


def test_permissions_name_their_plugin_and_known_roles(host):
    from core.models import ROLES

    for plugin in host.plugins:
        for permission in plugin.info.permissions:
            assert isinstance(permission, Permission)
            assert permission.name.partition(".")[0] == plugin.name
            assert set(permission.roles) <= set(ROLES)
