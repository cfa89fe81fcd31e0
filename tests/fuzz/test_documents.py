"""Bytes bent at random: a document or a named error, never a crash, never a hang."""

from __future__ import annotations

import os
import resource
import time
from random import Random

from plugins.einvoice_sri.domain import xml, xsd
from plugins.einvoice_sri.domain.errores import DocumentoIlegible
from plugins.einvoice_sri.domain.from_request import comprobante
from tests.fuzz.test_certificates_and_xml import tell
from tests.plugins.einvoice_sri.domain.peticiones import EMISOR, TODAS

INPUTS = int(os.environ.get("YUPANA_FUZZ", "2000"))
SEEDS = [xml.build(comprobante(request_, EMISOR)) for request_ in TODAS]
WORDS = (
    b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?x ?>", b"<!DOCTYPE a>", b"&#0;", b"&#xD800;",
    b"&lt;", b"&x;", b'"', b"\x00", b"\xff", b"\xc3", b"<a>", b"</a>", b" xmlns='urn:x'", b"<detalle/>", b"9" * 400,
    b"1e999999", b"-", b".", b"<factura>", b"</factura>", "ñ".encode(), b"\xef\xbb\xbf", b"<x:y/>",
)  # fmt: skip


def bent(content: bytes, random: Random) -> bytes:
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(content) or 1)
        end = min(len(content), at + random.choice((0, 1, 1, 8, 200)))
        what = random.randrange(5)
        if what == 0:
            content = content[:at] + bytes([random.randrange(256)]) + content[at + 1 :]
        elif what == 1:
            content = content[:at] + content[end:]
        elif what == 2:
            content = content[:at] + content[at:end] * random.choice((2, 50)) + content[end:]
        elif what == 3:
            content = content[:at] + random.choice(WORDS) + content[at:]
        else:
            content = content[:at] + random.choice(SEEDS)[at:end] + content[end:]
    return content


def judged(content: bytes) -> object:
    """The document, checked against its schema where it names one; or the named error."""
    try:
        document = xml.read(content)
        xsd.violations(*xsd.kind_of(xml.parse(content)), content)
    except DocumentoIlegible as error:
        return error
    return document


def test_bent_documents_are_read_or_refused_by_name():
    random = Random("reader")
    read = refused = 0
    longest = 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(INPUTS):
        content = bent(SEEDS[number % len(SEEDS)], random)
        begun = time.process_time()
        outcome = judged(content)
        if isinstance(outcome, DocumentoIlegible):
            refused += 1
            assert outcome.code.startswith("sri_xml_")
            assert outcome.sentence
        else:
            read += 1
            assert xml.read(xml.build(outcome)) == outcome
        longest = max(longest, time.process_time() - begun)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    tell(
        {
            "inputs": INPUTS,
            "longest_cpu_ms": longest * 1000,
            "grown_kb": grown,
            "read": read,
            "refused": refused,
        }
    )
    assert read > INPUTS // 20
    assert refused > INPUTS // 4
    assert longest < 1  # CPU seconds of this process, whatever else the machine does
    assert grown < 200_000  # kilobytes
