"""``yupana demo --check``: the whole chain as a receiver sees it, judged by tools that are not ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT.parent / "shared" / "sri" / "xsd"


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """The check, run once."""
    folder = tmp_path_factory.mktemp("check")
    folder.chmod(0o755)
    for parent in folder.parents:
        if parent.name.startswith("pytest-"):
            parent.chmod(0o755)  # PostgreSQL runs as another user
    env = {k: v for k, v in os.environ.items() if not k.startswith(("YUPANA_", "DATABASE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "core.cli", "demo", "--check", "--json", "--keep", str(folder)],
        env=env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, (
        f"{done.stderr[-3000:]}\n{(folder / 'demo.log').read_text()[-3000:]}"
    )
    return json.loads(done.stdout)


def signed(document):
    """The signed document inside SRI's envelope, byte for byte."""
    envelope = etree.fromstring(Path(document["xml"]).read_bytes())
    assert envelope.findtext("estado") == "AUTORIZADO"
    assert envelope.findtext("numeroAutorizacion") == document["access_key"]
    return envelope.findtext("comprobante").encode()


@pytest.mark.slow
def test_every_step_goes_well(result):
    assert result["ok"]
    assert [step["name"] for step in result["steps"] if not step["ok"]] == []
    assert len(result["steps"]) >= 8
    assert result["documents"]
    for document in result["documents"]:
        assert document["state"] == "AUTORIZADO"
        assert Path(document["ride"]).read_bytes().startswith(b"%PDF-")
        assert len(document["access_key"]) == 49


@pytest.mark.slow
def test_xmlsec_verifies_every_reference(result, tmp_path):
    tool = shutil.which("xmlsec1")
    if tool is None:
        pytest.skip("xmlsec1 is not installed")
    for document in result["documents"]:
        file = tmp_path / "signed.xml"
        file.write_bytes(signed(document))
        properties = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"
        named = ["--id-attr:id", "factura", "--id-attr:Id", properties]
        command = [tool, "--verify", "--insecure", *named, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "3/3" in done.stdout + done.stderr


@pytest.mark.slow
def test_sris_schema_accepts_the_invoices(result):
    if not SCHEMAS.is_dir():
        pytest.skip("SRI's schemas are not here")
    parser = etree.XMLParser(no_network=True)
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "factura_V1.1.0.xsd", parser))
    invoices = [one for one in result["documents"] if one["access_key"][8:10] == "01"]
    assert invoices
    for document in invoices:
        assert schema.validate(etree.fromstring(signed(document))), schema.error_log
