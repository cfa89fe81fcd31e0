"""``yupana sri`` on files: what it answers, its exit codes, and that a refusal leaves no file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import etree
from pypdf import PdfReader

from plugins.einvoice_sri.cli import sri
from plugins.einvoice_sri.domain.verify import verify
from tests.factories import certificates as made
from tests.factories.p12_shapes import write_p12

SHARED = Path(__file__).resolve().parents[5] / "shared" / "sri"
DOCUMENT = b'<factura id="comprobante" version="1.1.0"><a>1</a></factura>'
KEY = "0407201901179217775800110010020000000301234567815"  # a real one, authorised in pruebas


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "in.xml").write_bytes(DOCUMENT)
    (tmp_path / "good.p12").write_bytes(write_p12([made.signer()]))
    (tmp_path / "ca.pem").write_bytes(made.authority().pem)
    (tmp_path / "other.pem").write_bytes(made.authority("comma").pem)
    return tmp_path


def run(*arguments: object, password: str = "clave"):
    result = CliRunner().invoke(sri, [str(one) for one in arguments], input=password + "\n")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def signed(files: Path, *extra: str) -> Path:
    out = files / "out.xml"
    result = run("sign", files / "in.xml", "--p12", files / "good.p12", "-o", out, *extra)
    assert result.exit_code == 0, result.output
    return out


def test_sign_and_verify(files):
    out = signed(files)
    assert verify(out.read_bytes()).spotless
    result = run("verify", out, "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["ok"], answer["chain"]) == (0, True, "not checked")
    trusted = json.loads(run("verify", out, "--ca", files / "ca.pem", "--json").stdout)
    assert (trusted["ok"], trusted["chain"]) == (True, "trusted")
    foreign = run("verify", out, "--ca", files / "other.pem", "--json")
    assert (foreign.exit_code, json.loads(foreign.stdout)["chain"]) == (1, "untrusted")


def test_hash_and_time_are_options(files):
    at = "2026-04-25T08:03:07-05:00"
    out = signed(files, "--hash", "sha256", "--at", at)
    answer = json.loads(run("verify", out, "--json").stdout)
    assert "sha256" in answer["method"]
    assert datetime.fromisoformat(answer["signing_time"]) == datetime(
        2026, 4, 25, 13, 3, 7, tzinfo=UTC
    )
    first = out.read_bytes()
    assert signed(files, "--hash", "sha256", "--at", at).read_bytes() == first


def test_verify_reads_the_envelope_and_sees_tampering(files):
    content = signed(files).read_bytes()
    (files / "envelope.xml").write_bytes(
        b"<autorizacion><estado>AUTORIZADO</estado><numeroAutorizacion>1</numeroAutorizacion>"
        b"<comprobante><![CDATA[" + content + b"]]></comprobante></autorizacion>"
    )
    answer = json.loads(run("verify", files / "envelope.xml", "--json").stdout)
    assert (answer["ok"], answer["envelope"]["estado"]) == (True, "AUTORIZADO")
    (files / "bad.xml").write_bytes(content.replace(b"<a>1</a>", b"<a>2</a>"))
    bad = run("verify", files / "bad.xml", "--json")
    assert bad.exit_code == 1
    assert [one["code"] for one in json.loads(bad.stdout)["findings"]] == ["digest_document"]
    (files / "broken.xml").write_bytes(content[:-5])
    broken = run("verify", files / "broken.xml", "--json")
    assert (broken.exit_code, json.loads(broken.stdout)["code"]) == (2, "sri_xml_malformed")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"not_after": made.NOW - timedelta(days=1)}, "sri_p12_expired"),
        ({"not_before": made.NOW + timedelta(days=1)}, "sri_p12_not_yet_valid"),
    ],
)
def test_a_certificate_out_of_its_dates_leaves_no_file(files, clock, options, code):
    (files / "bad.p12").write_bytes(write_p12([made.authority().issue(**options)]))
    out = files / "out.xml"
    result = run("sign", files / "in.xml", "--p12", files / "bad.p12", "-o", out, "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (2, code)
    assert not out.exists()
    assert sorted(one.name for one in files.iterdir() if one.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("arguments", "password", "code"),
    [
        ((), "mala", "sri_p12_wrong_password"),
        (("--at", "2030-01-01T00:00:00Z"), "clave", "sri_p12_expired"),
        (("--at", "2026-05-25T00:00:00Z"), "clave", "sri_sign_future"),
    ],
)
def test_refusals_leave_no_file(files, arguments, password, code):
    out = files / "out.xml"
    result = run(
        "sign", files / "in.xml", "--p12", files / "good.p12", "-o", out, "--json", *arguments, password=password
    )  # fmt: skip
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (2, code)
    assert not out.exists()


def test_an_encryption_certificate_signs_with_a_warning(files):
    one = made.authority().issue(key_usage=made.usage("key_encipherment"))
    (files / "enc.p12").write_bytes(write_p12([one]))
    result = run(
        "sign", files / "in.xml", "--p12", files / "enc.p12", "-o", files / "o.xml", "--json"
    )
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert [one["code"] for one in answer["warnings"]] == ["encryption_only"]
    assert answer["warnings"][0]["sentence"] in result.stderr
    assert run("verify", files / "o.xml").exit_code == 0


def test_p12_inspect_tells_whose_it_is_and_why(files):
    encryption = made.authority().issue(
        key=made.rsa_key("encryption"), key_usage=made.usage("key_encipherment"), serial=77
    )
    (files / "two.p12").write_bytes(write_p12([encryption, made.signer()]))
    answer = json.loads(run("p12", "inspect", files / "two.p12", "--json").stdout)
    assert (answer["chosen"]["holder"], answer["chosen"]["ruc"]) == ("ANA PRUEBA", made.RUC)
    assert (answer["reason"], answer["test_signature"], len(answer["others"])) == (
        "signature",
        True,
        1,
    )
    words = run("p12", "inspect", files / "two.p12")
    assert (words.exit_code, "ANA PRUEBA" in words.output) == (0, True)
    late = made.authority().issue(not_after=datetime(2036, 1, 1, 4, 30, tzinfo=UTC))
    (files / "late.p12").write_bytes(write_p12([late]))
    assert "2035-12-31" in run("p12", "inspect", files / "late.p12").output  # days of Guayaquil
    assert run("p12", "inspect", files / "two.p12", password="no").exit_code == 2
    assert run("p12", "inspect", files / "in.xml").exit_code == 2


def test_keys_are_built_and_taken_apart():
    built = run(
        "key", "build", "--date", "2019-07-04", "--ruc", "1792177758001", "--series", "001-002",
        "--number", "30", "--code", "12345678",
    )  # fmt: skip
    assert built.output.strip() == KEY
    answer = json.loads(run("key", "inspect", KEY, "--json").stdout)
    assert (answer["ruc"], answer["number"], answer["issued_on"]) == (
        "1792177758001",
        "000000030",
        "2019-07-04",
    )
    wrong = run("key", "inspect", KEY[:-1] + "6", "--json")
    assert (wrong.exit_code, json.loads(wrong.stdout)["part"]) == (1, "digito")
    bad = run(
        "key",
        "build",
        "--date",
        "2019-07-04",
        "--ruc",
        "12",
        "--series",
        "001-001",
        "--number",
        "1",
    )
    assert bad.exit_code == 2


@pytest.mark.skipif(not SHARED.is_dir(), reason="SRI's samples are not beside the project")
def test_validate_and_ride_of_a_sample(files):
    sample = SHARED / "samples" / "synthetic" / "factura_1.1.0.xml"
    result = run("validate", sample, "--json")
    answer = json.loads(result.stdout)
    assert (answer["kind"], answer["version"]) == ("01", "1.1.0")
    assert [one["rule"] for one in answer["problems"]] == [
        "totales",
        "clave",
    ]  # both are wrong in it
    assert result.exit_code == 1
    root = etree.parse(sample).getroot()
    root.find(".//importeTotal").text = "1.00"
    (files / "wrong.xml").write_bytes(etree.tostring(root))
    assert "totales" in {
        one["rule"]
        for one in json.loads(run("validate", files / "wrong.xml", "--json").stdout)["problems"]
    }
    printed = run("ride", sample, "-o", files / "ride.pdf", "--json")
    assert printed.exit_code == 0, printed.output
    assert (files / "ride.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.skipif(not SHARED.is_dir(), reason="SRI's samples are not beside the project")
def test_a_factura_on_a_ticket_and_nothing_else(files):
    samples = SHARED / "samples" / "synthetic"
    out = files / "ticket.pdf"
    printed = run("ride", samples / "factura_1.1.0.xml", "-o", out, "--ticket")
    assert printed.exit_code == 0, printed.output
    (page,) = PdfReader(out).pages
    assert round(float(page.mediabox.width) / 72 * 25.4) == 80
    out.unlink()
    refused = run("ride", samples / "notaCredito_1.1.0.xml", "-o", out, "--ticket", "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (2, "sri_ride_ticket")
    said = run("ride", samples / "notaCredito_1.1.0.xml", "-o", out, "--ticket")
    assert "Solo una factura cabe en un ticket de 80 mm" in said.output
    assert not out.exists()


def test_validate_names_what_it_does_not_know(files):
    (files / "x.xml").write_bytes(b'<otro id="comprobante"/>')
    result = run("validate", files / "x.xml", "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (2, "sri_xml_root")


def test_the_real_command_needs_no_database_and_reads_the_password_from_a_pipe(files):
    environment = {
        **os.environ,
        "YUPANA_HOME": str(files / "home"),
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
    }
    done = subprocess.run(
        [sys.executable, "-m", "core.cli", "sri", "sign", "in.xml", "--p12", "good.p12", "-o", "o.xml",
         "--at", "2026-04-25T08:00:00-05:00", "--json"],
        cwd=files, input=b"clave\n", capture_output=True, check=False, timeout=120,
        env={**environment, "PYTHONPATH": str(Path(__file__).resolve().parents[4])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["ok"] is True
    assert verify((files / "o.xml").read_bytes()).intact
    assert not (files / "home").exists()
