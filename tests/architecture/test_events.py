"""Events: small frozen facts that can travel, each told and heard by somebody."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import pytest

from core.contracts import events

ROOT = Path(__file__).resolve().parents[2]
EVENTS = {
    name: kind
    for name, kind in vars(events).items()
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind is not events.Event
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_a_frozen_fact(name):
    kind = EVENTS[name]
    assert kind.__dataclass_params__.frozen
    assert kind.__doc__
    assert not kind.__doc__.startswith(name)  # dataclass' own text is no documentation
    assert isinstance(kind.version, int)
    assert dataclasses.fields(kind)


def test_every_event_is_emitted_by_somebody():
    made = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for file in [*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/**/*.py")]
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
    }
    assert set(EVENTS) - made == set()


def test_who_listens_also_handles(host):
    for plugin in host.plugins:
        if plugin.listens_to:
            assert hasattr(plugin.implementation, "handle_event"), plugin.name
