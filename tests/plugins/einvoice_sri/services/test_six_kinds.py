"""All six kinds through the product: request, XML, signature, SRI over HTTP, authorised, RIDE, mail."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from pypdf import PdfReader

from core.db.session import unit_of_work
from plugins.einvoice_sri import jobs
from plugins.einvoice_sri.adapters.gateways import Gateways
from plugins.einvoice_sri.domain import xml
from plugins.einvoice_sri.domain.comprobantes import tipo
from plugins.einvoice_sri.domain.tipos import RAICES, TITULOS, TipoComprobante
from plugins.einvoice_sri.domain.verify import verify
from plugins.einvoice_sri.domain.verify_chain import read_authorities
from plugins.einvoice_sri.domain.verify_envelope import open_envelope
from plugins.einvoice_sri.services.document_blobs import read_signed
from plugins.einvoice_sri.services.document_files import files_of
from plugins.einvoice_sri.services.request_documents import request_of
from plugins.einvoice_sri.simulator.server import serving
from plugins.einvoice_sri.simulator.site import Site
from tests.factories.sri import authority, http_gateway, simulator
from tests.plugins.einvoice_sri.domain.peticiones import TODAS
from tests.plugins.einvoice_sri.domain.test_conformance import OFFICIAL, official

pytestmark = pytest.mark.usefixtures("key")
SIGNED_PROPERTIES = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"


@pytest.fixture(scope="module")
def over_http() -> Iterator[tuple[Site, Gateways]]:
    """One simulator over HTTP for all kinds."""
    site = simulator()
    with serving(site) as server:
        gateway = http_gateway(server.url)
        gateways = Gateways({1: gateway, 2: gateway})
        yield site, gateways
        gateways.close()


def xmlsec1_accepts(signed: bytes, root: str, folder: Path) -> None:
    """``xmlsec1 --verify`` with the root authority as the only trust anchor."""
    (folder / "signed.xml").write_bytes(signed)
    (folder / "root.pem").write_bytes(authority().root.public_bytes(Encoding.PEM))
    (folder / "middle.pem").write_bytes(authority().intermediate.public_bytes(Encoding.PEM))
    done = subprocess.run(
        [
            "xmlsec1", "--verify", "--trusted-pem", "root.pem", "--untrusted-pem", "middle.pem",
            "--id-attr:id", root, "--id-attr:Id", SIGNED_PROPERTIES,
            "--verification-time", "2026-04-25 13:00:07", "signed.xml",
        ],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("request_", TODAS, ids=lambda one: type(one).__name__)
def test_from_request_to_the_receivers_mail(
    request_, over_http, clock, now, tenant, request_fiscal, documents, drain, outbox, tmp_path
):
    site, gateways = over_http
    site.clock = clock.now
    jobs.use_gateways(gateways)
    try:
        request_fiscal(request_)
        drain()
    finally:
        jobs.use_gateways(None)
    (row,) = documents()
    assert (row.state, row.messages and row.messages[0]["identificador"]) == ("authorized", "60")
    assert request_of(row) == request_
    assert request_.counterpart.tax_id not in json.dumps(
        row.request["counterpart"]
    )  # once is enough
    with unit_of_work(tenant.scope) as session:
        signed = read_signed(session, [row.id])[row.id]
        files = files_of(session, row)
    kind = TipoComprobante(row.kind)
    # the bytes: ours, SRI's schema, a foreign verifier, our verifier
    assert site.engine.state.entries[row.access_key][-1].xml == signed
    anchors = read_authorities(authority().chain_pem())
    judged = verify(signed, authorities=anchors, now=now)
    assert (judged.spotless, judged.chain) == (True, "trusted")
    assert files.xml.count(signed) == 1
    assert open_envelope(files.xml).comprobante in signed
    if shutil.which("xmlsec1"):
        xmlsec1_accepts(signed, RAICES[kind], tmp_path)
    if OFFICIAL.is_dir():
        root = etree.fromstring(signed)
        official(kind, root.get("version")).assertValid(root)
    # what was asked for is what a reader finds
    read = xml.read(signed)
    assert tipo(read) is kind
    assert read.info_tributaria.clave_acceso == row.access_key
    # what is printed and mailed
    sheet = " ".join(page.extract_text() for page in PdfReader(BytesIO(files.ride)).pages)
    printed = " ".join(sheet.split())
    for words in (TITULOS[kind].split()[0], row.number, tenant.tax_id):
        assert words in printed
    assert "SIN VALIDEZ" in printed
    (mail,) = outbox.to(row.receiver_email)
    assert [one.content for one in mail.attachments] == [files.xml, files.ride]
    assert row.access_key in mail.text
