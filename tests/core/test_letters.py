"""A mail's two parts say the same, and what others typed stays text."""

from __future__ import annotations

from html.parser import HTMLParser

from core.letters import Button, Fact, Small, Strip, page, plain

PARTS = (
    Strip("SIMULACIÓN"),
    "Estimado <b>Juan</b> & Cía.:",
    "Vea http://127.0.0.1/a?b=1&c=2, o http://127.0.0.1/d.",
    Fact("Factura", "001-001-000000001"),
    Fact("Total", "$ 11,50"),
    Button("Ver", 'http://127.0.0.1/"><script>'),
    Small("Pie."),
)


class Read(HTMLParser):
    """The words and links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.links, self.elements = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data):
        self.words.append(data)


def test_both_parts_say_the_same_and_nothing_typed_is_obeyed():
    text, read = plain(PARTS), Read()
    read.feed(page("Asunto <x>", "Ñandú & Hijos", PARTS))
    shown = "".join(read.words)
    for part in ("SIMULACIÓN", "<b>Juan</b> & Cía.", "001-001-000000001", "$ 11,50", "Ver", "Pie."):
        assert part in shown
        assert part in text
    assert shown.startswith("Asunto <x>Ñandú & Hijos")
    assert read.links == [
        "http://127.0.0.1/a?b=1&c=2",
        "http://127.0.0.1/d",
        'http://127.0.0.1/"><script>',
    ]
    assert not {"script", "b"} & read.elements
    assert "\n\nFactura: 001-001-000000001\nTotal: $ 11,50\n\nVer: http" in text
