"""What a company takes with it: everything before its licence ends, the legal documents for good."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from sqlalchemy import select

from core import plugins
from core.contracts.fiscal import DocumentFiles
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.models import AuditEntry
from plugins.licensing.services import keep_licence
from plugins.sales.models import Customer
from tests.factories.licensing import make_vendor

KEYS = [f"{number:049d}" for number in range(1, 8)]


class Firm:
    """What ``sign_in`` needs of a company."""

    def __init__(self, tenant_id):
        self.id = tenant_id
        self.scope = Scope(tenant_id=tenant_id)


@pytest.fixture
def documents(monkeypatch, host):
    """Seven authorised documents (the plugin of SRI has its own tests of both hooks)."""
    real = host.call

    def call(hook, *, tenant=None, **given):
        if hook == "legal_documents":
            return [one for one in KEYS if one > given["after"]][: given["size"]]
        if hook == "document_files":
            key = given["access_key"]
            return DocumentFiles(key, f"<x>{key}</x>".encode(), b"%PDF-" + key.encode())
        return real(hook, tenant=tenant, **given)

    monkeypatch.setattr(plugins, "call", call)


def unpack(answer) -> dict[str, bytes]:
    assert answer.status_code == 200
    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as folder:
        return {name: folder.read(name) for name in folder.namelist()}


@pytest.mark.checklist("PW-16", "PW-17", "PW-18")
def test_everything_until_the_last_day_and_the_legal_documents_for_good(
    make_tenant, clock, drain, outbox, client, sign_in, post, documents
):
    vendor = make_vendor(make_tenant, clock, drain, "2026-03-12")
    firm = Firm(vendor.contract())
    vendor.enable(firm.id)
    with unit_of_work(firm.scope) as session:
        session.add(Customer(tax_id_type="06", tax_id="AB1", legal_name="Rosa Quispe"))
        keep_licence.cancel_licence(session, now=vendor.at("2026-03-20"))
    drain()
    told = [one for one in outbox.to("hola@gimnasio.ec") if "cancelación" in one.subject]
    assert "/licence/data" in told[0].text
    vendor.at("2026-03-20", 9)
    told = [one for one in outbox.to("hola@gimnasio.ec") if "cancelación" in one.subject]
    assert [one.subject for one in told] == ["Su cancelación"]  # the licence's own letter, once

    # a week before the last day it is mailed, once, and the pages say it
    for day in ("2026-04-02", "2026-04-03", "2026-04-04", "2026-04-10"):
        vendor.night(day)
        vendor.at(day, 7)
        ahead = [one for one in outbox.to("hola@gimnasio.ec") if "termina el" in one.subject]
        assert len(ahead) == (day >= "2026-04-03"), day
    assert ahead[0].subject == "Su licencia termina el 10/04/2026"
    assert "/licence/data" in ahead[0].text
    assert "siete años" in ahead[0].text
    sign_in(client, firm, "owner")
    assert "10/04/2026" in re.sub(r"<[^>]+>", "", client.get("/").text)
    page = client.get("/licence/data").text
    assert "Su licencia termina el 10/04/2026" in page
    assert "Sus clientes" in page

    files = unpack(post(client, "/licence/data.zip"))
    assert b"Rosa Quispe" in files["clientes.csv"]
    assert {f"comprobantes/{key}.xml" for key in KEYS} <= files.keys()
    assert "Gimnasio Andino" in files["LEAME.txt"].decode("utf-8-sig")
    with unit_of_work(firm.scope) as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "licensing.export"))
        assert len(noted.all()) == 1
    sign_in(client, firm, "accountant")
    assert post(client, "/licence/data.zip").status_code == 403  # the owner's to take

    # from the next day on: the legal documents, in one ZIP, and nothing else
    vendor.night("2026-04-11")
    assert vendor.state(firm.id) == "expired"
    sign_in(client, firm, "owner")
    refused = post(client, "/licence/data.zip")
    assert refused.status_code == 403
    assert "La licencia venció".encode() in refused.data
    page = client.get("/licence/data").text
    assert "Sus clientes" not in page
    assert "Vuelva por un mes" in page
    files = unpack(client.get("/licence/documents.zip"))
    assert files.keys() == {f"{key}.{kind}" for key in KEYS for kind in ("xml", "pdf")}
    assert files[f"{KEYS[0]}.xml"] == f"<x>{KEYS[0]}</x>".encode()
    rest = unpack(client.get(f"/licence/documents.zip?after={KEYS[4]}"))  # a broken line goes on
    assert sorted(rest) == sorted(f"{key}.{kind}" for key in KEYS[5:] for kind in ("xml", "pdf"))
    assert client.get(f"/licence/documents.zip?after={KEYS[-1]}").status_code == 404
    vendor.at("2033-04-10")
    sign_in(client, firm, "owner")
    assert len(unpack(client.get("/licence/documents.zip"))) == 14
