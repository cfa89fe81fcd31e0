"""The ZIP of an expired company: all XML and RIDE, in parts that say where the next one is."""

from __future__ import annotations

import io
import zipfile

import pytest

from core import plugins
from core.contracts.fiscal import DocumentFiles
from core.db.scope import Scope
from plugins.licensing.services import legal_copy
from tests.factories.licensing import make_vendor


class Firm:
    """What ``sign_in`` needs of a company."""

    def __init__(self, tenant_id):
        self.id = tenant_id
        self.scope = Scope(tenant_id=tenant_id)


@pytest.mark.checklist("PW-17")
def test_an_expired_company_fetches_every_document_part_by_part(
    make_tenant, clock, drain, client, sign_in, monkeypatch, host
):
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-01")
    firm = Firm(vendor.contract())
    vendor.enable(firm.id)
    vendor.at("2026-07-01")
    assert vendor.state(firm.id) == "expired"
    keys = [f"{number:049d}" for number in range(1, 8)]
    real = host.call

    def call(hook, *, tenant=None, **given):  # the plugin of SRI has its own tests of these two
        if hook == "legal_documents":
            return [one for one in keys if one > given["after"]][: given["size"]]
        if hook == "document_files":
            key = given["access_key"]
            return DocumentFiles(key, f"<x>{key}</x>".encode(), b"%PDF-" + key.encode())
        return real(hook, tenant=tenant, **given)

    monkeypatch.setattr(plugins, "call", call)
    monkeypatch.setattr(legal_copy, "MOST", 3)
    monkeypatch.setattr(legal_copy, "PAGE", 2)
    sign_in(client, firm, "owner")
    address, seen, parts = "/licence/documents.zip", [], 0
    while address:
        answer = client.get(address)
        assert answer.status_code == 200
        parts += 1
        with zipfile.ZipFile(io.BytesIO(answer.data)) as folder:
            names = folder.namelist()
            seen += [name[:-4] for name in names if name.endswith(".xml")]
            for key in (name[:-4] for name in names if name.endswith(".pdf")):
                assert folder.read(f"{key}.pdf") == b"%PDF-" + key.encode()
                assert folder.read(f"{key}.xml") == f"<x>{key}</x>".encode()
            told = folder.read("CONTINUA.txt").decode().strip() if "CONTINUA.txt" in names else ""
        assert answer.headers.get("Link", "") == (f'<{told}>; rel="next"' if told else "")
        address = told
    assert (seen, parts) == (keys, 3)
