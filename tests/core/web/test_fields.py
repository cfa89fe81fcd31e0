"""The macro behind every form field writes elements that browsers know."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from flask import render_template_string

KNOWN = {"div", "label", "input", "select", "option", "textarea", "span", "p"}


class Elements(HTMLParser):
    """Collects the elements of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}

    def handle_starttag(self, tag, attrs):
        self.found.setdefault(tag, dict(attrs))


@pytest.mark.parametrize(
    ("kind", "element"),
    [
        ("text", "input"),
        ("money", "input"),
        ("checkbox", "input"),
        ("file", "input"),
        ("textarea", "textarea"),
        ("select", "select"),
    ],
)
def test_each_kind_of_field_is_an_element_with_its_name(_app, kind, element):
    source = (
        '{% import "core/macros.html" as ui with context %}'
        '{{ ui.field("colour", "Color", type=kind, choices=[("r", "Rojo")]) }}'
    )
    with _app.test_request_context("/"):
        html = render_template_string(source, kind=kind)
    page = Elements()
    page.feed(html)
    assert page.found.keys() <= KNOWN
    assert page.found[element]["name"] == "colour"
    assert page.found[element]["id"] == page.found["label"]["for"]
