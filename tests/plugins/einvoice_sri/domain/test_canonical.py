"""The short cut for documents that are canonical as they are never differs from libxml2's C14N."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.einvoice_sri.domain.canonical import (
    XmlRefused,
    already_canonical,
    canonical,
    canonical_body,
    read_xml,
)

PIECES = [
    b"<a>", b"</a>", b"<b>", b"</b>", b"<c/>", b"<c />", b"</a >", b"<b\n>", b"<b\t>", b" ", b"\n", b"\t", b"\r",
    b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;", b"&#13;", b"&#xD;", b"&#65;", b">", b'"', b"'",
    b"<!-- x -->", b"<?p q?>", b"<![CDATA[x<y]]>", "ñ€".encode(), b"x = y", b'x="y"', b"\xff",
    b'<b n="v">', b"<b n='v'>", b'<b n = "v">', b'<b n="v" m="w">', b'<b m="w"  n="v">', b'<b m="w" n="v">',
    b'<b n="a\tb">', b'<b n="a&gt;b">', b'<b n="a&quot;b">', b'<b n="a\nb">', b'<b xml:lang="es">',
    b'<b xmlns="urn:x">', b'<p:b xmlns:p="urn:p">', b"</p:b>", b"<p:c>", b"</p:c>", b'<b Z="1" a="2">', b"text",
]  # fmt: skip
DECLARATIONS = [
    b"", b'<?xml version="1.0" encoding="UTF-8"?>\n', b"<?xml version='1.0'?>", b"\xef\xbb\xbf",
    b'<?xml version="1.0" encoding="ISO-8859-1"?>', b'<?xml version="1.1"?>', b"<!-- c -->", b" ",
]  # fmt: skip


@settings(max_examples=int(os.environ.get("YUPANA_FUZZ", "100")), deadline=None)
@given(st.sampled_from(DECLARATIONS), st.lists(st.sampled_from(PIECES), max_size=8), st.booleans())
def test_the_short_cut_agrees_with_libxml2(declaration, pieces, closed):
    inner = b"".join(pieces)
    xml = declaration + (b'<f id="x">' + inner + b"</f>" if closed else inner) + b"\n"
    body = canonical_body(xml)
    if body is not None:
        assert body == canonical(read_xml(xml, keep_comments=False))


@pytest.mark.parametrize("piece", PIECES)
def test_each_piece_alone_agrees_with_libxml2(piece):
    name = piece[1:2] if piece.startswith(b"<b") else b""
    for tail in (b"</b>" if name else b"", b""):
        xml = b'<f id="x">' + piece + tail + b"</f>"
        body = canonical_body(xml)
        if body is not None:
            assert body == canonical(read_xml(xml, keep_comments=False))


@pytest.mark.parametrize(
    ("body", "known"),
    [
        (b'<f id="x"><a>text = &amp; "quoted"</a></f>', True),
        (b'<f id="x" version="1"><a n="v">\n  <b></b></a></f>', True),
        (b'<f version="1" id="x"></f>', False),
        (b"<f id='x'></f>", False),
        (b"<f><a/></f>", False),
        (b"<f ></f>", False),
        (b"<f>\r\n</f>", False),
        (b"<f><!-- --></f>", False),
        (b"<f>&quot;</f>", False),
        (b"<f>></f>", False),
        (b'<f xmlns="urn:x"></f>', False),
        (b'<f a="x\ty"></f>', False),
    ],
)
def test_what_counts_as_canonical(body, known):
    assert already_canonical(body) is known


def test_what_is_not_well_formed_is_left_to_the_reader():
    assert canonical_body(b"<f><a></f></a>") is None
    assert canonical_body(b"<f>&amp</f>") is None
    with pytest.raises(XmlRefused):
        read_xml(b"<f><a></f></a>")
